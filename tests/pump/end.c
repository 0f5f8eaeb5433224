/* SPDX-License-Identifier: MIT */
/* end.c - one end of a tunnel between memory and memory, and packets for it */
#include "end.h"

#include "reference.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct evp evp;

bool load_openssl(void)
{
	return dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL) &&
	       evp_find(&evp) == 0;
}

/* A xorshift generator, so that a seed gives the same run anywhere. */
unsigned int next_random(void)
{
	static unsigned int state = 2463534242U;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

void end_open(struct end *end, unsigned int side, uint32_t without)
{
	end_open_with(end, side, without, 0);
}

void end_open_with(struct end *end, unsigned int side, uint32_t without,
		   uint32_t workers)
{
	struct pump_config config = {.bytes = sizeof(config),
				     .tun = -1,
				     .udp4 = -1,
				     .udp6 = -1,
				     .vnet_header_bytes = 10,
				     .mtu = END_MTU,
				     .peers_max = END_PEERS,
				     .without = without,
				     .workers = workers};
	uint32_t size = sizeof(struct pump_activity) +
			END_PEERS * sizeof(struct pump_peer_activity);
	int32_t failure;

	end->side = side;
	end->activity = calloc(1, size);
	end->buffer = malloc(PUMP_TAKE_BYTES);
	end->pump = pump_open(&config, end->activity, size, &failure);
	if (!end->activity || !end->buffer || !end->pump ||
	    ring_attach(end->pump) != 0) {
		printf("# can't open a pump\n");
		exit(EXIT_FAILURE);
	}
	ring_set_clock(end->pump, BIRTH_MS);
}

void end_close(struct end *end)
{
	ring_detach(end->pump);
	pump_close(end->pump);
	free(end->activity);
	free(end->buffer);
}

struct pump_endpoint end_place(unsigned int side)
{
	struct pump_endpoint place = {.family = 4, .port = 51820};

	place.remote[0] = 192;
	place.remote[3] = (uint8_t)(1 + side);
	return place;
}

uint32_t end_index(unsigned int side, uint32_t generation)
{
	return 2 * generation + side;
}

static void make_key(uint8_t key[PUMP_KEY_BYTES], unsigned int from,
		     uint32_t generation)
{
	memset(key, (int)(from + 1), PUMP_KEY_BYTES);
	memcpy(key, &generation, sizeof(generation));
}

void end_install(struct end *end, uint32_t peer, uint32_t generation,
		 bool unconfirmed)
{
	end_install_at(end, peer, generation, unconfirmed, BIRTH_MS);
}

void end_install_at(struct end *end, uint32_t peer, uint32_t generation,
		    bool unconfirmed, uint64_t birth_ms)
{
	struct pump_keypair keypair = {
		.peer = peer,
		.local_index = end_index(end->side, generation),
		.remote_index = end_index(1 - end->side, generation),
		.unconfirmed = unconfirmed,
		.birth_ms = birth_ms,
	};

	make_key(keypair.send_key, end->side, generation);
	make_key(keypair.receive_key, 1 - end->side, generation);
	if (pump_install(end->pump, &keypair) != 0) {
		printf("# can't install a keypair\n");
		exit(EXIT_FAILURE);
	}
}

void end_allow_all(struct end *end, uint32_t peer)
{
	struct pump_prefix prefixes[] = {{.family = 4, .peer = peer},
					 {.family = 6, .peer = peer}};

	pump_set_allowed_ips(end->pump, prefixes, 2);
}

void ends_connect(struct end ends[2], uint32_t generation)
{
	struct pump_endpoint place;
	unsigned int side;

	for (side = 0; side < 2; side++) {
		place = end_place(1 - side);
		pump_peer_endpoint(ends[side].pump, 0, &place);
		end_allow_all(&ends[side], 0);
		end_install(&ends[side], 0, generation, false);
		pump_promote(ends[side].pump, end_index(side, generation));
	}
}

const struct ring_output *end_output(struct end *end)
{
	int len = ring_take(end->pump, end->buffer, PUMP_TAKE_BYTES);

	return len > 0 ? (const struct ring_output *)end->buffer : NULL;
}

/* One at a time: what else was taken comes with the next calls. */
const struct pump_message *end_message(struct end *end)
{
	static uint8_t taken[PUMP_TAKE_BYTES];
	static uint32_t len, at;
	static struct end *whose;
	const struct pump_message *message;

	if (at == len || whose != end) {
		at = 0;
		whose = end;
		len = (uint32_t)pump_take(end->pump, taken, sizeof(taken));
		if (len == 0)
			return NULL;
	}
	message = (const struct pump_message *)(taken + at);
	at += message->bytes;
	return message;
}

int end_count_outputs(struct end *end, uint32_t kind)
{
	const struct ring_output *output;
	int count = 0;

	while ((output = end_output(end)) != NULL)
		count += output->kind == kind;
	return count;
}

uint32_t craft(struct end *to, uint32_t generation, uint64_t counter,
	       const void *packet, uint32_t len, uint8_t *datagram)
{
	uint8_t key[PUMP_KEY_BYTES];
	struct aead seal;

	make_key(key, 1 - to->side, generation);
	store32_le(datagram, TYPE_TRANSPORT);
	store32_le(datagram + 4, end_index(to->side, generation));
	store64_le(datagram + 8, counter);
	if (len > 0)
		memcpy(datagram + 16, packet, len);
	if (aead_init(&seal, &evp, key, true) != 0 ||
	    !aead_seal(&seal, counter, datagram + 16, len))
		exit(EXIT_FAILURE);
	aead_wipe(&seal);
	return len + 32;
}

void end_give(struct end *end, const void *datagram, uint32_t len)
{
	struct pump_endpoint from = end_place(1 - end->side);

	ring_give_datagrams(end->pump, &from, 0, len, datagram, len);
}

/* The sum of the pseudo-header, as the kernel leaves it in the field. */
static uint16_t partial(const uint8_t *packet, uint32_t len, uint32_t transport)
{
	uint8_t copy[40];
	uint32_t sum;

	/* Over no bytes there is the pseudo-header left; but for the length. */
	memcpy(copy, packet, transport);
	sum = (uint16_t)~reference_transport_checksum(copy, transport,
						      transport);
	sum += len - transport;
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void fill_ip(const struct flow *flow, uint8_t *packet, uint32_t len)
{
	uint32_t i, header = flow->is_v6 ? 40 : 20;

	for (i = flow->is_v6 ? 8 : 12; i < header; i++)
		packet[i] = (uint8_t)(10 + i % 3);
	if (flow->is_v6) {
		packet[0] = 0x60;
		packet[1] = (uint8_t)(flow->ecn << 4);
		store16(packet + 4, len - 40);
		packet[6] = flow->is_udp ? 17 : 6;
		packet[7] = (uint8_t)(64 + flow->ttl);
		return;
	}
	packet[0] = 0x45;
	packet[1] = flow->ecn;
	store16(packet + 2, len);
	store16(packet + 4, flow->id);
	packet[6] = flow->may_fragment ? 0 : 0x40;
	packet[8] = (uint8_t)(64 + flow->ttl);
	packet[9] = flow->is_udp ? 17 : 6;
	store16(packet + 10, reference_checksum(packet, 20));
}

static void fill_transport(const struct flow *flow, uint8_t *transport,
			   uint32_t len)
{
	store16(transport, flow->port);
	store16(transport + 2, 443);
	if (flow->is_udp) {
		store16(transport + 4, len);
		return;
	}
	store32(transport + 4, flow->sequence);
	store32(transport + 8, flow->acknowledgement);
	transport[12] = flow->has_timestamps ? 0x80 : 0x50;
	transport[13] = flow->flags;
	store16(transport + 14, 500U + flow->window);
	if (!flow->has_timestamps)
		return;
	memcpy(transport + 20, "\1\1\10\12abcdefgh", 12);
	transport[24] = flow->timestamp;
}

uint32_t make_frame(struct flow *flow, uint8_t *frame, uint32_t payload,
		    uint32_t size)
{
	uint32_t transport = flow->is_v6 ? 40 : 20, header, len, i, count;
	struct vnet_header vnet = {0};
	uint8_t *packet = frame + 10;

	header = transport + (flow->is_udp	     ? 8
			      : flow->has_timestamps ? 32
						     : 20);
	len = header + payload;
	memset(frame, 0, 10 + header);
	for (i = header; i < len; i++)
		packet[i] = (uint8_t)next_random();
	fill_ip(flow, packet, len);
	fill_transport(flow, packet + transport, len - transport);
	vnet.flags = VNET_NEEDS_CSUM;
	vnet.csum_start = (uint16_t)transport;
	vnet.csum_offset = flow->is_udp ? 6 : 16;
	if (size > 0) {
		vnet.gso_type = flow->is_udp  ? VNET_GSO_UDP_L4
				: flow->is_v6 ? VNET_GSO_TCPV6
					      : VNET_GSO_TCPV4;
		vnet.gso_size = (uint16_t)size;
		vnet.hdr_len = (uint16_t)header;
	}
	memcpy(frame, &vnet, 10);
	store16(packet + transport + vnet.csum_offset,
		partial(packet, len, transport));
	flow->sequence += payload;
	count = size > 0 ? (payload + size - 1) / size : 1;
	flow->id = (uint16_t)(flow->id + count);
	return 10 + len;
}
