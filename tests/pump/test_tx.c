/* SPDX-License-Identifier: MIT */
/* test_tx.c - verdicts on packets from the TUN, and what the core sends down */
#include "end.h"
#include "reference.h"
#include "state.h"

#include "../setup/test.h"

#include <errno.h>

enum { GENERATION = 1 };

static struct end end;
static uint8_t frame[70000];

/* A connected end that nothing was done with. */
static void open_end(void)
{
	struct pump_endpoint place = end_place(1);

	end_open(&end, 0, 0);
	end_allow_all(&end, 0);
	end_install(&end, 0, GENERATION, false);
	pump_peer_endpoint(end.pump, 0, &place);
	pump_promote(end.pump, end_index(0, GENERATION));
}

static uint32_t give(struct flow *flow, uint32_t payload, uint32_t size)
{
	uint32_t len = make_frame(flow, frame, payload, size);

	CHECK(ring_give_packet(end.pump, frame, len) == 0);
	return len;
}

static void give_udp(void)
{
	struct flow flow = {.is_udp = true};

	give(&flow, 10, 0);
}

/* The number of datagrams sent, in any groups. */
static uint32_t count_datagrams(void)
{
	const struct ring_output *output;
	uint32_t count = 0;

	while ((output = end_output(&end)) != NULL)
		count += (output->payload_bytes + output->segment - 1) /
			 output->segment;
	return count;
}

static uint64_t drops_but(enum pump_drop reason)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < PUMP_DROPS; i++)
		sum += i == (int)reason ? 0 : end.activity->drops[i];
	return sum;
}

/* Expects one message with one packet, complete, and nothing sent. */
static void expect_handed_up(uint32_t peer, uint32_t packet_len)
{
	const struct pump_message *message = end_message(&end);

	CHECK(message && message->kind == PUMP_PACKET);
	CHECK(message && message->peer == peer);
	CHECK(message && message->payload_bytes == packet_len);
	CHECK(message &&
	      reference_transport_checksum((const uint8_t *)(message + 1),
					   message->payload_bytes, 20) == 0);
	CHECK(end_message(&end) == NULL);
	CHECK(count_datagrams() == 0);
	CHECK(drops_but(PUMP_DROPS) == 0);
}

static void test_no_peer(void)
{
	open_end();
	pump_set_allowed_ips(end.pump, NULL, 0);
	give_udp();
	ring_step(end.pump);
	expect_handed_up((uint32_t)PUMP_NO_PEER, 38);
	end_close(&end);
}

static void test_no_endpoint(void)
{
	struct pump_endpoint nowhere = {0};

	open_end();
	CHECK(pump_peer_endpoint(end.pump, 0, &nowhere) == 0);
	give_udp();
	ring_step(end.pump);
	expect_handed_up(0, 38);
	end_close(&end);
}

static void test_no_keypair(void)
{
	open_end();
	CHECK(pump_remove(end.pump, end_index(0, GENERATION)) == 0);
	CHECK(pump_remove(end.pump, end_index(0, GENERATION)) == -ENOENT);
	give_udp();
	ring_step(end.pump);
	expect_handed_up(0, 38);
	end_close(&end);
}

static void test_not_promoted(void)
{
	open_end();
	end_install(&end, 1, 2, false);
	end_allow_all(&end, 1);
	give_udp();
	ring_step(end.pump);
	expect_handed_up(1, 38);
	end_close(&end);
}

static void test_age(void)
{
	open_end();
	ring_set_clock(end.pump, BIRTH_MS + 179999);
	give_udp();
	ring_step(end.pump);
	CHECK(count_datagrams() == 1);
	ring_set_clock(end.pump, BIRTH_MS + 180000);
	give_udp();
	ring_step(end.pump);
	expect_handed_up(0, 38);
	end_close(&end);
}

