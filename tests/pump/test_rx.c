/* SPDX-License-Identifier: MIT */
/* test_rx.c - verdicts on datagrams */
#include "end.h"
#include "reference.h"

#include "../setup/test.h"

enum { GENERATION = 1 };

static struct end end;
static uint8_t datagram[70000], frame[70000];

static void open_end(void)
{
	struct pump_endpoint place = end_place(0);

	end_open(&end, 1, 0);
	end_allow_all(&end, 0);
	end_install(&end, 0, GENERATION, false);
	pump_peer_endpoint(end.pump, 0, &place);
	pump_promote(end.pump, end_index(1, GENERATION));
}

/* A packet with complete checksums. */
static uint32_t make_packet(struct flow *flow, uint32_t payload,
			    uint8_t *packet)
{
	struct packets packets = {0};
	uint32_t len;

	reference_cut(frame, make_frame(flow, frame, payload, 0), &packets);
	len = packets.list[0].len;
	memcpy(packet, packets.list[0].bytes, len);
	packets_clear(&packets);
	return len;
}

/* Gives a packet with a counter, as it is. */
static void give(uint64_t counter, const void *packet, uint32_t len)
{
	end_give(&end, datagram,
		 craft(&end, GENERATION, counter, packet, len, datagram));
	ring_step(end.pump);
}

static void give_udp(uint64_t counter)
{
	struct flow flow = {.is_udp = true};
	uint8_t packet[100];

	give(counter, packet, make_packet(&flow, 10, packet));
}

/* Exactly this many drops, all for this reason, and nothing delivered. */
static void expect_drops(enum pump_drop reason, uint64_t count)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < PUMP_DROPS; i++)
		sum += end.activity->drops[i];
	CHECK(end.activity->drops[reason] == count);
	CHECK(sum == count);
	CHECK(end_count_outputs(&end, RING_PACKET) == 0);
}

static void test_malformed(void)
{
	uint8_t bytes[200] = {4};
	uint32_t len;

	open_end();
	for (len = 0; len < 32; len++)
		end_give(&end, bytes, len);
	ring_step(end.pump);
	expect_drops(PUMP_MALFORMED, 32);
	/* An initiation, a response, a cookie reply of another's length. */
	bytes[0] = 1;
	end_give(&end, bytes, 147);
	bytes[0] = 2;
	end_give(&end, bytes, 93);
	bytes[0] = 3;
	end_give(&end, bytes, 148);
	bytes[0] = 5;
	end_give(&end, bytes, 148);
	bytes[0] = 4;
	bytes[2] = 1;
	end_give(&end, bytes, 148);
	ring_step(end.pump);
	expect_drops(PUMP_MALFORMED, 37);
	CHECK(end.activity->foreign == 4 + 1);
	CHECK(end_message(&end) == NULL);
	end_close(&end);
}

static void test_handshakes(void)
{
	static const uint32_t lengths[] = {148, 92, 64};
	struct pump_endpoint from = end_place(0);
	const struct pump_message *message;
	uint8_t bytes[148] = {0};
	uint32_t i;

	open_end();
	for (i = 0; i < 3; i++) {
		memset(bytes + 4, (int)i, 144);
		bytes[0] = (uint8_t)(i + 1);
		end_give(&end, bytes, lengths[i]);
		ring_step(end.pump);
		message = end_message(&end);
		CHECK(message && message->kind == PUMP_HANDSHAKE &&
		      message->payload_bytes == lengths[i] &&
		      memcmp(message + 1, bytes, lengths[i]) == 0 &&
		      memcmp(&message->from, &from, sizeof(from)) == 0);
	}
	expect_drops(PUMP_DROPS - 1, 0);
	end_close(&end);
}

/* A stranger may send as many as the line carries. */
static void test_handshake_flood(void)
{
	const struct pump_message *message;
	uint8_t bytes[148] = {1};
	uint64_t up = 0;
	int i;

	open_end();
	for (i = 0; i < 5000; i++) {
		end_give(&end, bytes, sizeof(bytes));
		ring_step(end.pump);
	}
	/* A confirmation is still to be seen. */
	end_install(&end, 0, 2, true);
	end_give(&end, datagram, craft(&end, 2, 0, NULL, 0, datagram));
	ring_step(end.pump);
	CHECK(end.activity->peers[0].notices & PUMP_NOTICE_CONFIRMED);
	CHECK(end.activity->peers[0].confirmed_index == end_index(1, 2));
	while ((message = end_message(&end)) != NULL)
		up++;
	CHECK(up > 100 && up < 1000);
	CHECK(up + end.activity->drops[PUMP_HANDSHAKES_FULL] == 5001);
	end_close(&end);
}

