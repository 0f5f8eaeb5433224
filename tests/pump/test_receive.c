/* SPDX-License-Identifier: MIT */
/* test_receive.c - both sockets are read, whatever comes to one of them */
#include "live.h"

#include "descriptors.h"
#include "state.h"

#include "../setup/test.h"

#include <sys/socket.h>

enum {
	/* As many as are always there where a flood is. */
	FLOOD = 4 * BODY_RECEIPTS,
	BATCHES = 20,
	HALF = BODY_RECEIPTS / 2,
};

static struct live live;
static struct receipt receipts[BODY_RECEIPTS];
/* What the last batch had, by family. */
static int counts[FAMILIES];

static void open_sockets(void)
{
	live_open(&live, 0, 10, PUMP_WITHOUT_GRO, 0);
	offload_begin(live.end.pump->descriptors);
}

static void close_sockets(void)
{
	offload_end(live.end.pump->descriptors);
	live_close(&live);
}

/* Puts datagrams into the socket of a family: over loopback they are there. */
static void give(int family, int count)
{
	struct sockaddr_storage to;
	socklen_t len = sizeof(to);
	int fd = family == FAMILY4 ? live.udp : live.udp6;

	if (getsockname(fd, (struct sockaddr *)&to, &len) != 0)
		fail("getsockname");
	while (count-- > 0)
		if (sendto(fd, "a datagram", 10, 0, (struct sockaddr *)&to,
			   len) != 10)
			fail("sendto");
}

static int receive(void)
{
	int count = udp_receive(live.end.pump->descriptors, receipts), i;

	counts[FAMILY4] = counts[FAMILY6] = 0;
	for (i = 0; i < count; i++)
		counts[receipts[i].from.family == 4 ? FAMILY4 : FAMILY6]++;
	return count;
}

static void test_two_floods(void)
{
	int i;

	open_sockets();
	give(FAMILY4, FLOOD);
	give(FAMILY6, FLOOD);
	for (i = 0; i < 2 * FLOOD / BODY_RECEIPTS; i++) {
		CHECK(receive() == BODY_RECEIPTS);
		CHECK(counts[FAMILY4] == HALF && counts[FAMILY6] == HALF);
	}
	receive();
	CHECK(receive() == 0);
	close_sockets();
}

/* One batch, after which there is as much of a flood as before. */
static void receive_of_flood(int flooded)
{
	CHECK(receive() > 0);
	give(flooded, counts[flooded]);
}

/* What comes to the other one is there in this batch or in the next. */
static void pass_flood(int flooded)
{
	int other = FAMILY6 - flooded, seen, i;

	open_sockets();
	give(flooded, FLOOD);
	receive_of_flood(flooded);
	for (i = 0; i < BATCHES; i++) {
		receive_of_flood(flooded);
		CHECK(counts[flooded] == BODY_RECEIPTS);
	}
	for (i = 0; i < BATCHES; i++) {
		give(other, 1);
		receive_of_flood(flooded);
		seen = counts[other];
		receive_of_flood(flooded);
		CHECK(seen + counts[other] == 1);
	}
	close_sockets();
}

static void test_flood4(void)
{
	pass_flood(FAMILY4);
}

static void test_flood6(void)
{
	pass_flood(FAMILY6);
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	TEST("two floods have half of each batch each", test_two_floods);
	TEST("a flood over IPv4 keeps no datagram over IPv6 waiting",
	     test_flood4);
	TEST("a flood over IPv6 keeps no datagram over IPv4 waiting",
	     test_flood6);
	return report();
}
