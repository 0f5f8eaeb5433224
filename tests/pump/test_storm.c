/* SPDX-License-Identifier: MIT */
/*
 * test_storm.c - every call at any time, while packets pass both ways
 *
 *	traffic ── TUN ── pump A ── UDP ── pump B ── TUN ── traffic
 *	                                ▲
 *	                stranger's sockets, with the keys of B's peer 1
 *
 * One thread has packets pass, and the caller's makes calls in a random order.
 * Nothing is asked of the packets meanwhile; the thread sanitizer, and the address
 * sanitizer in another run, see whether the threads keep off each other. Then all
 * is set up anew, and no packet may be missing.
 */
#include "live.h"

#include "../setup/test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum {
	STEPS = 10000,
	WORKERS = 2,
	VNET = 10,
	PACKET = 200,
	/* Addresses inside: of A, of B, and of B's peer 1. */
	INSIDE = 0x0a000001,
	STRANGER = 0x0a000103,
	STRANGER_GENERATION = 1000000,
	STRANGER_SOCKETS = 4,
	DEADLINE_MS = 60000,
};

static struct live live[2];
static uint32_t generation;
static atomic_bool is_over;
static _Atomic uint32_t passed[2];
static int stranger[STRANGER_SOCKETS];
static uint64_t stranger_counter;
/* What has happened at all, so that a storm that is none is seen. */
static uint32_t moves, confirmations, handshakes, returned;

static struct pump *pump_of(uint32_t side)
{
	return live[side].end.pump;
}

static uint32_t fill_packet(uint8_t *packet, uint32_t from, uint32_t to,
			    uint32_t number)
{
	memset(packet, 0, PACKET);
	packet[0] = 0x45;
	store16(packet + 2, PACKET);
	packet[9] = 17;
	store32(packet + 12, from);
	store32(packet + 16, to);
	store32(packet + 28, number);
	return PACKET;
}

/* From one side's TUN to the other's. */
static bool write_packet(uint32_t side, uint32_t number)
{
	uint8_t frame[VNET + PACKET] = {0};

	fill_packet(frame + VNET, INSIDE + side, INSIDE + 1 - side, number);
	return write(live[side].tun[0], frame, sizeof(frame)) > 0;
}

/* The number of the next packet, or -1 if there is none in time. */
static int64_t read_packet(uint32_t side, int timeout)
{
	struct pollfd ready = {.fd = live[side].tun[0], .events = POLLIN};
	static _Thread_local uint8_t frame[70000];

	if (poll(&ready, 1, timeout) != 1)
		return -1;
	if (read(live[side].tun[0], frame, sizeof(frame)) < VNET + 32)
		return -1;
	return load32(frame + VNET + 28);
}

static void *pass_packets(void *unused)
{
	uint32_t number = 0, side, i;

	(void)unused;
	while (!atomic_load(&is_over)) {
		for (side = 0; side < 2; side++) {
			for (i = 0; i < 40; i++)
				write_packet(side, number++);
			while (read_packet(side, 0) >= 0)
				passed[side]++;
		}
	}
	return NULL;
}

static void set_allowed_ips(uint32_t side)
{
	struct pump_prefix prefixes[] = {
		{.family = 4, .peer = 0},
		{.family = 4, .length = 24, .peer = 1},
	};

	store32(prefixes[1].address, STRANGER);
	CHECK(pump_set_allowed_ips(pump_of(side), prefixes, 2) == 0);
}

static void rekey(void)
{
	uint32_t side;

	generation++;
	for (side = 0; side < 2; side++)
		end_install_at(&live[side].end, 0, generation,
			       generation % 2 == 0 && side == 1, now_ms());
	for (side = 0; side < 2; side++)
		pump_promote(pump_of(side), end_index(side, generation));
	for (side = 0; side < 2 && generation > 3; side++)
		pump_remove(pump_of(side), end_index(side, generation - 3));
}

static void change_endpoint(uint32_t side)
{
	struct pump_endpoint place;

	place = next_random() % 3 ? live[1 - side].place
				  : live[1 - side].place6;
	if (next_random() % 8 == 0)
		memset(&place, 0, sizeof(place));
	/* One that this host doesn't have: tx is to forget it. */
	if (place.family == 4 && next_random() % 4 == 0) {
		place.has_local = 1;
		memcpy(place.local, "\300\0\2\1", 4);
	}
	CHECK(pump_peer_endpoint(pump_of(side), 0, &place) == 0);
}