static void test_unknown_index(void)
{
	open_end();
	craft(&end, GENERATION, 0, NULL, 0, datagram);
	datagram[7] ^= 0x80;
	end_give(&end, datagram, 32);
	ring_step(end.pump);
	expect_drops(PUMP_UNKNOWN_INDEX, 1);
	pump_remove(end.pump, end_index(1, GENERATION));
	give_udp(0);
	expect_drops(PUMP_UNKNOWN_INDEX, 2);
	end_close(&end);
}

static void test_age(void)
{
	open_end();
	ring_set_clock(end.pump, BIRTH_MS + 179999);
	give_udp(0);
	CHECK(end_count_outputs(&end, RING_PACKET) == 1);
	ring_set_clock(end.pump, BIRTH_MS + 180000);
	give_udp(1);
	expect_drops(PUMP_EXPIRED, 1);
	end_close(&end);
}

static void test_counters(void)
{
	open_end();
	give_udp(REJECT_AFTER_MESSAGES);
	give_udp(~0ULL);
	expect_drops(PUMP_COUNTER_EXCEEDED, 2);
	give_udp(REJECT_AFTER_MESSAGES - 1);
	CHECK(end_count_outputs(&end, RING_PACKET) == 1);
	end_close(&end);
}

static void test_forged(void)
{
	struct flow flow = {.is_udp = true};
	uint8_t packet[100];
	uint32_t len;

	open_end();
	len = make_packet(&flow, 10, packet);
	len = craft(&end, GENERATION, 1ULL << 40, packet, len, datagram);
	datagram[len - 1] ^= 1;
	end_give(&end, datagram, len);
	ring_step(end.pump);
	expect_drops(PUMP_UNAUTHENTIC, 1);
	/* It has moved no window, no endpoint, no time. */
	CHECK(end.activity->peers[0].last_received_ms == 0);
	give_udp(0);
	CHECK(end_count_outputs(&end, RING_PACKET) == 1);
	CHECK(end_message(&end) == NULL);
	end_close(&end);
}

static void test_replayed(void)
{
	open_end();
	give_udp(0);
	give_udp(9000);
	CHECK(end_count_outputs(&end, RING_PACKET) == 2);
	give_udp(9000);
	give_udp(0);
	give_udp(9000 - 8129);
	expect_drops(PUMP_REPLAYED, 3);
	give_udp(9000 - 8128);
	CHECK(end_count_outputs(&end, RING_PACKET) == 1);
	end_close(&end);
}

static void test_contents(void)
{
	static const struct {
		char bytes[8];
		uint32_t len;
		enum pump_drop reason;
	} cases[] = {
		{"\x50", 16, PUMP_NOT_IP},
		{"\x00", 1, PUMP_NOT_IP},
		{"\x45", 16, PUMP_TRUNCATED_HEADER},
		{"\x60", 32, PUMP_TRUNCATED_HEADER},
		{"\x45\x00\x00\x13", 32, PUMP_WRONG_LENGTH},
		{"\x45\x00\x00\x21", 32, PUMP_WRONG_LENGTH},
		{"\x60\x00\x00\x00\x00\x09", 48, PUMP_WRONG_LENGTH},
		/* In 16 bits this sum would be 24. */
		{"\x60\x00\x00\x00\xff\xf0", 64, PUMP_WRONG_LENGTH},
	};
	uint64_t before[PUMP_DROPS];
	char packet[64];
	uint32_t i;

	open_end();
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memcpy(before, end.activity->drops, sizeof(before));
		memset(packet, 0, sizeof(packet));
		memcpy(packet, cases[i].bytes, 6);
		give(i, packet, cases[i].len);
		before[cases[i].reason]++;
		CHECK(memcmp(before, end.activity->drops, sizeof(before)) == 0);
		/* Authentic nevertheless. */
		CHECK(end.activity->peers[0].last_received_ms == BIRTH_MS);
	}
	CHECK(end.activity->peers[0].rx_bytes == 0);
	CHECK(end_count_outputs(&end, RING_PACKET) == 0);
	end_close(&end);
}

/* Another peer owns a longer prefix than the sender's. */
static void test_source(void)
{
	struct pump_prefix prefixes[] = {
		{.family = 4, .peer = 0},
		{.family = 4, .length = 24, .peer = 1, .address = {10, 11, 12}},
	};

	open_end();
	pump_set_allowed_ips(end.pump, prefixes, 1);
	give_udp(0);
	CHECK(end_count_outputs(&end, RING_PACKET) == 1);
	pump_set_allowed_ips(end.pump, prefixes, 2);
	give_udp(1);
	expect_drops(PUMP_WRONG_SOURCE, 1);
	pump_set_allowed_ips(end.pump, NULL, 0);
	give_udp(2);
	expect_drops(PUMP_WRONG_SOURCE, 2);
	end_close(&end);
}