/* The last counter is sealed; the one behind it never. */
static void test_counter_limit(void)
{
	struct keypair *keypair;
	struct flow flow = {.flags = 0x10};
	const struct ring_output *output;
	const struct pump_message *message;

	open_end();
	keypair =
		keypairs_lookup(&end.pump->keypairs, end_index(0, GENERATION));
	ring_step(end.pump);
	keypair->next_counter = REJECT_AFTER_MESSAGES - 2;
	give(&flow, 3000, 1000);
	ring_step(end.pump);
	output = end_output(&end);
	CHECK(output && output->payload_bytes == 2 * output->segment);
	CHECK(output &&
	      load64_le((const uint8_t *)(output + 1) + output->segment + 8) ==
		      REJECT_AFTER_MESSAGES - 1);
	CHECK(end_output(&end) == NULL);
	/* The third segment waits for other keys. */
	message = end_message(&end);
	CHECK(message && message->kind == PUMP_PACKET &&
	      message->payload_bytes == 1040);
	CHECK(end_message(&end) == NULL);
	give_udp();
	ring_step(end.pump);
	expect_handed_up(0, 38);
	end_close(&end);
}

static void test_silenced(void)
{
	open_end();
	CHECK(pump_stop_sending(end.pump, 0) == 0);
	pump_promote(end.pump, end_index(0, GENERATION));
	give_udp();
	ring_step(end.pump);
	expect_handed_up(0, 38);
	end_close(&end);
}

static void test_super_packet_up(void)
{
	struct flow flow = {.flags = 0x18};
	const struct pump_message *message;
	struct packets expected = {0};
	int i;

	open_end();
	pump_set_allowed_ips(end.pump, NULL, 0);
	reference_cut(frame, give(&flow, 5000, 1200), &expected);
	ring_step(end.pump);
	for (i = 0; i < expected.count; i++) {
		message = end_message(&end);
		CHECK(message &&
		      message->payload_bytes == expected.list[i].len &&
		      memcmp(message + 1, expected.list[i].bytes,
			     expected.list[i].len) == 0);
	}
	CHECK(i == 5 && end_message(&end) == NULL);
	packets_clear(&expected);
	end_close(&end);
}

/* Nobody takes what is handed up. */
static void test_full(void)
{
	struct flow flow = {.flags = 0x10};
	const struct pump_message *message;
	uint64_t up = 0;
	int i;

	open_end();
	pump_set_allowed_ips(end.pump, NULL, 0);
	for (i = 0; i < 20; i++) {
		give(&flow, 60000, 1200);
		ring_step(end.pump);
	}
	while ((message = end_message(&end)) != NULL)
		up += message->kind == PUMP_PACKET;
	CHECK(up > 100 && up < 1000);
	CHECK(up + end.activity->drops[PUMP_PACKETS_FULL] == 1000);
	give_udp();
	ring_step(end.pump);
	CHECK(end_message(&end) != NULL);
	end_close(&end);
}

/* A packet of zeros but for its first byte. */
static void give_raw(uint8_t first, uint32_t len)
{
	memset(frame, 0, 10 + len);
	if (len > 0)
		frame[10] = first;
	CHECK(ring_give_packet(end.pump, frame, 10 + len) == 0);
}

static void test_not_ip(void)
{
	open_end();
	give_raw(0, 0);
	give_raw(0, 1);
	give_raw(0x50, 24);
	give_raw(0x45, 19);
	give_raw(0x60, 39);
	ring_step(end.pump);
	CHECK(end.activity->drops[PUMP_OUTBOUND_NOT_IP] == 5);
	CHECK(end_message(&end) == NULL && count_datagrams() == 0);
	end_close(&end);
}

/* A change to a good frame that makes it a bad super-packet. */
static void spoil(uint32_t at, uint8_t value, bool is_udp)
{
	struct flow flow = {.flags = 0x10, .is_udp = is_udp};
	uint32_t len = make_frame(&flow, frame, 3000, 1000);

	frame[at] = value;
	CHECK(ring_give_packet(end.pump, frame, len) == 0);
	ring_step(end.pump);
}

