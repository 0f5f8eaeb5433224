/* SPDX-License-Identifier: MIT */
/*
 * test_roaming.c - a peer that is heard from two places before the core follows
 *
 * So it is when a way changes: what was under way on the former one arrives
 * late, in the same batch.
 */
#include "end.h"

#include "../setup/test.h"

#include <string.h>

enum { GENERATION = 1 };

static struct end end;
static struct pump_endpoint known, elsewhere;

static void open_end(void)
{
	end_open(&end, 1, 0);
	end_allow_all(&end, 0);
	end_install(&end, 0, GENERATION, false);
	known = end_place(0);
	elsewhere = end_place(7);
	pump_peer_endpoint(end.pump, 0, &known);
}

/* Places in the order in which datagrams come from them, in one batch. */
static void hear(const char *places, uint64_t counter)
{
	static uint8_t datagram[KEEPALIVE_BYTES];

	for (; *places; places++) {
		craft(&end, GENERATION, counter++, NULL, 0, datagram);
		ring_give_datagrams(
			end.pump, *places == 'k' ? &known : &elsewhere, 0,
			sizeof(datagram), datagram, sizeof(datagram));
	}
	ring_step(end.pump);
}

/* Whether that is where the peer has moved to; NULL for nowhere. */
static bool has_moved_to(const struct pump_endpoint *place)
{
	static const struct pump_endpoint nowhere;
	struct pump_endpoint moved;

	return pump_peer_moved(end.pump, 0, &moved) == 0 &&
	       memcmp(&moved, place ? place : &nowhere, sizeof(moved)) == 0;
}

static int count_messages(void)
{
	int count = 0;

	while (end_message(&end))
		count++;
	return count;
}

static void test_back(void)
{
	open_end();
	hear("kek", 0);
	CHECK(has_moved_to(NULL));
	hear("ke", 3);
	CHECK(has_moved_to(&elsewhere));
	hear("k", 5);
	CHECK(has_moved_to(NULL));
	end_close(&end);
}

static void test_told_once(void)
{
	open_end();
	hear("ekekekeke", 0);
	CHECK(count_messages() == 1);
	CHECK(end.activity->peers[0].notices == PUMP_NOTICE_MOVED);
	CHECK(has_moved_to(&elsewhere));
	/* The reader has looked, and still thinks otherwise. */
	end.activity->peers[0].notices = 0;
	hear("e", 9);
	CHECK(count_messages() == 0);
	hear("ke", 10);
	CHECK(count_messages() == 1);
	end_close(&end);
}

static void test_local_address(void)
{
	struct pump_endpoint here;

	open_end();
	here = known;
	here.has_local = 1;
	here.local[0] = 10;
	hear("e", 0);
	known = here;
	hear("k", 1);
	CHECK(has_moved_to(NULL));
	CHECK(count_messages() == 1);
	end_close(&end);
}

int main(void)
{
	if (!load_openssl())
		return 1;
	TEST("a peer that is back where it was has not moved", test_back);
	TEST("a peer in two places at once makes one message until it is read",
	     test_told_once);
	TEST("a peer is back at whichever address of this host it arrives",
	     test_local_address);
	return report();
}
