/* SPDX-License-Identifier: MIT */
/*
 * test_replay.c - the window of RFC 6479, by a table and against a set
 *
 * The table is that of tests/unit/wireguard/replay.test.ts: both paths give the
 * same verdicts.
 */
#include "replay.h"
#include "wire.h"

#include "../setup/test.h"

#define SIZE 8128ULL
#define RING 8192ULL
#define LAST (REJECT_AFTER_MESSAGES - 1)
#define BIG  (1ULL << 32)

struct step {
	uint64_t counter;
	bool is_accepted;
};

static const struct {
	const char *title;
	struct step steps[10];
	int count;
} table[] = {
	{"the first counter is 0", {{0, true}, {0, false}}, 2},
	{"the first counter need not be 0",
	 {{5, true}, {5, false}, {0, true}, {0, false}},
	 4},
	{"counters come in any order, each once",
	 {{1, true},
	  {9, true},
	  {8, true},
	  {7, true},
	  {8, false},
	  {0, true},
	  {9, false},
	  {1, false}},
	 8},
	{"the last of the window is accepted once, the one behind it never",
	 {{SIZE + 50, true}, {50, true}, {50, false}, {49, false}, {51, true}},
	 5},
	{"moving by one lets one fall out",
	 {{SIZE, true}, {SIZE + 1, true}, {0, false}, {1, true}},
	 4},
	{"what was accepted stays accepted while the window moves",
	 {{100, true},
	  {101, true},
	  {SIZE, true},
	  {100, false},
	  {101, false},
	  {102, true}},
	 6},
	{"a jump over the whole ring forgets what was in it",
	 {{3, true},
	  {3 + RING, true},
	  {3 + RING, false},
	  {3, false},
	  {4 + RING - SIZE, true},
	  {3 + 5 * RING, true},
	  {3 + 5 * RING - SIZE, true},
	  {3 + 5 * RING - SIZE - 1, false}},
	 8},
	{"bits of the ring are cleared before they stand for other counters",
	 {{10, true},
	  {10 + RING, true},
	  {9 + RING, true},
	  {10 + 2 * RING, true},
	  {9 + 2 * RING, true}},
	 5},
	{"counters beyond 32 bits are told apart",
	 {{BIG + 1, true}, {1, false}, {BIG + 1, false}, {BIG, true}},
	 4},
	{"the last counter of all is accepted",
	 {{LAST, true},
	  {LAST, false},
	  {LAST - SIZE, true},
	  {LAST - SIZE - 1, false}},
	 4},
};

static int row;

static void test_row(void)
{
	struct replay replay = {0};
	int i;

	for (i = 0; i < table[row].count; i++)
		CHECK(replay_accept(&replay, table[row].steps[i].counter) ==
		      table[row].steps[i].is_accepted);
}

static unsigned int next_random(void)
{
	static unsigned int state = 2463534242U;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Counters near the greatest, sometimes far; every one is remembered. */
static void test_set(void)
{
	enum { COUNTERS = 1 << 22, STEPS = 200000 };
	bool *seen = calloc(COUNTERS, 1);
	struct replay replay = {0};
	uint64_t greatest = 0, counter;
	int i, wrong = 0;
	bool expected;

	for (i = 0; seen && i < STEPS && greatest < COUNTERS - 80000; i++) {
		unsigned int random = next_random();
		int64_t jump = (int)(random >> 8) % 81 - 40;

		if (random % 8 == 0)
			jump = (int)(random >> 8) % 16401 - 8200;
		if (random % 64 == 1)
			jump = (random >> 8) % 40001;
		counter = (int64_t)greatest + jump < 0
				  ? 0
				  : (uint64_t)((int64_t)greatest + jump);
		expected = counter + SIZE >= greatest && !seen[counter];
		wrong += replay_accept(&replay, counter) != expected;
		seen[counter] = true;
		if (counter > greatest)
			greatest = counter;
	}
	CHECK(seen && wrong == 0);
	free(seen);
}

int main(void)
{
	for (row = 0; row < (int)(sizeof(table) / sizeof(*table)); row++)
		TEST(table[row].title, test_row);
	TEST("the window agrees with a set of all that was accepted", test_set);
	return report();
}
