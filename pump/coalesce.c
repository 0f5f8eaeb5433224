/* SPDX-License-Identifier: MIT */
/*
 * coalesce.c - packets for the TUN, as super-packets where they follow
 *
 * Consecutive segments of a TCP connection, or equal datagrams of a UDP flow,
 * become one super-packet, which passes the network stack once: the first
 * packet's headers, and all payloads. Cutting it again gives the same packets
 * (segment.c), and that is the rule for what may be appended: whatever header
 * field the cut doesn't compute has to be equal. Only the identification of
 * IPv4 packets that may not be fragmented is free, for it means nothing there
 * (RFC 6864 4.1).
 *
 * Order within a flow is kept: units are written in the order in which they
 * were begun, and a packet is appended only to the last unit of its flow. What
 * isn't plainly TCP or UDP, such as a fragment, may belong to any flow, so that
 * nothing is appended to what was begun before it.
 *
 * The inner checksums of what is coalesced aren't looked at: Poly1305 has
 * covered the packet from peer to peer, as the kernel's driver argues too. The
 * super-packet says in its virtio_net_hdr that the rest is to be computed. A
 * packet that stays alone is written as it is, for the kernel to check.
 */
#include "coalesce.h"

#include "activity.h"
#include "checksum.h"

enum {
	NONE = -1,
	IPV4_DF = 0x4000,
	TCP_ACK = 0x10,
	TCP_PSH = 0x08,
	TCP_CHECKSUM = 16,
	UDP_CHECKSUM = 6,
};

/**
 * shape_ip() - Read an IP header
 * @packet:	Packet with a whole header, trimmed to its length
 * @len:	Its length
 * @shape:	Gets ip_len, protocol and hash
 * Returns false if TCP or UDP don't follow at once, or in fragments.
 */
static bool shape_ip(const uint8_t *packet, uint32_t len, struct shape *shape)
{
	if (packet[0] >> 4 == 4) {
		shape->ip_len = IPV4_HEADER_BYTES;
		shape->protocol = packet[9];
		shape->hash = load32(packet + 12) ^ load32(packet + 16);
		if (packet[0] != 0x45 ||
		    (load16(packet + 6) & ~(unsigned int)IPV4_DF) != 0)
			return false;
	} else {
		shape->ip_len = IPV6_HEADER_BYTES;
		shape->protocol = packet[6];
		shape->hash = load32(packet + 20) ^ load32(packet + 36);
	}
	return len >= shape->ip_len + UDP_HEADER_BYTES;
}

/**
 * shape_read() - Read the headers of a packet
 * @packet:	Packet with a whole IP header, trimmed to its length
 * @len:	Its length
 * @shape:	Gets what it looks like
 * Returns false if it isn't plainly TCP or UDP.
 */
static bool shape_read(const uint8_t *packet, uint32_t len, struct shape *shape)
{
	const uint8_t *transport;

	if (!shape_ip(packet, len, shape))
		return false;
	transport = packet + shape->ip_len;
	shape->hash ^= load32(transport) ^ shape->protocol;
	if (shape->protocol == PROTOCOL_UDP) {
		shape->header_len = shape->ip_len + UDP_HEADER_BYTES;
		shape->payload = len - shape->header_len;
		/* Without a checksum it has to stay without one. */
		shape->is_mergeable =
			shape->payload > 0 &&
			load16(transport + 4) == len - shape->ip_len &&
			load16(transport + UDP_CHECKSUM) != 0;
		return true;
	}
	if (shape->protocol != PROTOCOL_TCP ||
	    len < shape->ip_len + TCP_HEADER_BYTES)
		return false;
	shape->header_len = shape->ip_len + (uint32_t)(transport[12] >> 4) * 4;
	if (shape->header_len < shape->ip_len + TCP_HEADER_BYTES ||
	    shape->header_len > len)
		return false;
	shape->payload = len - shape->header_len;
	shape->is_mergeable = shape->payload > 0 &&
			      (transport[12] & 0x0f) == 0 &&
			      (transport[13] | TCP_PSH) == (TCP_ACK | TCP_PSH);
	return true;
}

/**
 * same_flow() - Whether a packet is of a unit's flow
 * @unit:	Unit that is TCP or UDP
 * @packet:	Packet
 * @shape:	Of the packet
 */
static bool same_flow(const struct unit *unit, const uint8_t *packet,
		      const struct shape *shape)
{
	uint32_t at = shape->ip_len == IPV4_HEADER_BYTES ? 12 : 8;

	/* Addresses end where the header does, and the ports follow. */
	return unit->shape.hash == shape->hash &&
	       unit->shape.protocol == shape->protocol &&
	       unit->shape.ip_len == shape->ip_len &&
	       memcmp(unit->first + at, packet + at, shape->ip_len + 4 - at) ==
		       0;
}