static void send_down(uint32_t side)
{
	uint8_t packet[PACKET];
	/* Now and then more than there is room for. */
	bool is_flood = next_random() % 16 == 0;
	uint32_t count = is_flood ? 4000 : 1;

	fill_packet(packet, INSIDE + side, INSIDE + 1 - side, 0);
	while (count-- > 0)
		pump_send(pump_of(side), 0, packet,
			  next_random() % 4 ? PACKET : 0);
	/* For promotions there is more, and then they aren't queued. */
	for (count = is_flood ? 1500 : 1; count > 0; count--)
		pump_promote(pump_of(side), end_index(side, generation));
}

static void send_datagram(uint32_t side)
{
	static const uint8_t initiation[148] = {1};
	const struct live *to = &live[1 - side];

	pump_datagram(pump_of(side),
		      next_random() % 2 ? &to->place : &to->place6, 0,
		      initiation, sizeof(initiation));
}

static void deliver(uint32_t side)
{
	uint8_t packet[PACKET];

	fill_packet(packet, INSIDE + 1 - side, INSIDE + side, 0);
	pump_deliver(pump_of(side), packet, PACKET);
}

/* B's peer 1 sends from any of its places. */
static void roam(void)
{
	uint8_t packet[PACKET], datagram[PACKET + 64];
	uint32_t which = next_random() % STRANGER_SOCKETS;
	struct sockaddr_storage to;
	socklen_t len = sizeof(to);
	uint32_t bytes;

	fill_packet(packet, STRANGER, INSIDE + 1, 0);
	bytes = craft(&live[1].end, STRANGER_GENERATION, stranger_counter++,
		      packet, PACKET, datagram);
	if (getsockname(which % 2 ? live[1].udp6 : live[1].udp,
			(struct sockaddr *)&to, &len) == 0)
		(void)!sendto(stranger[which], datagram, bytes, MSG_DONTWAIT,
			      (struct sockaddr *)&to, len);
}

static void remove_peer(uint32_t side)
{
	uint32_t peer = next_random() % 2;

	CHECK(pump_peer_remove(pump_of(side), peer) == 0);
	if (peer == 0)
		pump_peer_endpoint(pump_of(side), 0, &live[1 - side].place);
	else if (side == 1)
		end_install_at(&live[1].end, 1, STRANGER_GENERATION, false,
			       now_ms());
}

static void take(uint32_t side)
{
	static uint8_t buffer[PUMP_TAKE_BYTES];
	const struct pump_message *message;
	struct pump_endpoint moved;
	int len, at;

	len = pump_take(pump_of(side), buffer, sizeof(buffer));
	for (at = 0; at < len; at += (int)message->bytes) {
		message = (const struct pump_message *)(buffer + at);
		handshakes += message->kind == PUMP_HANDSHAKE;
		returned += message->kind == PUMP_PACKET;
		confirmations += message->kind == PUMP_CONFIRMED;
		if (message->kind != PUMP_MOVED)
			continue;
		moves++;
		CHECK(pump_peer_moved(pump_of(side), message->peer, &moved) ==
		      0);
		if (moved.family != 0)
			pump_peer_endpoint(pump_of(side), message->peer,
					   &moved);
	}
}

static void restart(uint32_t side)
{
	CHECK(pump_stop(pump_of(side)) == 0);
	if (next_random() % 2)
		CHECK(pump_set_sockets(pump_of(side), live[side].udp,
				       live[side].udp6) == 0);
	CHECK(pump_start(pump_of(side)) == 0);
}

static void step(void)
{
	uint32_t side = next_random() % 2, mtu = 1280 + next_random() % 200;
	struct pump_endpoint moved;

	switch (next_random() % 16) {
	case 0:
		pump_stop_sending(pump_of(side), 0);
		break;
	case 1:
		CHECK(pump_set_mtu(pump_of(side), mtu) == 0);
		break;
	case 2:
		set_allowed_ips(side);
		break;
	case 3:
		change_endpoint(side);
		break;
	case 4:
		pump_peer_moved(pump_of(side), next_random() % 2, &moved);
		break;
	case 5:
		send_down(side);
		break;
	case 6:
		send_datagram(side);
		break;
	case 7:
		deliver(side);
		break;
	case 8:
		if (next_random() % 4 == 0)
			remove_peer(side);
		break;
	case 9:
		pump_watch(pump_of(side));
		break;
	case 10:
		if (next_random() % 8 == 0)
			restart(side);
		break;
	case 11:
	case 12:
		take(side);
		break;
	case 13:
	case 14:
		roam();
		break;
	default:
		rekey();
	}
}

