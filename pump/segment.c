/* SPDX-License-Identifier: MIT */
/*
 * segment.c - a super-packet to packets, as a network card would do it
 *
 * The kernel hands over up to 64 KB of TCP or UDP payload behind one set of
 * headers, and says in the virtio_net_hdr how to cut it. Each segment gets a
 * copy of the headers with these fields of its own:
 *
 *	IPv4	total length, identification + index, header checksum
 *	IPv6	payload length
 *	TCP	sequence number; CWR only on the first, FIN and PSH only on the
 *		last; checksum
 *	UDP	length; checksum, never 0
 *
 * The checksum field of the super-packet has the sum of its pseudo-header. Each
 * segment's differs from that by the length only; it isn't made from the IP
 * header, which has another destination as long as a source route isn't done.
 *
 * A packet that is whole may still lack its checksum. Nothing in the header is
 * believed before it agrees with the packet: it is the kernel's, but the packet
 * is any program's.
 */
#include "segment.h"

#include "checksum.h"

enum {
	IPV4_ID = 4,
	TCP_SEQUENCE = 4,
	TCP_FLAGS = 13,
	TCP_CHECKSUM = 16,
	UDP_LENGTH = 4,
	UDP_CHECKSUM = 6,
	FLAG_FIN = 0x01,
	FLAG_PSH = 0x08,
	FLAG_CWR = 0x80,
};

/**
 * begin_whole() - Begin with a packet that is not to be cut
 * @segmenter:	Segmenter
 * Returns 0, or -1 if the checksum's place is outside.
 */
static int begin_whole(struct segmenter *segmenter)
{
	const struct vnet_header *vnet = &segmenter->vnet;

	if (!(vnet->flags & VNET_NEEDS_CSUM))
		return 0;
	/* An odd place would turn the bytes of the sum round. */
	if (vnet->csum_start % 2 != 0)
		return -1;
	return (uint32_t)vnet->csum_start + vnet->csum_offset + 2 >
			       segmenter->len
		       ? -1
		       : 0;
}

/**
 * ip_header_length() - Where TCP or UDP begins, if that is what is inside
 * @segmenter:	Segmenter, with a packet of at least an IPv4 header
 * @version:	The version that the super-packet claims, or 0
 * Returns 0 if there is something else.
 */
static uint32_t ip_header_length(const struct segmenter *segmenter,
				 unsigned int version)
{
	const uint8_t *packet = segmenter->packet;
	unsigned int actual = packet[0] >> 4;
	uint32_t start = segmenter->vnet.csum_start;

	if (version != 0 && actual != version)
		return 0;
	if (actual == 4) {
		if (packet[9] != segmenter->protocol || (packet[0] & 15) < 5 ||
		    start != (packet[0] & 15) * 4U)
			return 0;
		return start;
	}
	/* Extension headers may stand between; the kernel knows them. */
	if (actual != 6 || start < IPV6_HEADER_BYTES || start % 2 != 0)
		return 0;
	return start;
}

/**
 * checksum_place() - Where the checksum is in TCP or UDP
 * @segmenter:	Segmenter of a super-packet
 */
static uint32_t checksum_place(const struct segmenter *segmenter)
{
	return segmenter->protocol == PROTOCOL_TCP ? TCP_CHECKSUM
						   : UDP_CHECKSUM;
}

/**
 * begin_cut() - Begin with a super-packet
 * @segmenter:	Segmenter
 * @type:	VNET_GSO_…
 * Returns 0, or -1 if header and packet disagree.
 */
static int begin_cut(struct segmenter *segmenter, unsigned int type)
{
	bool is_tcp = type != VNET_GSO_UDP_L4;
	unsigned int version = type == VNET_GSO_TCPV4	? 4
			       : type == VNET_GSO_TCPV6 ? 6
							: 0;
	uint32_t least = is_tcp ? TCP_HEADER_BYTES : UDP_HEADER_BYTES;
	uint32_t transport_len = least;
	const uint8_t *transport;

	segmenter->protocol = is_tcp ? PROTOCOL_TCP : PROTOCOL_UDP;
	segmenter->size = segmenter->vnet.gso_size;
	if (segmenter->size == 0 || segmenter->len < IPV4_HEADER_BYTES ||
	    !(segmenter->vnet.flags & VNET_NEEDS_CSUM))
		return -1;
	segmenter->ip_len = ip_header_length(segmenter, version);
	if (segmenter->ip_len == 0 ||
	    segmenter->ip_len + least > segmenter->len)
		return -1;
	transport = segmenter->packet + segmenter->ip_len;
	if (is_tcp)
		transport_len = (uint32_t)(transport[12] >> 4) * 4;
	segmenter->header_len = segmenter->ip_len + transport_len;
	if (transport_len < least || segmenter->header_len > segmenter->len)
		return -1;
	if (segmenter->header_len + segmenter->size > PACKET_BYTES_MAX)
		return -1;
	segmenter->at = segmenter->header_len;
	/* Without the length: a number and its complement add up to 0. */
	segmenter->pseudo = checksum_add16(
		checksum_add(0, transport + checksum_place(segmenter), 2),
		~(segmenter->len - segmenter->ip_len) & 0xffff);
	return 0;
}