/**
 * same_ip() - Whether two IP headers differ only where the cut computes them
 * @unit:	Unit
 * @packet:	Packet of the same flow
 */
static bool same_ip(const struct unit *unit, const uint8_t *packet)
{
	const uint8_t *first = unit->first;

	if (unit->shape.ip_len == IPV6_HEADER_BYTES)
		return memcmp(first, packet, 4) == 0 && first[7] == packet[7];
	if (first[1] != packet[1] || memcmp(first + 6, packet + 6, 3) != 0)
		return false;
	return (load16(first + 6) & IPV4_DF) != 0 ||
	       (uint16_t)(load16(first + 4) + unit->count) ==
		       load16(packet + 4);
}

/**
 * same_tcp() - Whether a segment follows, and its header differs only there
 * @unit:	Unit of TCP
 * @packet:	Packet of the same flow
 * @shape:	Of the packet
 */
static bool same_tcp(const struct unit *unit, const uint8_t *packet,
		     const struct shape *shape)
{
	const uint8_t *a = unit->first + shape->ip_len;
	const uint8_t *b = packet + shape->ip_len;
	uint32_t options = shape->header_len - shape->ip_len - TCP_HEADER_BYTES;

	/* After the sequence number: acknowledgement, length, flags, window. */
	return unit->shape.header_len == shape->header_len &&
	       load32(b + 4) == load32(a + 4) + unit->payload &&
	       memcmp(a + 8, b + 8, 5) == 0 && memcmp(a + 14, b + 14, 2) == 0 &&
	       memcmp(a + 18, b + 18, 2 + options) == 0;
}

/**
 * can_append() - Whether a packet continues a unit
 * @coalescer:	Coalescer
 * @unit:	Last unit of its flow
 * @packet:	Packet
 * @shape:	Of the packet
 */
static bool can_append(const struct coalescer *coalescer,
		       const struct unit *unit, const uint8_t *packet,
		       const struct shape *shape)
{
	bool is_tcp = shape->protocol == PROTOCOL_TCP;

	if (unit->is_closed || !shape->is_mergeable ||
	    unit->count == BODY_SEGMENTS ||
	    shape->payload > unit->shape.payload ||
	    unit->shape.header_len + unit->payload + shape->payload >
		    PACKET_BYTES_MAX)
		return false;
	if (!(is_tcp ? coalescer->body->coalesces_tcp
		     : coalescer->body->coalesces_udp))
		return false;
	return same_ip(unit, packet) &&
	       (!is_tcp || same_tcp(unit, packet, shape));
}

/**
 * closes() - Whether nothing may follow a packet in its unit
 * @packet:	Packet
 * @shape:	Of the packet
 * @size:	Payload of a segment of the unit
 */
static bool closes(const uint8_t *packet, const struct shape *shape,
		   uint32_t size)
{
	if (!shape->is_mergeable || shape->payload < size)
		return true;
	/* The cut leaves PSH on the last segment only. */
	return shape->protocol == PROTOCOL_TCP &&
	       (packet[shape->ip_len + 13] & TCP_PSH) != 0;
}

/**
 * append() - Add a packet to a unit
 * @coalescer:	Coalescer, with room for a piece
 * @unit:	Unit
 * @packet:	Packet that continues it
 * @shape:	Of the packet
 */
static void append(struct coalescer *coalescer, struct unit *unit,
		   const uint8_t *packet, const struct shape *shape)
{
	int32_t at = coalescer->piece_count++;

	coalescer->pieces[at] = (struct piece){packet + shape->header_len,
					       shape->payload, NONE};
	if (unit->last_piece == NONE)
		unit->first_piece = at;
	else
		coalescer->pieces[unit->last_piece].next = at;
	unit->last_piece = at;
	unit->payload += shape->payload;
	unit->count++;
	if (!closes(packet, shape, unit->shape.payload))
		return;
	unit->is_closed = true;
	if (shape->protocol == PROTOCOL_TCP)
		unit->first[shape->ip_len + 13] |=
			packet[shape->ip_len + 13] & TCP_PSH;
}

/**
 * remember() - Make a unit the last one of its flow
 * @coalescer:	Coalescer
 * @place:	Where the flow's former unit stands in flows[], or NONE
 * @unit:	Index of the unit
 */
static void remember(struct coalescer *coalescer, int32_t place, int32_t unit)
{
	if (place == NONE && coalescer->flow_count < COALESCE_FLOWS)
		place = coalescer->flow_count++;
	/* The flow forgotten here begins a unit with its next packet. */
	if (place == NONE)
		place = unit % COALESCE_FLOWS;
	coalescer->flows[place] = unit;
}

/**
 * begin() - Begin a unit with a packet
 * @coalescer:	Coalescer, with room for a unit
 * @packet:	Packet
 * @len:	Its length
 * Returns its index.
 */