static void open_all(void)
{
	uint32_t side, i;
	uint16_t port;

	for (side = 0; side < 2; side++) {
		live_open(&live[side], side, VNET, 0, WORKERS);
		if (pump_start(pump_of(side)) != 0)
			fail("pump_start");
		set_allowed_ips(side);
	}
	for (side = 0; side < 2; side++)
		pump_peer_endpoint(pump_of(side), 0, &live[1 - side].place);
	for (i = 0; i < STRANGER_SOCKETS; i++)
		stranger[i] =
			i % 2 ? bind_loopback6(&port) : bind_loopback(&port);
	end_install_at(&live[1].end, 1, STRANGER_GENERATION, false, now_ms());
	rekey();
}

static void close_all(void)
{
	uint32_t side, i;

	for (side = 0; side < 2; side++) {
		CHECK(pump_stop(pump_of(side)) == 0);
		live_close(&live[side]);
	}
	for (i = 0; i < STRANGER_SOCKETS; i++)
		close(stranger[i]);
}

/* Nothing of what is under way when a storm is over is left afterwards. */
static void settle(void)
{
	uint8_t frame[VNET + PACKET];
	uint32_t side;

	for (side = 0; side < 2; side++) {
		CHECK(pump_peer_remove(pump_of(side), 0) == 0);
		CHECK(pump_peer_remove(pump_of(side), 1) == 0);
		CHECK(pump_set_mtu(pump_of(side), END_MTU) == 0);
		CHECK(pump_stop(pump_of(side)) == 0);
		while (read_packet(side, 0) >= 0 ||
		       read(live[side].tun[1], frame, sizeof(frame)) > 0)
			;
		CHECK(pump_start(pump_of(side)) == 0);
		set_allowed_ips(side);
	}
}

static pthread_t traffic;

static void begin_traffic(void)
{
	atomic_store(&is_over, false);
	if (pthread_create(&traffic, NULL, pass_packets, NULL) != 0)
		fail("pthread_create");
}

static void end_traffic(void)
{
	atomic_store(&is_over, true);
	pthread_join(traffic, NULL);
}

static void test_storm(void)
{
	uint32_t i, side;

	open_all();
	begin_traffic();
	for (i = 0; i < STEPS; i++)
		step();
	end_traffic();
	CHECK(passed[0] > 0 && passed[1] > 0);
	CHECK(moves > 0 && confirmations > 0 && handshakes > 0 && returned > 0);
	settle();
	for (side = 0; side < 2; side++)
		pump_peer_endpoint(pump_of(side), 0, &live[1 - side].place);
	rekey();
	for (i = 0; i < 200; i++) {
		CHECK(write_packet(i % 2, i));
		CHECK(read_packet(1 - i % 2, DEADLINE_MS) == i);
	}
	close_all();
}

/* rx finds out, while tx and the caller's thread send by that socket. */
static void test_closed(void)
{
	static const uint8_t initiation[148] = {1};
	uint64_t deadline;
	int result;

	open_all();
	pump_peer_endpoint(pump_of(0), 0, &live[1].place6);
	begin_traffic();
	/* Not by close(), where the sanitizer sees a race with who sends. */
	syscall(SYS_close, live[0].udp6);
	deadline = now_ms() + DEADLINE_MS;
	do {
		/* Whatever comes over the other one has rx look at both. */
		pump_datagram(pump_of(1), &live[0].place, 0, initiation,
			      sizeof(initiation));
		result = pump_datagram(pump_of(0), &live[1].place6, 0,
				       initiation, sizeof(initiation));
	} while (result != -EAFNOSUPPORT && now_ms() < deadline);
	CHECK(result == -EAFNOSUPPORT);
	end_traffic();
	close_all();
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	alarm(300);
	TEST("any call may be made at any time, and nothing is lost afterwards",
	     test_storm);
	TEST("a socket that is closed by mistake is done without", test_closed);
	return report();
}