/**
 * segment_begin() - Begin with what one read gave
 * @segmenter:	Segmenter
 * @vnet:	What the kernel says about the packet
 * @packet:	Packet; stays where it is until the last segment is taken
 * @len:	Its length, at least 1
 * Returns 0, or -1 if header and packet disagree.
 */
int segment_begin(struct segmenter *segmenter, const struct vnet_header *vnet,
		  const uint8_t *packet, uint32_t len)
{
	unsigned int type = vnet->gso_type & (unsigned int)~VNET_GSO_ECN;

	memset(segmenter, 0, sizeof(*segmenter));
	segmenter->vnet = *vnet;
	segmenter->packet = packet;
	segmenter->len = len;
	switch (type) {
	case VNET_GSO_NONE:
		return len > PACKET_BYTES_MAX ? -1 : begin_whole(segmenter);
	case VNET_GSO_TCPV4:
	case VNET_GSO_TCPV6:
	case VNET_GSO_UDP_L4:
		return begin_cut(segmenter, type);
	default:
		return -1;
	}
}

/**
 * segment_length() - Length of the next packet
 * @segmenter:	Segmenter
 * Returns 0 after the last one.
 */
uint32_t segment_length(const struct segmenter *segmenter)
{
	uint32_t rest = segmenter->len - segmenter->at;

	if (segmenter->is_done)
		return 0;
	if (segmenter->size == 0)
		return segmenter->len;
	return segmenter->header_len +
	       (rest < segmenter->size ? rest : segmenter->size);
}

/**
 * take_whole() - Copy a packet that is whole but for its checksum
 * @segmenter:	Segmenter
 * @out:	Gets the packet
 */
static void take_whole(const struct segmenter *segmenter, uint8_t *out)
{
	uint32_t start = segmenter->vnet.csum_start;
	uint16_t folded;

	memcpy(out, segmenter->packet, segmenter->len);
	if (!(segmenter->vnet.flags & VNET_NEEDS_CSUM))
		return;
	/* The field holds the sum of the pseudo-header, so it is summed too. */
	folded = checksum_fold(
		checksum_add(0, out + start, segmenter->len - start));
	folded = (uint16_t)~folded;
	/* In UDP a checksum of 0 means that there is none. */
	if (folded == 0 && segmenter->vnet.csum_offset == UDP_CHECKSUM)
		folded = 0xffff;
	checksum_store(out + start + segmenter->vnet.csum_offset, folded);
}

/**
 * number() - Give a segment what it has of its own in TCP or UDP
 * @segmenter:	Segmenter
 * @transport:	Copied TCP or UDP header
 * @len:	Of that header and its payload
 * @is_last:	Whether no segment follows
 */
static void number(const struct segmenter *segmenter, uint8_t *transport,
		   uint32_t len, bool is_last)
{
	uint32_t offset = segmenter->at - segmenter->header_len;

	if (segmenter->protocol == PROTOCOL_UDP) {
		store16(transport + UDP_LENGTH, len);
		return;
	}
	store32(transport + TCP_SEQUENCE,
		load32(transport + TCP_SEQUENCE) + offset);
	if (segmenter->index > 0)
		transport[TCP_FLAGS] &= (uint8_t)~FLAG_CWR;
	if (!is_last)
		transport[TCP_FLAGS] &= (uint8_t) ~(FLAG_FIN | FLAG_PSH);
}

/**
 * segment_next() - Take the next packet
 * @segmenter:	Segmenter, with segment_length() not 0
 * @out:	Gets segment_length() bytes, at an even address
 */
void segment_next(struct segmenter *segmenter, uint8_t *out)
{
	uint32_t len = segment_length(segmenter);
	uint32_t payload = len - segmenter->header_len;
	uint32_t transport_len = len - segmenter->ip_len;
	uint8_t *transport = out + segmenter->ip_len, *field;
	uint16_t folded;

	if (segmenter->size == 0) {
		take_whole(segmenter, out);
		segmenter->is_done = true;
		return;
	}
	segmenter->is_done = segmenter->at + payload == segmenter->len;
	memcpy(out, segmenter->packet, segmenter->header_len);
	memcpy(out + segmenter->header_len, segmenter->packet + segmenter->at,
	       payload);
	if (out[0] >> 4 == 4) {
		store16(out + 2, len);
		store16(out + IPV4_ID,
			load16(out + IPV4_ID) + segmenter->index);
		checksum_ipv4(out, segmenter->ip_len);
	} else {
		store16(out + 4, len - IPV6_HEADER_BYTES);
	}
	number(segmenter, transport, transport_len, segmenter->is_done);
	field = transport + checksum_place(segmenter);
	store16(field, 0);
	folded = (uint16_t)~checksum_fold(
		checksum_add(checksum_add16(segmenter->pseudo, transport_len),
			     transport, transport_len));
	if (folded == 0 && segmenter->protocol == PROTOCOL_UDP)
		folded = 0xffff;
	checksum_store(field, folded);
	segmenter->at += payload;
	segmenter->index++;
}

/**
 * segment_abandon() - Take no more packets
 * @segmenter:	Segmenter
 * Returns how many there would have been.
 */
uint32_t segment_abandon(struct segmenter *segmenter)
{
	uint32_t rest = segmenter->len - segmenter->at, count = 1;

	if (segmenter->is_done)
		return 0;
	segmenter->is_done = true;
	if (segmenter->size > 0 && rest > segmenter->size)
		count = (rest + segmenter->size - 1) / segmenter->size;
	return count;
}
