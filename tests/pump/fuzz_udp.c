/* SPDX-License-Identifier: MIT */
/*
 * fuzz_udp.c - whatever is received does no harm
 *
 * An input is a script. Each step has two bytes of length, and one that says
 * what follows: datagrams as they are, in a group or not, or a packet that is
 * sealed first, as an authentic peer could send it: what it holds is as little
 * to be trusted. What goes to the TUN has to be what a TUN takes.
 */
#include "fuzz.h"
#include "reference.h"

enum {
	STEP_RAW = 0,
	STEP_SEALED = 1,
	STEP_SEALED_FROM_ELSEWHERE = 2,
	STEP_BATCH = 3,
};

static struct end end;
static uint32_t generation;
static struct packets packets;

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

static void step_all(void)
{
	const struct ring_output *output;

	ring_step(end.pump);
	while ((output = end_output(&end)) != NULL)
		look_at(output);
	while (end_message(&end))
		;
}

static void give(unsigned int what, uint64_t counter, const uint8_t *bytes,
		 uint32_t len)
{
	static uint8_t datagram[70000];
	struct pump_endpoint from = end_place(0);
	uint32_t ecn = what >> 4 & 3;

	if (what % 4 == STEP_RAW) {
		ring_give_datagrams(end.pump, &from, ecn,
				    what & 0x80 ? 1 + what % 100 : len, bytes,
				    len);
		return;
	}
	if (what % 4 == STEP_SEALED_FROM_ELSEWHERE)
		from.port++;
	len = craft(&end, generation, counter, bytes, len, datagram);
	ring_give_datagrams(end.pump, &from, ecn, len, datagram, len);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	uint64_t counter = 0;
	size_t at = 0, len;

	if (generation == 0) {
		struct pump_endpoint place = end_place(0);

		if (!load_openssl())
			abort();
		end_open(&end, 1, 0);
		end_allow_all(&end, 0);
		pump_peer_endpoint(end.pump, 0, &place);
	} else {
		pump_remove(end.pump, end_index(1, generation));
	}
	generation++;
	end_install(&end, 0, generation, generation % 2);
	while (size - at > 3) {
		unsigned int what = data[at + 2];

		len = (size_t)data[at] << 8 | data[at + 1];
		at += 3;
		if (len > size - at)
			len = size - at;
		give(what, counter++, data + at, (uint32_t)len);
		at += len;
		/* Else what follows is in the same batch. */
		if (what % 4 == STEP_BATCH || counter % 16 == 0)
			step_all();
	}
	step_all();
	return 0;
}

#ifndef WITH_LIBFUZZER
/* Packets of two flows, consecutive or nearly so. */
static size_t fuzz_seed(unsigned char *input)
{
	static uint8_t frame[4096];
	struct flow flows[2] = {
		{.is_v6 = next_random() % 2,
		 .is_udp = next_random() % 2,
		 .flags = 0x10,
		 .has_timestamps = next_random() % 2},
		{.port = 1, .flags = 0x10},
	};
	size_t size = 0, count = 2 + next_random() % 8;
	uint32_t len, payload = next_random() % 1000;

	while (count-- > 0) {
		struct flow *flow = &flows[next_random() % 4 == 0];

		len = make_frame(flow, frame, payload, 0) - 10;
		input[size] = (unsigned char)(len >> 8);
		input[size + 1] = (unsigned char)len;
		input[size + 2] =
			(unsigned char)(next_random() % 8 == 0 ? next_random()
							       : STEP_SEALED);
		memcpy(input + size + 3, frame + 10, len);
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