static void test_malformed(void)
{
	struct flow flow = {.flags = 0x10};
	uint32_t len;

	open_end();
	spoil(0, 0, false);	     /* no checksum to compute */
	spoil(1, 2, false);	     /* no known type */
	spoil(1, 3, false);	     /* UDP fragments */
	spoil(1, 4, false);	     /* TCP over IPv6 */
	spoil(1, 5, false);	     /* UDP */
	spoil(1, 1, true);	     /* TCP, and is UDP */
	spoil(6, 24, false);	     /* TCP begins elsewhere */
	spoil(7, 0x40, false);	     /* TCP begins behind the end */
	spoil(10, 0x4f, false);	     /* the IP header is longer */
	spoil(10, 0x44, false);	     /* the IP header is shorter than one */
	spoil(10 + 32, 0x40, false); /* the TCP header likewise */
	CHECK(end.activity->drops[PUMP_BAD_SUPER_PACKET] == 11);
	len = make_frame(&flow, frame, 3000, 1000);
	frame[4] = frame[5] = 0; /* segments of nothing */
	CHECK(ring_give_packet(end.pump, frame, len) == 0);
	len = make_frame(&flow, frame, 3000, 65535);
	CHECK(ring_give_packet(end.pump, frame, len) == 0);
	len = make_frame(&flow, frame, 100, 0);
	frame[6] = 122; /* a checksum behind the end */
	frame[8] = 16;
	CHECK(ring_give_packet(end.pump, frame, len - 1) == 0);
	len = make_frame(&flow, frame, 65000, 1000);
	CHECK(ring_give_packet(end.pump, frame, 10 + 25) == 0); /* cut off */
	ring_step(end.pump);
	CHECK(end.activity->drops[PUMP_BAD_SUPER_PACKET] == 15);
	CHECK(drops_but(PUMP_BAD_SUPER_PACKET) == 0);
	CHECK(end_message(&end) == NULL && count_datagrams() == 0);
	end_close(&end);
}

/* The first datagram's packet, its length, and the class it goes with. */
static uint32_t first_sent(uint32_t *tos)
{
	const struct ring_output *output = end_output(&end);

	*tos = output ? output->tos : 999;
	return output ? output->segment : 0;
}

static void test_padding(void)
{
	/* Packet → what is sealed. */
	static const uint32_t lengths[][2] = {
		{28, 32},     {32, 32},	    {33, 48},	  {1400, 1408},
		{1408, 1408}, {1409, 1420}, {1420, 1420}, {1421, 1436}};
	struct flow flow = {.is_udp = true};
	uint32_t tos;
	size_t i;

	open_end();
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		give(&flow, lengths[i][0] - 28, 0);
		ring_step(end.pump);
		CHECK(first_sent(&tos) == lengths[i][1] + 32);
	}
	CHECK(pump_set_mtu(end.pump, 1280) == 0);
	give(&flow, 1279 - 28, 0);
	ring_step(end.pump);
	count_datagrams();
	give(&flow, 1279 - 28, 0);
	ring_step(end.pump);
	CHECK(first_sent(&tos) == 1280 + 32);
	end_close(&end);
}

/* RFC 3168 9.1.1 */
static void test_ecn(void)
{
	static const uint8_t outer[] = {0, 1, 2, 2};
	struct flow flow = {.is_udp = true};
	uint32_t tos;
	int i;

	open_end();
	for (i = 0; i < 8; i++) {
		flow.is_v6 = i >= 4;
		/* A DSCP inside stays inside. */
		flow.ecn = (uint8_t)(i % 4);
		give(&flow, 10, 0);
		frame[11] |= flow.is_v6 ? 0 : 0xb8;
		ring_step(end.pump);
		first_sent(&tos);
		CHECK(tos == outer[i % 4]);
	}
	CHECK(pump_send(end.pump, 0, NULL, 0) == 0);
	ring_step(end.pump);
	CHECK(first_sent(&tos) == 32 && tos == 0);
	end_close(&end);
}

static void test_activity(void)
{
	const struct pump_peer_activity *peer;

	open_end();
	peer = &end.activity->peers[0];
	CHECK(pump_send(end.pump, 0, NULL, 0) == 0);
	ring_step(end.pump);
	CHECK(peer->tx_keepalives == 1 && peer->tx_packets == 0);
	CHECK(peer->unanswered_since_ms == 0 && peer->last_sent_ms == BIRTH_MS);
	ring_set_clock(end.pump, BIRTH_MS + 5);
	give_udp();
	ring_step(end.pump);
	ring_set_clock(end.pump, BIRTH_MS + 9);
	give_udp();
	ring_step(end.pump);
	CHECK(peer->tx_packets == 2 && peer->last_sent_ms == BIRTH_MS + 9);
	CHECK(peer->unanswered_since_ms == BIRTH_MS + 5);
	CHECK(peer->tx_bytes == 32 + 2 * 80);
	CHECK(peer->sending_index == end_index(0, GENERATION));
	CHECK(peer->next_counter == 3);
	end_close(&end);
}