static void test_keepalive(void)
{
	const struct pump_peer_activity *peer;

	open_end();
	peer = &end.activity->peers[0];
	end.activity->peers[0].unanswered_since_ms = 17;
	give(0, NULL, 0);
	expect_drops(PUMP_DROPS - 1, 0);
	CHECK(peer->rx_keepalives == 1 && peer->rx_packets == 0);
	CHECK(peer->rx_bytes == 32 && peer->last_received_ms == BIRTH_MS);
	CHECK(peer->unanswered_since_ms == 0 && peer->unreplied_since_ms == 0);
	ring_set_clock(end.pump, BIRTH_MS + 5);
	give_udp(1);
	ring_set_clock(end.pump, BIRTH_MS + 6);
	give_udp(2);
	CHECK(peer->unreplied_since_ms == BIRTH_MS + 5);
	pump_send(end.pump, 0, NULL, 0);
	ring_step(end.pump);
	CHECK(peer->unreplied_since_ms == 0);
	end_close(&end);
}

static void test_confirmation(void)
{
	const struct pump_message *message;
	int i;

	open_end();
	end_install(&end, 0, 2, true);
	for (i = 0; i < 3; i++) {
		struct flow flow = {.is_udp = true};
		uint8_t packet[100];
		uint32_t len = make_packet(&flow, 10, packet);

		end_give(&end, datagram,
			 craft(&end, 2, (uint64_t)i, packet, len, datagram));
	}
	ring_step(end.pump);
	/* Delivered, too. */
	CHECK(end_count_outputs(&end, RING_PACKET) >= 1);
	CHECK(end.activity->peers[0].rx_packets == 3);
	message = end_message(&end);
	CHECK(message && message->kind == PUMP_CONFIRMED &&
	      message->peer == 0 && message->index == end_index(1, 2));
	CHECK(end_message(&end) == NULL);
	end_close(&end);
}

static void give_from(const struct pump_endpoint *from, uint64_t counter)
{
	uint32_t len = craft(&end, GENERATION, counter, NULL, 0, datagram);

	ring_give_datagrams(end.pump, from, 0, len, datagram, len);
	ring_step(end.pump);
}

static void test_moved(void)
{
	struct pump_endpoint elsewhere = end_place(7), told;
	const struct pump_message *message;

	open_end();
	give_from(&elsewhere, 0);
	give_from(&elsewhere, 1);
	message = end_message(&end);
	CHECK(message && message->kind == PUMP_MOVED && message->peer == 0 &&
	      memcmp(&message->from, &elsewhere, sizeof(elsewhere)) == 0);
	CHECK(end_message(&end) == NULL);
	CHECK(end.activity->peers[0].notices == PUMP_NOTICE_MOVED);
	CHECK(pump_peer_moved(end.pump, 0, &told) == 0 &&
	      memcmp(&told, &elsewhere, sizeof(told)) == 0);
	pump_peer_endpoint(end.pump, 0, &elsewhere);
	pump_peer_moved(end.pump, 0, &told);
	CHECK(told.family == 0);
	give_from(&elsewhere, 2);
	CHECK(end_message(&end) == NULL);
	end.activity->peers[0].notices = 0;
	elsewhere.port++;
	give_from(&elsewhere, 3);
	message = end_message(&end);
	CHECK(message && message->from.port == elsewhere.port);
	end_close(&end);
}

/* What isn't authentic, or was seen before, moves nothing. */
static void test_not_moved(void)
{
	struct pump_endpoint elsewhere = end_place(7);

	open_end();
	give(0, NULL, 0);
	give_from(&elsewhere, 0);
	craft(&end, GENERATION, 1, NULL, 0, datagram);
	datagram[31] ^= 1;
	ring_give_datagrams(end.pump, &elsewhere, 0, 32, datagram, 32);
	ring_step(end.pump);
	CHECK(end.activity->drops[PUMP_REPLAYED] == 1);
	CHECK(end.activity->drops[PUMP_UNAUTHENTIC] == 1);
	CHECK(end_message(&end) == NULL);
	end_close(&end);
}

/* The answer leaves from the address that the datagram came to. */
static void test_local(void)
{
	struct pump_endpoint from = end_place(0);
	const struct ring_output *output;

	open_end();
	from.has_local = 1;
	from.local[0] = 203;
	give_from(&from, 0);
	CHECK(end_message(&end) == NULL);
	pump_send(end.pump, 0, NULL, 0);
	ring_step(end.pump);
	output = end_output(&end);
	CHECK(output && memcmp(&output->to, &from, sizeof(from)) == 0);
	pump_set_sockets(end.pump, -1, -1);
	end_close(&end);
}

