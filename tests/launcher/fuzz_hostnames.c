/* SPDX-License-Identifier: MIT */
/*
 * fuzz_hostnames.c - any text is names of endpoints or is refused
 *
 * What is taken can be asked for, and is written as it was read. The entry point
 * is libFuzzer's; run without it, main() mutates lines for a bounded number of
 * rounds.
 */
#include "hostnames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Stops the process where names that were taken are not those of the text. */
static void check(const struct hostnames *names, const char *text, size_t len)
{
	unsigned int i;
	size_t name_len;

	if (names->count > HOSTNAMES_MAX)
		abort();
	for (i = 0; i < names->count; i++) {
		name_len = strlen(names->list[i]);
		if (len < 9 + name_len || memcmp(text, "resolve ", 8) != 0 ||
		    memcmp(text + 8, names->list[i], name_len) != 0 ||
		    text[8 + name_len] != '\n' ||
		    !value_is_host_name(names->list[i]))
			abort();
		text += 9 + name_len;
		len -= 9 + name_len;
	}
	if (len != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct hostnames names;
	/* No byte to spare, so that a sanitizer sees one too many. */
	char *exact = malloc(size ? size : 1);

	if (!exact)
		return 0;
	memcpy(exact, data, size);
	if (hostnames_parse(&names, exact, size))
		check(&names, exact, size);
	free(exact);
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(void)
{
	static const char lines[] =
		"resolve vpn.test\nresolve a\nresolve b-_.c\n";
	static const char interesting[] = "\n \0ae-._";
	unsigned int state = 2463534242U, round;
	unsigned char input[sizeof(lines) - 1];
	size_t len;

	for (round = 0; round < 200000; round++) {
		memcpy(input, lines, sizeof(input));
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		/* Often to the end of a line, which leaves it well-formed. */
		len = state % 4 == 0 ? 17 : (state >> 8) % (sizeof(input) + 1);
		if (len > 0 && state % 3 != 0)
			input[(state >> 16) % len] =
				state % 5 == 0 ? (unsigned char)(state >> 24)
					       : (unsigned char)interesting
							 [(state >> 12) %
							  sizeof(interesting)];
		LLVMFuzzerTestOneInput(input, len);
	}
	printf("ok - %u texts do no harm\n", round);
	return 0;
}
#endif