static void test_watch(void)
{
	const struct pump_message *message;

	open_end();
	ring_step(end.pump);
	CHECK(pump_watch(end.pump) == 0);
	ring_step(end.pump);
	CHECK(end_message(&end) == NULL);
	give_udp();
	give_udp();
	ring_step(end.pump);
	message = end_message(&end);
	CHECK(message && message->kind == PUMP_ACTIVE);
	CHECK(end_message(&end) == NULL);
	give_udp();
	ring_step(end.pump);
	CHECK(end_message(&end) == NULL);
	end_close(&end);
}

/* Counters tell the order: what was sent down goes first, on its keypair. */
static void test_down_first(void)
{
	const struct ring_output *output;
	struct flow flow = {.is_udp = true};
	uint32_t len;

	open_end();
	end_install(&end, 0, 2, false);
	len = make_frame(&flow, frame, 300, 0);
	CHECK(pump_send(end.pump, 0, frame + 10, len - 10) == 0);
	CHECK(pump_promote(end.pump, end_index(0, 2)) == 0);
	CHECK(pump_send(end.pump, 0, frame + 10, len - 10) == 0);
	give(&flow, 100, 0);
	ring_step(end.pump);
	output = end_output(&end);
	/* Group of two of 384: the old keypair's and the new one's. */
	CHECK(output && output->segment == 368 &&
	      load32_le((const uint8_t *)(output + 1) + 4) ==
		      end_index(1, GENERATION) &&
	      load32_le((const uint8_t *)(output + 1) + 368 + 4) ==
		      end_index(1, 2));
	CHECK(output && output->payload_bytes == 2 * 368 + 160 &&
	      load64_le((const uint8_t *)(output + 1) + 2 * 368 + 8) == 1);
	end_close(&end);
}

static void test_down_unusable(void)
{
	const struct pump_message *message;

	open_end();
	CHECK(pump_remove(end.pump, end_index(0, GENERATION)) == 0);
	CHECK(pump_send(end.pump, 0, "\x45some packet", 12) == 0);
	CHECK(pump_send(end.pump, 0, NULL, 0) == 0);
	ring_step(end.pump);
	message = end_message(&end);
	CHECK(message && message->kind == PUMP_PACKET &&
	      message->payload_bytes == 12);
	CHECK(end_message(&end) == NULL && count_datagrams() == 0);
	/* An empty one has nothing to bring up. */
	CHECK(end.activity->drops[PUMP_UNSENT] == 1);
	CHECK(drops_but(PUMP_UNSENT) == 0);
	end_close(&end);
}

/* A packet of 500 bytes, with headers and padding. */
enum { FAILING_BYTES = 528 };

static int (*real_update)(void *context, uint8_t *out, int *out_len,
			  const uint8_t *in, int in_len);

static int failing_update(void *context, uint8_t *out, int *out_len,
			  const uint8_t *in, int in_len)
{
	return in_len == FAILING_BYTES
		       ? 0
		       : real_update(context, out, out_len, in, in_len);
}

/* One packet's cipher fails: what goes with it may not be sealed either. */
static void test_unsealed(void)
{
	struct flow flow = {.is_udp = true};

	open_end();
	real_update = end.pump->evp.update;
	end.pump->evp.update = failing_update;
	give(&flow, 100, 0);
	give(&flow, 500, 0);
	give(&flow, 3000, 1000);
	ring_step(end.pump);
	CHECK(count_datagrams() == 0 && end_message(&end) == NULL);
	CHECK(end.activity->drops[PUMP_UNSEALED] == 5);
	CHECK(drops_but(PUMP_UNSEALED) == 0);
	/* The next batch has nothing of that. */
	give(&flow, 100, 0);
	ring_step(end.pump);
	CHECK(count_datagrams() == 1);
	CHECK(end.activity->drops[PUMP_UNSEALED] == 5);
	end_close(&end);
}

