/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - a main() for entry points of libFuzzer, where that is missing
 *
 * With files as arguments it runs them, one by one: that is how a finding is
 * looked at. Without, it changes seeds for a bounded number of rounds, in the
 * same way each time. `make fuzz` runs the same entry points with libFuzzer.
 */
#ifndef WG_WRAP_LAUNCHER_FUZZ_H
#define WG_WRAP_LAUNCHER_FUZZ_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/*
 * A copy of the input without a byte to spare, so that a sanitizer sees one too
 * many; with a NUL behind it if it is to be a text.
 */
static inline char *fuzz_copy(const unsigned char *data, size_t size,
			      int is_text)
{
	char *copy = malloc(size + (is_text || size == 0));

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (is_text)
		copy[size] = '\0';
	return copy;
}

struct fuzz_seed {
	const void *bytes;
	size_t len;
};

/* A seed that is a text; its NUL is none of its bytes. */
#define FUZZ_TEXT(text)                                                        \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

#ifndef WITH_LIBFUZZER
enum { FUZZ_ROUNDS = 20000, FUZZ_INPUT_MAX = 8192 };

/* A xorshift generator, so that there is the same run anywhere. */
static inline unsigned int fuzz_random(void)
{
	static unsigned int state = 2463534242U;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Changes a byte, or removes or repeats a stretch of them. */
static inline size_t fuzz_mutate(unsigned char *input, size_t len)
{
	static const char values[] = "\n \0/:\\\"'.[]()0129-af\x7f\x80\xff";
	size_t at = fuzz_random() % len, count = 1 + fuzz_random() % 40;

	if (count > len - at)
		count = len - at;
	switch (fuzz_random() % 4) {
	case 0:
		input[at] = (unsigned char)fuzz_random();
		break;
	case 1:
		input[at] =
			(unsigned char)values[fuzz_random() % sizeof(values)];
		break;
	case 2:
		memmove(input + at, input + at + count, len - at - count);
		len -= count;
		break;
	default:
		if (len + count > FUZZ_INPUT_MAX)
			break;
		memmove(input + at + count, input + at, len - at);
		len += count;
	}
	return len;
}

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

/* The title is the end of a sentence that begins with a number of inputs. */
static inline int fuzz_main(int argc, char **argv,
			    const struct fuzz_seed *seeds, size_t count,
			    const char *title)
{
	static unsigned char input[FUZZ_INPUT_MAX];
	unsigned int round;
	size_t len = 0;
	int i;

	for (i = 1; i < argc; i++)
		fuzz_file(argv[i]);
	if (argc > 1)
		return EXIT_SUCCESS;
	for (round = 0; round < FUZZ_ROUNDS; round++) {
		/* Changes add up for a while; then it starts over. */
		if (round % 8 == 0 || len == 0) {
			const struct fuzz_seed *seed =
				&seeds[fuzz_random() % count];

			len = seed->len;
			memcpy(input, seed->bytes, len);
		} else {
			len = fuzz_mutate(input, len);
		}
		LLVMFuzzerTestOneInput(input, len);
	}
	printf("ok - %u %s\n", round, title);
	return EXIT_SUCCESS;
}
#endif
#endif
