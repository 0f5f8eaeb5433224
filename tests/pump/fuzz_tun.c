/* SPDX-License-Identifier: MIT */
/*
 * fuzz_tun.c - whatever is read from the TUN does no harm
 *
 * An input begins with a byte that says how the pump is made (fuzz.h). Then it
 * is frames: two bytes of length, one of FRAME_… flags, a virtio_net_hdr, and a
 * packet of that length. What is sealed goes to another end, which has to find
 * all of it authentic.
 *
 * Of the four quarters of addresses of either version the first two belong to a
 * peer each, the third to one without keys, and the last one to nobody.
 */
#include "fuzz.h"
#include "reference.h"

enum {
	/* The next frame is in the same batch. */
	FRAME_BATCH = 1,
	/* Not read from the TUN, but sent down by the core, for a peer. */
	FRAME_SENT_DOWN = 2,
	FRAME_OF_SECOND = 4,

	SECOND = 1,
	KEYLESS = 2,
};

static struct end *ends[2];

/* Everything that A sent, to B. */
static void carry(void)
{
	struct pump_endpoint from = end_place(0);
	const struct ring_output *output;

	ring_step(ends[0]->pump);
	while ((output = end_output(ends[0])) != NULL) {
		if (output->segment < 32 || output->payload_bytes > 65507)
			abort();
		ring_give_datagrams(ends[1]->pump, &from, output->tos,
				    output->segment, output + 1,
				    output->payload_bytes);
		ring_step(ends[1]->pump);
		while (end_output(ends[1]))
			;
	}
	while (end_message(ends[0]))
		;
}

static void allow(struct pump *pump)
{
	static const uint32_t peers[] = {0, SECOND, KEYLESS};
	struct pump_prefix prefixes[6] = {{0}};
	uint32_t i;

	for (i = 0; i < 6; i++) {
		prefixes[i].family = i % 2 ? 6 : 4;
		prefixes[i].length = 2;
		prefixes[i].peer = peers[i / 2];
		prefixes[i].address[0] = (uint8_t)(i / 2 << 6);
	}
	pump_set_allowed_ips(pump, prefixes, 6);
}

static void begin(unsigned int how)
{
	struct pump_endpoint place = end_place(2);
	unsigned int side;
	uint32_t peer;

	ends[0] = fuzz_end(0, how);
	ends[1] = fuzz_end(1, 0);
	for (side = 0; side < 2; side++) {
		for (peer = 0; peer <= SECOND; peer++) {
			pump_peer_endpoint(ends[side]->pump, peer, &place);
			end_install(ends[side], peer, 1 + peer, false);
			pump_promote(ends[side]->pump,
				     end_index(side, 1 + peer));
		}
		end_allow_all(ends[side], 0);
	}
	pump_peer_endpoint(ends[0]->pump, KEYLESS, &place);
	allow(ends[0]->pump);
}

static void give(unsigned int flags, const uint8_t *frame, uint32_t len)
{
	struct pump *pump = ends[0]->pump;

	if (!(flags & FRAME_SENT_DOWN))
		ring_give_packet(pump, frame, len);
	else if (len >= VNET_BYTES)
		pump_send(pump, flags & FRAME_OF_SECOND ? SECOND : 0,
			  frame + VNET_BYTES, len - VNET_BYTES);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const uint64_t *drops;
	size_t at = 1, len;

	if (size < 1)
		return 0;
	begin(data[0]);
	while (size - at > 3) {
		unsigned int flags = data[at + 2];

		len = (size_t)(data[at] << 8 | data[at + 1]) + VNET_BYTES;
		at += 3;
		if (len > size - at)
			len = size - at;
		give(flags, data + at, (uint32_t)len);
		at += len;
		if (!(flags & FRAME_BATCH))
			carry();
	}
	carry();
	drops = ends[1]->activity->drops;
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
	bool is_long = next_random() % 32 == 0;

	input[size++] = (unsigned char)(next_random() % 8 ? 0 : next_random());
	while (count-- > 0) {
		uint32_t payload = is_long ? 65000 : next_random() % 4000;

		len = make_frame(&flow, input + size + 3, payload,
				 next_random() % 3 ? 1 + next_random() % 1400
						   : 0);
		input[size] = (unsigned char)((len - VNET_BYTES) >> 8);
		input[size + 1] = (unsigned char)(len - VNET_BYTES);
		input[size + 2] =
			(unsigned char)(next_random() % 4 ? FRAME_BATCH
							  : next_random());
		/* Now and then the second peer's, or the one's without keys. */
		if (next_random() % 4 == 0)
			input[size + 3 + VNET_BYTES + (flow.is_v6 ? 24 : 16)] =
				(unsigned char)next_random();
		size += 3 + len;
	}
	return size;
}

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, 20000, "inputs from the TUN do no harm");
}
#endif
