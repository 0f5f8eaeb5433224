/* SPDX-License-Identifier: MIT */
/*
 * test_pair.c - what one end reads from its TUN, the other end writes to its own
 *
 *	frames → A → datagrams → B → frames
 *	   └── slow cutter ──┐      └── slow cutter
 *	                  packets  =  packets
 *
 * Both are cut by the reference and compared byte by byte, flow by flow. Only
 * the identification of IPv4 packets that may not be fragmented is left out: it
 * means nothing (RFC 6864 4.1).
 */
#include "end.h"
#include "reference.h"

#include "../setup/test.h"

enum { FLOWS = 8, ROUNDS = 300, FRAME_MAX = 70000 };

static struct end ends[2];
static struct packets given, taken;
static int datagrams, wrong_lengths;

/* Leaves out what may differ. */
static void normalize(uint8_t *packet)
{
	if (packet[0] >> 4 != 4 || !(packet[6] & 0x40))
		return;
	memset(packet + 4, 0, 2);
	memset(packet + 10, 0, 2);
}

static uint32_t port_of(const uint8_t *packet)
{
	return load16(packet + (packet[0] >> 4 == 4 ? 20 : 40));
}

static int next_of(const struct packets *packets, int at, uint32_t port)
{
	while (at < packets->count && port_of(packets->list[at].bytes) != port)
		at++;
	return at;
}

/* Counts packets that differ from the one in the same place of their flow. */
static int differences(void)
{
	int wrong = given.count != taken.count, a, b;
	uint32_t port;

	for (port = 0; port < FLOWS; port++) {
		a = next_of(&given, 0, port);
		b = next_of(&taken, 0, port);
		while (a < given.count && b < taken.count) {
			normalize(given.list[a].bytes);
			normalize(taken.list[b].bytes);
			wrong +=
				given.list[a].len != taken.list[b].len ||
				memcmp(given.list[a].bytes, taken.list[b].bytes,
				       given.list[a].len) != 0;
			a = next_of(&given, a + 1, port);
			b = next_of(&taken, b + 1, port);
		}
		wrong += a < given.count || b < taken.count;
	}
	return wrong;
}

/* Every datagram is a whole number of blocks, or a full one. */
static void look_at(const struct ring_output *output)
{
	uint32_t at, len;
	int before = datagrams;

	for (at = 0; at < output->payload_bytes; at += output->segment) {
		len = output->payload_bytes - at < output->segment
			      ? output->payload_bytes - at
			      : output->segment;
		wrong_lengths += len % 16 != 0 && len != END_MTU + 32;
		datagrams++;
	}
	/* The kernel takes no more in one group. */
	wrong_lengths +=
		output->payload_bytes > 65507 || datagrams - before > 64;
}

/* What A sent goes to B, and what B wrote is cut. */
static void carry(void)
{
	struct pump_endpoint from = end_place(0);
	const struct ring_output *output;
	bool is_more = true;

	while (is_more) {
		is_more = false;
		while ((output = end_output(&ends[0])) != NULL) {
			look_at(output);
			is_more = true;
			/* The class is the inner codepoint, so it changes
			 * nothing; another packet's would. */
			while (ring_give_datagrams(ends[1].pump, &from,
						   output->tos, output->segment,
						   output + 1,
						   output->payload_bytes) != 0)
				ring_step(ends[1].pump);
		}
		ring_step(ends[1].pump);
	}
	while ((output = end_output(&ends[1])) != NULL)
		if (output->kind == RING_PACKET)
			reference_cut((const uint8_t *)(output + 1),
				      output->payload_bytes, &taken);
}

static void make_flows(struct flow flows[FLOWS])
{
	int i;

	for (i = 0; i < FLOWS; i++)
		flows[i] = (struct flow){
			.is_v6 = i % 2,
			.is_udp = i % 4 >= 2,
			.has_timestamps = i == 1 || i == 4,
			.may_fragment = i >= 4,
			.port = (uint16_t)i,
			.sequence = next_random(),
			.acknowledgement = next_random(),
			.id = (uint16_t)next_random(),
			.flags = 0x10,
			.ecn = (uint8_t)(next_random() % 3),
		};
}

