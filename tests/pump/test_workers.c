/* SPDX-License-Identifier: MIT */
/*
 * test_workers.c - workers do the cipher's work, and change nothing else
 *
 * Two pumps get the same, one of them with workers. What they give has to be the
 * same, byte by byte and in the same order, and so has what they count. That is
 * seen on all processors and on a single one, where whoever has taken a chunk is
 * held up all the time.
 */
#include "end.h"

#include "workers.h"

#include "../setup/test.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	FLOWS = 6,
	ROUNDS = 60,
	FRAME_MAX = 70000,
	HANDS = 4,
	JOB_BYTES = 1400,
	DEADLINE_S = 60,
};

/* By side; the second of each has workers. */
static struct end ends[2][2];
static struct flow flows[FLOWS];
static uint8_t frame[FRAME_MAX];

static void open_ends(void)
{
	struct pump_endpoint place;
	uint32_t which;
	unsigned int side;

	for (side = 0; side < 2; side++) {
		for (which = 0; which < 2; which++) {
			struct end *end = &ends[side][which];

			end_open_with(end, side, 0, which ? HANDS - 1 : 0);
			place = end_place(1 - side);
			pump_peer_endpoint(end->pump, 0, &place);
			end_allow_all(end, 0);
			end_install(end, 0, 1, false);
			pump_promote(end->pump, end_index(side, 1));
		}
		CHECK(ends[side][0].activity->workers == 0);
		CHECK(ends[side][1].activity->workers == 2 * (HANDS - 1));
	}
}

static void close_ends(void)
{
	int i;

	for (i = 0; i < 4; i++)
		end_close(&ends[i / 2][i % 2]);
}

/* Some frames, as a TUN under load gives them. */
static void give_frames(void)
{
	uint32_t count = 1 + next_random() % 8, payload, size, len;
	struct flow *flow;

	while (count-- > 0) {
		flow = &flows[next_random() % FLOWS];
		payload = next_random() % (next_random() % 2 ? 1300 : 60000);
		size = payload > 1300 ? 1000 + next_random() % 300 : 0;
		len = make_frame(flow, frame, payload, size);
		ring_give_packet(ends[0][0].pump, frame, len);
		ring_give_packet(ends[0][1].pump, frame, len);
	}
	ring_step(ends[0][0].pump);
	ring_step(ends[0][1].pump);
}

static bool is_same(const struct ring_output *a, const struct ring_output *b)
{
	return a && b && a->bytes == b->bytes && memcmp(a, b, a->bytes) == 0;
}

/* Datagrams as they are, damaged, again, or not at all. */
static void give_datagrams(struct ring_output *output)
{
	struct pump_endpoint from = end_place(0);
	uint8_t *bytes = (uint8_t *)(output + 1);
	uint32_t fate = next_random() % 16, times = fate == 1 ? 2 : 1;

	if (fate == 0)
		return;
	if (fate == 2)
		bytes[next_random() % output->payload_bytes] ^= 1;
	while (times-- > 0) {
		ring_give_datagrams(ends[1][0].pump, &from, 0, output->segment,
				    bytes, output->payload_bytes);
		ring_give_datagrams(ends[1][1].pump, &from, 0, output->segment,
				    bytes, output->payload_bytes);
	}
}

/* Takes what both senders gave to both receivers. Counts differences. */
static int carry(void)
{
	static uint8_t copy[PUMP_TAKE_BYTES];
	const struct ring_output *alone, *helped;
	int wrong = 0, given = 0;

	for (;;) {
		alone = end_output(&ends[0][0]);
		helped = end_output(&ends[0][1]);
		if (alone)
			wrong += !is_same(alone, helped);
		else
			return wrong + (helped != NULL);
		memcpy(copy, alone, alone->bytes);
		give_datagrams((struct ring_output *)copy);
		if (++given % 8 == 0) {
			ring_step(ends[1][0].pump);
			ring_step(ends[1][1].pump);
		}
	}
}

static int differences_of_receivers(void)
{
	const struct ring_output *alone, *helped;
	int wrong = 0;

	ring_step(ends[1][0].pump);
	ring_step(ends[1][1].pump);
	do {
		alone = end_output(&ends[1][0]);
		helped = end_output(&ends[1][1]);
		wrong += (alone || helped) && !is_same(alone, helped);
	} while (alone && helped);
	return wrong;
}

