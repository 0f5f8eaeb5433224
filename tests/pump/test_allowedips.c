/* SPDX-License-Identifier: MIT */
/* test_allowedips.c - longest prefix match against a search through a list */
#include "allowedips.h"

#include "../setup/test.h"

enum { PREFIXES = 400, LOOKUPS = 4000, ROUNDS = 20 };

static unsigned int next_random(void)
{
	static unsigned int state = 2463534242U;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Bytes of few values, so that prefixes lie in each other. */
static void make_address(uint8_t *address, uint32_t family)
{
	uint32_t i;

	memset(address, 0, 16);
	for (i = 0; i < (family == 4 ? 4U : 16U); i++)
		address[i] = next_random() % 4 == 0
				     ? (uint8_t)next_random()
				     : (uint8_t)(next_random() % 2 * 255);
}

static bool contains(const struct pump_prefix *prefix, const uint8_t *address)
{
	uint32_t i;

	for (i = 0; i < prefix->length; i++)
		if ((prefix->address[i / 8] ^ address[i / 8]) >> (7 - i % 8) &
		    1)
			return false;
	return true;
}

/* The longest; of equal ones the last. */
static uint32_t search(const struct pump_prefix *prefixes, int count,
		       const uint8_t *address, uint32_t family)
{
	uint32_t peer = (uint32_t)PUMP_NO_PEER;
	int best = -1, i;

	for (i = 0; i < count; i++)
		if (prefixes[i].family == family &&
		    prefixes[i].length >= (best < 0 ? 0 : (uint32_t)best) &&
		    contains(&prefixes[i], address)) {
			best = prefixes[i].length;
			peer = prefixes[i].peer;
		}
	return peer;
}

static void test_random(void)
{
	struct pump_prefix prefixes[PREFIXES];
	struct allowedips *table;
	uint8_t address[16];
	uint32_t family;
	int round, i, count, wrong = 0;

	for (round = 0; round < ROUNDS; round++) {
		count = (int)(next_random() % (PREFIXES + 1));
		for (i = 0; i < count; i++) {
			family = next_random() % 2 ? 4 : 6;
			prefixes[i].family = (uint16_t)family;
			prefixes[i].length =
				(uint16_t)(next_random() %
					   (family == 4 ? 33 : 129));
			prefixes[i].peer = next_random() % 16;
			make_address(prefixes[i].address, family);
		}
		table = allowedips_build(prefixes, (uint32_t)count);
		for (i = 0; table && i < LOOKUPS; i++) {
			family = next_random() % 2 ? 4 : 6;
			make_address(address, family);
			wrong += allowedips_lookup(table, address, family) !=
				 search(prefixes, count, address, family);
		}
		wrong += !table;
		free(table);
	}
	CHECK(wrong == 0);
}

static void test_everything(void)
{
	static const struct pump_prefix prefixes[] = {
		{.family = 4, .length = 0, .peer = 1},
		{.family = 6, .length = 0, .peer = 2},
		{.family = 4,
		 .length = 32,
		 .peer = 3,
		 .address = {10, 0, 0, 1}},
	};
	struct allowedips *table = allowedips_build(prefixes, 3);
	uint8_t address[16] = {10, 0, 0, 1};

	CHECK(table && allowedips_lookup(table, address, 4) == 3);
	CHECK(table && allowedips_lookup(table, address, 6) == 2);
	address[3] = 2;
	CHECK(table && allowedips_lookup(table, address, 4) == 1);
	free(table);
	table = allowedips_build(NULL, 0);
	CHECK(table &&
	      allowedips_lookup(table, address, 4) == (uint32_t)PUMP_NO_PEER);
	free(table);
}

int main(void)
{
	TEST("default routes and host prefixes are found, and nothing in an "
	     "empty table",
	     test_everything);
	TEST("any table agrees with a search through the list", test_random);
	return report();
}
