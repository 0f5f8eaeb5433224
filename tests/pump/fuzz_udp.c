/* SPDX-License-Identifier: MIT */
/*
 * fuzz_udp.c - whatever is received does no harm
 *
 * An input begins with a byte that says how the pump is made (fuzz.h). Then it
 * is a script. Each step has two bytes of length, and one that says what
 * follows: datagrams as they are, in a group or not, or a packet that is sealed
 * first, as an authentic peer could send it: what it holds is as little to be
 * trusted. What goes to the TUN has to be what a TUN takes.
 */
#include "fuzz.h"
#include "reference.h"

enum {
	STEP_KIND = 3,
	STEP_RAW = 0,
	STEP_SEALED = 1,
	STEP_SEALED_FROM_ELSEWHERE = 2,
	/* Sealed, and the end of its batch. */
	STEP_BATCH = 3,

	STEP_BY_SECOND = 1 << 2,
	/* Sealed with the counter of the one before. */
	STEP_REPLAYED = 1 << 3,
	STEP_ECN = 4,
	/* Raw: cut into datagrams. Sealed: waits for more of the same length. */
	STEP_GROUP = 1 << 7,

	SECOND = 1,
	/* What a batch takes. */
	BATCH = 32,
};

/* Sealed datagrams that come as one group. */
struct group_under_way {
	uint8_t bytes[2 * 65536];
	uint32_t len, segment, ecn;
	struct pump_endpoint from;
};

static struct end *end;
static struct packets packets;
static struct group_under_way group;

/* A super-packet for the TUN can be cut, and has right headers. */
static void look_at(const struct ring_output *output)
{
	const uint8_t *frame = (const uint8_t *)(output + 1);

	if (output->kind != RING_PACKET || output->payload_bytes < 30)
		abort();
	if (frame[1] != 0 &&
	    reference_cut(frame, output->payload_bytes, &packets) != 0)
		abort();
	packets_clear(&packets);
}

static void give_group(void)
{
	if (group.len > 0)
		ring_give_datagrams(end->pump, &group.from, group.ecn,
				    group.segment, group.bytes, group.len);
	group.len = 0;
}

static void step_all(void)
{
	const struct ring_output *output;

	give_group();
	ring_step(end->pump);
	while ((output = end_output(end)) != NULL)
		look_at(output);
	while (end_message(end))
		;
}

static void give_sealed(unsigned int what, uint64_t counter,
			const uint8_t *bytes, uint32_t len)
{
	struct pump_endpoint from = end_place(0);
	uint32_t ecn = what >> STEP_ECN & 3, sealed = len + KEEPALIVE_BYTES;
	bool continues;

	if ((what & STEP_KIND) == STEP_SEALED_FROM_ELSEWHERE)
		from.port++;
	continues = group.len > 0 && group.len % group.segment == 0 &&
		    sealed <= group.segment && ecn == group.ecn &&
		    memcmp(&from, &group.from, sizeof(from)) == 0 &&
		    group.len + sealed <= DATAGRAM_BYTES_MAX;
	if (!continues) {
		give_group();
		group.from = from;
		group.ecn = ecn;
		group.segment = sealed;
	}
	group.len += craft(end, what & STEP_BY_SECOND ? 2 : 1, counter, bytes,
			   len, group.bytes + group.len);
	if (!(what & STEP_GROUP))
		give_group();
}

static void give_raw(unsigned int what, const uint8_t *bytes, uint32_t len)
{
	struct pump_endpoint from = end_place(0);

	give_group();
	ring_give_datagrams(end->pump, &from, what >> STEP_ECN & 3,
			    what & STEP_GROUP ? 1 + what % 100 : len, bytes,
			    len);
}

static void begin(unsigned int how)
{
	struct pump_endpoint place = end_place(0);
	struct pump_prefix prefixes[] = {
		{.family = 4, .peer = 0},
		{.family = 6, .peer = 0},
		{.family = 4, .length = 1, .peer = SECOND, .address = {0x80}},
		{.family = 6, .length = 1, .peer = SECOND, .address = {0x80}},
	};

	end = fuzz_end(1, how);
	pump_set_allowed_ips(end->pump, prefixes, 4);
	pump_peer_endpoint(end->pump, 0, &place);
	pump_peer_endpoint(end->pump, SECOND, &place);
	end_install(end, 0, 1, true);
	end_install(end, SECOND, 2, false);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	uint64_t counter = 0;
	size_t at = 1, len;

	if (size < 1)
		return 0;
	begin(data[0]);
	while (size - at > 3) {
		unsigned int what = data[at + 2];

		len = (size_t)data[at] << 8 | data[at + 1];
		at += 3;
		if (len > size - at)
			len = size - at;
		if (!(what & STEP_REPLAYED))
			counter++;
		if ((what & STEP_KIND) == STEP_RAW)
			give_raw(what, data + at, (uint32_t)len);
		else
			give_sealed(what, counter, data + at, (uint32_t)len);
		at += len;
		/* Else what follows is in the same batch. */
		if ((what & STEP_KIND) == STEP_BATCH || counter % BATCH == 0)
			step_all();
	}
	step_all();
	return 0;
}

#ifndef WITH_LIBFUZZER
/* Packets of two flows, consecutive or nearly so. */
static size_t fuzz_seed(unsigned char *input)
{
	static uint8_t frame[65536 + VNET_BYTES];
	struct flow flows[2] = {
		{.is_v6 = next_random() % 2,
		 .is_udp = next_random() % 2,
		 .flags = 0x10,
		 .has_timestamps = next_random() % 2},
		{.port = 1, .flags = 0x10},
	};
	bool is_long = next_random() % 32 == 0;
	unsigned int kind =
		next_random() % 2 ? STEP_SEALED : STEP_SEALED | STEP_GROUP;
	size_t size = 1, count = 2 + next_random() % (is_long ? 1 : 8);
	uint32_t len, payload = is_long ? 64000 : next_random() % 1000;

	input[0] = (unsigned char)(next_random() % 8 ? 0 : next_random());
	while (count-- > 0) {
		struct flow *flow = &flows[next_random() % 4 == 0];

		len = make_frame(flow, frame, payload, 0) - VNET_BYTES;
		input[size] = (unsigned char)(len >> 8);
		input[size + 1] = (unsigned char)len;
		input[size + 2] =
			(unsigned char)(next_random() % 8 == 0 ? next_random()
							       : kind);
		memcpy(input + size + 3, frame + VNET_BYTES, len);
		size += 3 + len;
	}
	return size;
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, 20000,
			 "inputs from the socket do no harm");
}
#endif