static void compare(void)
{
	int wrong = 0, round;
	uint32_t i;

	for (i = 0; i < FLOWS; i++)
		flows[i] = (struct flow){.is_v6 = i % 2,
					 .is_udp = i % 3 == 0,
					 .port = (uint16_t)(1000 + i),
					 .flags = 0x10};
	open_ends();
	for (round = 0; round < ROUNDS; round++) {
		give_frames();
		wrong += carry();
		wrong += differences_of_receivers();
	}
	CHECK(wrong == 0);
	CHECK(ends[0][1].activity->peers[0].tx_packets > ROUNDS);
	CHECK(ends[1][1].activity->peers[0].rx_packets > ROUNDS);
	CHECK(ends[1][1].activity->drops[PUMP_UNAUTHENTIC] > 0);
	CHECK(ends[1][1].activity->drops[PUMP_REPLAYED] > 0);
	for (i = 0; i < 2; i++) {
		ends[i][1].activity->workers = 0;
		CHECK(memcmp(ends[i][0].activity, ends[i][1].activity,
			     sizeof(struct pump_activity) +
				     END_PEERS * sizeof(struct
							pump_peer_activity)) ==
		      0);
	}
	close_ends();
}

static void compare_on_one_processor(void)
{
	cpu_set_t before, one;
	int cpu = 0;

	CHECK(sched_getaffinity(0, sizeof(before), &before) == 0);
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	/* Threads that are made from now on inherit it. */
	CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
	compare();
	CHECK(sched_setaffinity(0, sizeof(before), &before) == 0);
}

/* Which hand has sealed a text of zeros, each having a key of its own; or -1. */
static int hand_of(const uint8_t *sealed, uint64_t counter, struct evp *evp)
{
	uint8_t key[PUMP_KEY_BYTES], text[JOB_BYTES + TAG_BYTES];
	struct aead aead;
	int hand;

	for (hand = 0; hand < HANDS; hand++) {
		memset(key, hand, sizeof(key));
		memset(text, 0, sizeof(text));
		if (aead_init(&aead, evp, key, true) != 0)
			return -1;
		aead_seal(&aead, counter, text, JOB_BYTES);
		aead_wipe(&aead);
		if (memcmp(text, sealed, sizeof(text)) == 0)
			return hand;
	}
	return -1;
}

/* Every job is done once, and in the end every worker has done some. */
static void test_hands(void)
{
	enum { JOBS = 48 };
	static uint8_t texts[JOBS][JOB_BYTES + TAG_BYTES];
	static struct workers workers;
	static struct job jobs[JOBS];
	time_t deadline = time(NULL) + DEADLINE_S;
	uint8_t key[PUMP_KEY_BYTES];
	struct aead hands[HANDS];
	unsigned int seen = 0;
	int i, hand, wrong = 0;
	struct evp evp;

	CHECK(evp_find(&evp) == 0);
	for (i = 0; i < HANDS; i++) {
		memset(key, i, sizeof(key));
		CHECK(aead_init(&hands[i], &evp, key, true) == 0);
	}
	workers_begin(&workers, HANDS - 1, true);
	CHECK(workers.count == HANDS - 1);
	while (seen != (1 << HANDS) - 1 && time(NULL) < deadline) {
		memset(texts, 0, sizeof(texts));
		for (i = 0; i < JOBS; i++)
			jobs[i] = (struct job){hands, (uint64_t)i, texts[i],
					       JOB_BYTES, false};
		workers_run(&workers, jobs, JOBS);
		for (i = 0; i < JOBS; i++) {
			hand = hand_of(texts[i], (uint64_t)i, &evp);
			wrong += hand < 0 || !jobs[i].has_worked;
			seen |= hand < 0 ? 0 : 1U << hand;
		}
	}
	CHECK(wrong == 0);
	CHECK(seen == (1 << HANDS) - 1);
	workers_end(&workers);
	for (i = 0; i < HANDS; i++)
		aead_wipe(&hands[i]);
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	TEST("every job is done once, and every worker does some", test_hands);
	TEST("with workers every byte is the same, in the same order", compare);
	TEST("so it is where all threads share one processor",
	     compare_on_one_processor);
	return report();
}
