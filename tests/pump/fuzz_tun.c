/* SPDX-License-Identifier: MIT */
/*
 * fuzz_tun.c - whatever is read from the TUN does no harm
 *
 * An input is frames: two bytes of length, and a virtio_net_hdr with a packet.
 * What is sealed goes to another end, which has to find all of it authentic.
 */
#include "fuzz.h"
#include "reference.h"

static struct end ends[2];
static uint32_t generation;

/* Everything that A sent, to B. */
static void carry(void)
{
	struct pump_endpoint from = end_place(0);
	const struct ring_output *output;

	ring_step(ends[0].pump);
	while ((output = end_output(&ends[0])) != NULL) {
		if (output->segment < 32 || output->payload_bytes > 65507)
			abort();
		ring_give_datagrams(ends[1].pump, &from, output->tos,
				    output->segment, output + 1,
				    output->payload_bytes);
		ring_step(ends[1].pump);
		while (end_output(&ends[1]))
			;
	}
	while (end_message(&ends[0]))
		;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const uint64_t *drops;
	size_t at = 0, len;

	if (generation == 0) {
		if (!load_openssl())
			abort();
		end_open(&ends[0], 0, 0);
		end_open(&ends[1], 1, 0);
		ends_connect(ends, ++generation);
		drops = ends[1].activity->drops;
	}
	drops = ends[1].activity->drops;
	while (size - at > 2) {
		len = (size_t)data[at] << 8 | data[at + 1];
		at += 2;
		if (len > size - at)
			len = size - at;
		ring_give_packet(ends[0].pump, data + at, (uint32_t)len);
		carry();
		at += len;
	}
	if (drops[PUMP_MALFORMED] | drops[PUMP_UNAUTHENTIC] |
	    drops[PUMP_REPLAYED] | drops[PUMP_UNKNOWN_INDEX])
		abort();
	return 0;
}

#ifndef WITH_LIBFUZZER
static size_t fuzz_seed(unsigned char *input)
{
	struct flow flow = {
		.is_v6 = next_random() % 2,
		.is_udp = next_random() % 2,
		.has_timestamps = next_random() % 2,
		.flags = 0x18,
	};
	size_t size = 0, len, count = 1 + next_random() % 3;

	while (count-- > 0) {
		uint32_t payload = next_random() % 4000;

		len = make_frame(&flow, input + size + 2, payload,
				 next_random() % 3 ? 1 + next_random() % 1400
						   : 0);
		input[size] = (unsigned char)(len >> 8);
		input[size + 1] = (unsigned char)len;
		size += 2 + len;
	}
	return size;
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, 20000, "inputs from the TUN do no harm");
}
#endif
