/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - a main() for entry points of libFuzzer, where that is missing
 *
 * With files as arguments it runs them, one by one: that is how a finding is
 * looked at. Without, it changes seeds at random, ROUNDS times, or for as many
 * seconds as FUZZ_SECONDS says.
 */
#ifndef WG_WRAP_TEST_FUZZ_H
#define WG_WRAP_TEST_FUZZ_H

#include "end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#ifndef WITH_LIBFUZZER
enum { FUZZ_INPUT_MAX = 16384 };

/* Writes one of the seeds; returns its length. */
static size_t fuzz_seed(unsigned char *input);

static inline void fuzz_file(const char *path)
{
	static unsigned char input[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	size = fread(input, 1, sizeof(input), file);
	fclose(file);
	LLVMFuzzerTestOneInput(input, size);
}

static inline size_t fuzz_mutate(unsigned char *input, size_t size)
{
	static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff, 0x45};
	unsigned int changes = next_random() % 8;
	size_t at;

	while (changes-- > 0 && size > 0) {
		at = next_random() %
		     (next_random() % 2 && size > 80 ? 80 : size);
		switch (next_random() % 4) {
		case 0:
			input[at] = (unsigned char)next_random();
			break;
		case 1:
			input[at] ^= (unsigned char)(1 << next_random() % 8);
			break;
		case 2:
			input[at] = values[next_random() % sizeof(values)];
			break;
		case 3:
			size = next_random() % 8 == 0 ? at : size;
			break;
		}
	}
	return size;
}

static inline int fuzz_main(int argc, char **argv, unsigned int rounds,
			    const char *title)
{
	static unsigned char input[FUZZ_INPUT_MAX];
	const char *seconds = getenv("FUZZ_SECONDS");
	time_t end_at = seconds ? time(NULL) + atoi(seconds) : 0;
	unsigned int round;
	int i;

	for (i = 1; i < argc; i++)
		fuzz_file(argv[i]);
	if (argc > 1)
		return EXIT_SUCCESS;
	for (round = 0; seconds ? time(NULL) < end_at : round < rounds; round++)
		LLVMFuzzerTestOneInput(input,
				       fuzz_mutate(input, fuzz_seed(input)));
	printf("ok - %u %s\n", round, title);
	return EXIT_SUCCESS;
}
#endif
#endif