static int32_t begin(struct coalescer *coalescer, uint8_t *packet, uint32_t len)
{
	struct unit *unit = &coalescer->units[coalescer->unit_count];

	memset(unit, 0, sizeof(*unit));
	unit->first = packet;
	unit->first_len = len;
	unit->first_piece = unit->last_piece = NONE;
	unit->count = 1;
	return coalescer->unit_count++;
}

/**
 * coalesce_add() - Take a packet for the TUN
 * @coalescer:	Coalescer
 * @packet:	Packet with a whole IP header; stays where it is until flushed
 * @len:	Its length, as its header says
 */
void coalesce_add(struct coalescer *coalescer, uint8_t *packet, uint32_t len)
{
	struct shape shape;
	struct unit *unit;
	int32_t place, index;

	if (coalescer->unit_count == COALESCE_UNITS ||
	    coalescer->piece_count == COALESCE_PACKETS)
		coalesce_flush(coalescer);
	if (!shape_read(packet, len, &shape)) {
		coalescer->flow_count = 0;
		begin(coalescer, packet, len);
		return;
	}
	for (place = coalescer->flow_count - 1; place >= 0; place--) {
		unit = &coalescer->units[coalescer->flows[place]];
		if (same_flow(unit, packet, &shape))
			break;
	}
	if (place >= 0 && can_append(coalescer, unit, packet, &shape)) {
		append(coalescer, unit, packet, &shape);
		return;
	}
	index = begin(coalescer, packet, len);
	unit = &coalescer->units[index];
	unit->shape = shape;
	unit->payload = shape.payload;
	unit->is_closed = closes(packet, &shape, shape.payload);
	remember(coalescer, place, index);
}

/**
 * complete() - Make the headers of a super-packet right
 * @unit:	Unit of more than one packet
 * @vnet:	Zeros; gets what the kernel has to know
 */
static void complete(const struct unit *unit, struct vnet_header *vnet)
{
	uint32_t ip_len = unit->shape.ip_len;
	uint32_t len = unit->shape.header_len + unit->payload;
	bool is_tcp = unit->shape.protocol == PROTOCOL_TCP;
	uint8_t *transport = unit->first + ip_len;

	vnet->flags = VNET_NEEDS_CSUM;
	vnet->hdr_len = (uint16_t)unit->shape.header_len;
	vnet->gso_size = (uint16_t)unit->shape.payload;
	vnet->csum_start = (uint16_t)ip_len;
	vnet->csum_offset = is_tcp ? TCP_CHECKSUM : UDP_CHECKSUM;
	if (ip_len == IPV4_HEADER_BYTES) {
		vnet->gso_type = is_tcp ? VNET_GSO_TCPV4 : VNET_GSO_UDP_L4;
		store16(unit->first + 2, len);
		checksum_ipv4(unit->first, ip_len);
	} else {
		vnet->gso_type = is_tcp ? VNET_GSO_TCPV6 : VNET_GSO_UDP_L4;
		store16(unit->first + 4, len - ip_len);
	}
	if (!is_tcp)
		store16(transport + 4, len - ip_len);
	checksum_store(
		transport + vnet->csum_offset,
		checksum_fold(checksum_pseudo(unit->first, unit->shape.protocol,
					      len - ip_len)));
}

/**
 * write_unit() - Write one unit to the TUN
 * @coalescer:	Coalescer
 * @unit:	Unit
 */
static void write_unit(struct coalescer *coalescer, const struct unit *unit)
{
	struct {
		struct vnet_header header;
		uint16_t rest;
	} vnet;
	struct iovec pieces[BODY_PIECES];
	int32_t at;
	int count = 0, result;

	memset(&vnet, 0, sizeof(vnet));
	if (unit->count > 1) {
		complete(unit, &vnet.header);
		activity_add(&coalescer->activity->tun_coalesced, 1);
	}
	pieces[count++] = (struct iovec){&vnet, coalescer->vnet_bytes};
	pieces[count++] = (struct iovec){unit->first, unit->first_len};
	for (at = unit->first_piece; at != NONE;
	     at = coalescer->pieces[at].next)
		pieces[count++] = (struct iovec){
			(void *)(uintptr_t)coalescer->pieces[at].bytes,
			coalescer->pieces[at].len};
	result = coalescer->body->calls->write_tun(coalescer->body->context,
						   pieces, count);
	if (result < 0)
		activity_error(coalescer->activity->tun_write_errors, -result,
			       unit->count);
}

/**
 * coalesce_flush() - Write all that was taken
 * @coalescer:	Coalescer
 */
void coalesce_flush(struct coalescer *coalescer)
{
	int32_t i;

	for (i = 0; i < coalescer->unit_count; i++)
		write_unit(coalescer, &coalescer->units[i]);
	coalescer->unit_count = 0;
	coalescer->piece_count = 0;
	coalescer->flow_count = 0;
}