/* RFC 6040 4.2, but for packets that aren't ECN-capable. */
static void test_ecn(void)
{
	static const uint8_t after[4][4] = {
		/* outer: not, ECT(1), ECT(0), CE */
		{0, 0, 0, 0},
		{1, 1, 1, 3},
		{2, 1, 2, 3},
		{3, 3, 3, 3},
	};
	struct pump_endpoint from = end_place(0);
	const struct ring_output *output;
	const uint8_t *packet;
	uint8_t bytes[200], outer, inner;
	uint64_t counter = 0;
	uint32_t len;
	int version;

	open_end();
	for (version = 0; version < 2; version++)
		for (inner = 0; inner < 4; inner++)
			for (outer = 0; outer < 4; outer++) {
				struct flow flow = {.is_udp = true,
						    .is_v6 = version == 1,
						    .ecn = inner};

				len = make_packet(&flow, 20, bytes);
				len = craft(&end, GENERATION, counter++, bytes,
					    len, datagram);
				ring_give_datagrams(end.pump, &from, outer, len,
						    datagram, len);
				ring_step(end.pump);
				output = end_output(&end);
				if (!output) {
					CHECK(!"a packet was delivered");
					continue;
				}
				packet = (const uint8_t *)(output + 1) + 10;
				CHECK((version ? packet[1] >> 4
					       : packet[1] & 3) ==
				      after[inner][outer]);
				CHECK(version ||
				      reference_checksum(packet, 20) == 0);
			}
	end_close(&end);
}

/* Segments of one connection, but for one that something is wrong with. */
static void test_in_order(void)
{
	struct flow flow = {.flags = 0x10, .port = 5}, other = flow;
	const struct ring_output *output;
	uint8_t packet[1500];
	uint64_t counter = 0;
	int i;

	open_end();
	other.port = 6;
	for (i = 0; i < 12; i++) {
		/* Pure acknowledgements end what was begun. */
		uint32_t payload = i == 4 ? 0 : i == 8 ? 600 : 1000;
		uint32_t len =
			make_packet(i == 2 ? &other : &flow, payload, packet);

		/* A fragment belongs to whatever it belongs to; what comes
		 * after it would follow what came before it. */
		if (i == 10) {
			packet[6] = 0x20;
			flow.sequence -= 1000;
		}
		end_give(&end, datagram,
			 craft(&end, GENERATION, counter++, packet, len,
			       datagram));
	}
	ring_step(end.pump);
	{
		/* 0 1 3 | 2 | 4 | 5 6 7 8 | 9 | 10 | 11 */
		static const uint32_t lengths[] = {3040, 1040, 40,  3640,
						   1040, 1040, 1040};

		for (i = 0; i < 7; i++) {
			output = end_output(&end);
			CHECK(output &&
			      output->payload_bytes == 10 + lengths[i]);
		}
	}
	CHECK(end_output(&end) == NULL);
	end_close(&end);
}

static void test_padding_is_trimmed(void)
{
	struct flow flow = {.is_udp = true};
	const struct ring_output *output;
	uint8_t packet[100] = {0};
	uint32_t len;

	open_end();
	len = make_packet(&flow, 10, packet);
	give(0, packet, 48);
	output = end_output(&end);
	CHECK(output && output->payload_bytes == 10 + len &&
	      memcmp((const uint8_t *)(output + 1) + 10, packet, len) == 0);
	/* Nor need it be a multiple of 16. */
	give(1, packet, 41);
	output = end_output(&end);
	CHECK(output && output->payload_bytes == 10 + len);
	end_close(&end);
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	TEST("lengths and types that disagree are malformed", test_malformed);
	TEST("handshake messages go up with where they came from",
	     test_handshakes);
	TEST("a flood of handshake messages is bounded, and hides no "
	     "confirmation",
	     test_handshake_flood);
	TEST("an index that nobody has is counted", test_unknown_index);
	TEST("nothing is accepted on a keypair of 180 seconds", test_age);
	TEST("the last counter is accepted, the next one never", test_counters);
	TEST("a forged datagram moves nothing", test_forged);
	TEST("a datagram is accepted once, and not behind the window",
	     test_replayed);
	TEST("each defect of a packet has its reason", test_contents);
	TEST("a source inside another peer's longer prefix is refused",
	     test_source);
	TEST("a keepalive is authentic, and no data", test_keepalive);
	TEST("the first authentic datagram confirms, once, and is delivered",
	     test_confirmation);
	TEST("a datagram from elsewhere is told, once for each place",
	     test_moved);
	TEST("a replay or a forgery from elsewhere is not", test_not_moved);
	TEST("an answer leaves from where the datagram came to", test_local);
	TEST("marks of the path come inside, as RFC 6040 says", test_ecn);
	TEST("packets of a flow stay in order, whatever is between them",
	     test_in_order);
	TEST("padding is trimmed", test_padding_is_trimmed);
	return report();
}
