/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - a main() for entry points of libFuzzer, where that is missing
 *
 * With files as arguments it runs them, one by one: that is how a finding is
 * looked at. Without, it changes seeds at random, ROUNDS times, or for as many
 * seconds as FUZZ_SECONDS says. Each input meets a pump that knows nothing of
 * the last one, so that whichever does harm does so alone, too.
 */
#ifndef WG_WRAP_TEST_FUZZ_H
#define WG_WRAP_TEST_FUZZ_H

#include "end.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	/* In the first byte of an input: bits of pump_config.without, and this. */
	FUZZ_WITHOUT = PUMP_WITHOUT_OFFLOAD | PUMP_WITHOUT_SEGMENT,
	FUZZ_WORKERS = 1 << 2,
	FUZZ_WAYS = 1 << 3,
};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static inline void fuzz_empty(struct queue *queue)
{
	atomic_store(&queue->written.count, 0);
	atomic_store(&queue->read.count, 0);
}

/*
 * An end with the pump that the first byte of an input wants, as if it had just
 * been opened. It is opened once for each, since that takes far longer than an
 * input; what the last one left behind is gone. A side may have one at a time.
 */
static inline struct end *fuzz_end(unsigned int side, unsigned int how)
{
	static struct end ends[2][FUZZ_WAYS];
	struct end *end = &ends[side][how % FUZZ_WAYS];
	static bool has_openssl;
	uint32_t peer;

	has_openssl = has_openssl || load_openssl();
	if (!has_openssl)
		abort();
	if (!end->pump)
		end_open_with(end, side, how & FUZZ_WITHOUT,
			      how & FUZZ_WORKERS ? 2 : 0);
	for (peer = 0; peer < END_PEERS; peer++)
		pump_peer_remove(end->pump, peer);
	memset(end->activity->drops, 0, sizeof(end->activity->drops));
	fuzz_empty(&end->pump->handup.queues[EPOCH_RX]);
	fuzz_empty(&end->pump->handup.queues[EPOCH_TX]);
	fuzz_empty(&end->pump->sends);
	return end;
}

#ifndef WITH_LIBFUZZER
enum { FUZZ_INPUT_MAX = 1 << 18 };

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