/* Some more of a flow: mostly what follows, sometimes something that doesn't. */
static uint32_t more(struct flow *flow, uint8_t *frame)
{
	uint32_t room = END_MTU - 72, size, payload;

	flow->flags = 0x10;
	switch (next_random() % 20) {
	case 0:
		flow->sequence += 5;
		break;
	case 1:
		flow->flags |= 0x08;
		break;
	case 2:
		flow->flags |= next_random() % 2 ? 0x01 : 0x80;
		break;
	case 3:
		flow->acknowledgement++;
		break;
	case 4:
		flow->id += 7;
		break;
	case 5:
		return make_frame(flow, frame, next_random() % 3, 0);
	case 6:
		flow->ecn = (uint8_t)(next_random() % 3);
		break;
	case 7:
		flow->ttl++;
		break;
	case 8:
		flow->window++;
		break;
	case 9:
		flow->timestamp++;
		break;
	case 10:
		flow->may_fragment = !flow->may_fragment;
		break;
	}
	size = next_random() % 3 == 0 ? 1 + next_random() % room : 1200;
	/* What is a whole number of segments may go on with the next frame. */
	if (next_random() % 2)
		payload = size * (1 + next_random() % 3);
	else
		payload =
			next_random() % (next_random() % 4 == 0 ? 60000 : 4000);
	/* A flood of the shortest segments is a test of its own. */
	if (payload / size > 600)
		payload = 600 * size;
	if (payload <= size && next_random() % 2)
		return make_frame(flow, frame, payload, 0);
	return make_frame(flow, frame, payload, size);
}

static void run(uint32_t without)
{
	static uint8_t frame[FRAME_MAX];
	struct flow flows[FLOWS];
	int round, i, frames, wrong = 0;
	uint32_t len;

	end_open(&ends[0], 0, without);
	end_open(&ends[1], 1, without);
	ends_connect(ends, 1);
	make_flows(flows);
	for (round = 0; round < ROUNDS; round++) {
		frames = 1 + (int)(next_random() % 8);
		for (i = 0; i < frames; i++) {
			len = more(&flows[next_random() % FLOWS], frame);
			if (given.count > 2000)
				break;
			reference_cut(frame, len, &given);
			CHECK(ring_give_packet(ends[0].pump, frame, len) == 0);
		}
		ring_step(ends[0].pump);
		carry();
		wrong += differences();
		packets_clear(&given);
		packets_clear(&taken);
	}
	CHECK(wrong == 0);
	CHECK(wrong_lengths == 0);
	CHECK(ends[1].activity->peers[0].rx_packets == (uint64_t)datagrams);
	CHECK(ends[0].activity->peers[0].tx_bytes ==
	      ends[1].activity->peers[0].rx_bytes);
	for (i = 0; i < PUMP_DROPS; i++)
		CHECK(ends[0].activity->drops[i] == 0 &&
		      ends[1].activity->drops[i] == 0);
	datagrams = 0;
}

static void stop(void)
{
	end_close(&ends[0]);
	end_close(&ends[1]);
}

static void test_everything(void)
{
	run(0);
	/* That it was equal says nothing if nothing was put together. */
	CHECK(ends[0].activity->tun_super_packets > 100);
	CHECK(ends[1].activity->udp_gro > 100);
	CHECK(ends[1].activity->tun_coalesced > 100);
	stop();
}

static void test_nothing(void)
{
	run(PUMP_WITHOUT_OFFLOAD | PUMP_WITHOUT_SEGMENT);
	CHECK(ends[1].activity->udp_gro == 0);
	CHECK(ends[1].activity->tun_coalesced == 0);
	stop();
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	TEST("packets arrive as they were sent, whole or in super-packets",
	     test_everything);
	TEST("packets arrive as they were sent where nothing may be grouped",
	     test_nothing);
	return report();
}
