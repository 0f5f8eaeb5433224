/* SPDX-License-Identifier: MIT */
/*
 * fuzz_arguments.c - any command line is parsed without harm
 *
 * An input is words with a NUL behind each. The entry point is libFuzzer's; run
 * without it, main() mutates a few seeds for a bounded number of rounds.
 */
#include "arguments.h"
#include "subcommand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *words[WORDS_MAX + 2], *text, *next;
	struct arguments arguments;
	int argc = 0;

	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	words[argc++] = (char *)"wg-wrap";
	for (next = text; next < text + size && argc <= WORDS_MAX;
	     next += strlen(next) + 1)
		words[argc++] = next;
	words[argc] = NULL;
	arguments_parse(argc, words, &arguments);
	/* Whatever is left is the end of the same line. */
	if (!arguments.is_controllers &&
	    (arguments.command < words + 1 || arguments.command > words + argc))
		abort();
	if (argc > 1)
		subcommand_nearest(words[1]);
	free(text);
	return 0;
}

#ifndef WITH_LIBFUZZER
enum { ROUNDS = 200000, INPUT_MAX = 64 };

/* A xorshift generator, so that a seed gives the same run anywhere. */
static unsigned int next_random(unsigned int *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

int main(void)
{
	static const char *const pieces[] = {
		"up",	     "down",	  "exec",   "work",
		"-c",	     "-q",	  "-vqc",   "--config",
		"--config=", "--mtu",	  "--dns=", "--",
		"--profile", "--no-wait", "status", "statsu",
		"-",	     "",	  "1300",   "--connect-timeout=",
		"5s",	     "\xff",	  "=",
	};
	enum { PIECES = sizeof(pieces) / sizeof(*pieces) };
	unsigned int state = 2463534242U, round, i, count;
	unsigned char input[INPUT_MAX];
	size_t len, piece;

	for (round = 0; round < ROUNDS; round++) {
		len = 0;
		count = next_random(&state) % 6;
		for (i = 0; i < count; i++) {
			const char *text = pieces[next_random(&state) % PIECES];

			piece = strlen(text);
			if (len + piece + 1 > sizeof(input))
				break;
			memcpy(input + len, text, piece);
			len += piece;
			/* Mostly a word's end, sometimes one word with the next. */
			if (next_random(&state) % 4 != 0)
				input[len++] = '\0';
		}
		if (len > 0 && next_random(&state) % 3 == 0)
			input[next_random(&state) % len] =
				(unsigned char)next_random(&state);
		LLVMFuzzerTestOneInput(input, len);
	}
	printf("ok - %u command lines do no harm\n", round);
	return 0;
}
#endif