/* How many datagrams went out on the keypair that the other end knows so. */
static int count_sent_to(uint32_t index)
{
	const struct ring_output *output;
	const uint8_t *bytes;
	uint32_t at;
	int count = 0;

	while ((output = end_output(&end)) != NULL) {
		bytes = (const uint8_t *)(output + 1);
		for (at = 0; at < output->payload_bytes; at += output->segment)
			count += load32_le(bytes + at + 4) == index;
	}
	return count;
}

static void test_down_full(void)
{
	int sent = 0;

	open_end();
	while (sent < 100000 && pump_send(end.pump, 0, frame, 1000) == 0)
		sent++;
	CHECK(sent > 256 && sent < 1000);
	CHECK(end.activity->drops[PUMP_SENDS_FULL] == 1);
	/* A promotion finds room even so, and its place behind them. */
	end_install(&end, 0, 2, false);
	CHECK(pump_promote(end.pump, end_index(0, 2)) == 0);
	ring_step(end.pump);
	CHECK(count_sent_to(end_index(1, GENERATION)) == sent);
	CHECK(pump_send(end.pump, 0, frame, 1000) == 0);
	ring_step(end.pump);
	CHECK(count_sent_to(end_index(1, 2)) == 1);
	end_close(&end);
}

static void test_reserved(void)
{
	struct pump_config config = {.bytes = sizeof(config),
				     .tun = -1,
				     .udp4 = -1,
				     .udp6 = -1,
				     .vnet_header_bytes = 10,
				     .mtu = END_MTU,
				     .peers_max = 1,
				     .reserved = {7, 8, 9}};
	uint32_t size = sizeof(struct pump_activity) +
			sizeof(struct pump_peer_activity);
	uint64_t *activity = calloc(1, size);
	struct end other = {.activity = (struct pump_activity *)activity};
	struct pump_endpoint place = end_place(1);
	const struct ring_output *output;
	uint8_t datagram[148] = {1, 7, 8, 9};
	const struct pump_message *message;
	int32_t failure;

	other.buffer = malloc(PUMP_TAKE_BYTES);
	other.pump = pump_open(&config, activity, size, &failure);
	ring_attach(other.pump);
	end_install(&other, 0, GENERATION, false);
	pump_peer_endpoint(other.pump, 0, &place);
	pump_promote(other.pump, end_index(0, GENERATION));
	pump_send(other.pump, 0, NULL, 0);
	end_give(&other, datagram, sizeof(datagram));
	ring_step(other.pump);
	output = end_output(&other);
	CHECK(output && memcmp(output + 1, "\4\7\10\11", 4) == 0);
	message = end_message(&other);
	CHECK(message && memcmp(message + 1, "\1\0\0\0", 4) == 0);
	end_close(&other);
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	TEST("a packet that nobody owns goes up", test_no_peer);
	TEST("a packet for a peer without an endpoint goes up",
	     test_no_endpoint);
	TEST("a packet for a peer without a keypair goes up", test_no_keypair);
	TEST("nothing is sent on a keypair before it is promoted",
	     test_not_promoted);
	TEST("nothing is sent on a keypair of 180 seconds", test_age);
	TEST("the last counter is used, and none after it", test_counter_limit);
	TEST("nothing is sent on a silenced keypair, promoted or not",
	     test_silenced);
	TEST("a super-packet goes up as its packets", test_super_packet_up);
	TEST("what nobody takes is bounded and counted", test_full);
	TEST("what is no IP packet is counted", test_not_ip);
	TEST("a super-packet whose header lies is counted", test_malformed);
	TEST("padding goes to a multiple of 16, and not above the MTU",
	     test_padding);
	TEST("the outer class has the inner codepoint and nothing else",
	     test_ecn);
	TEST("silence begins with the first packet, not with a keepalive",
	     test_activity);
	TEST("who watches is told of the next packet, once", test_watch);
	TEST("what is sent down goes first, before and after a promotion",
	     test_down_first);
	TEST("what is sent down without a keypair comes up again, if it is any",
	     test_down_unusable);
	TEST("what might not be sealed isn't sent, and all of it is counted",
	     test_unsealed);
	TEST("what is sent down is bounded and counted", test_down_full);
	TEST("reserved bytes are put on and taken off at the edge",
	     test_reserved);
	return report();
}
