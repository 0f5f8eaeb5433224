/* SPDX-License-Identifier: MIT */
/*
 * ip.c - what is read, and in one case changes, in inner IP headers
 *
 * The twin of src/wireguard/packet.ts, with the same names and verdicts.
 */
#include "ip.h"

#include "checksum.h"
#include "wire.h"

enum {
	ECN_MASK = 3,
	ECN_ECT1 = 1,
	ECN_ECT0 = 2,
	ECN_CE = 3,
};

/**
 * ip_version() - The version in the first byte
 * @packet:	Packet
 * @len:	Its length
 * Returns 4, 6, or 0 for anything else.
 */
uint32_t ip_version(const uint8_t *packet, uint32_t len)
{
	uint32_t version = len > 0 ? packet[0] >> 4 : 0;

	return version == 4 || version == 6 ? version : 0;
}

/**
 * ip_header_bytes() - Length of the fixed header
 * @version:	4 or 6
 */
uint32_t ip_header_bytes(uint32_t version)
{
	return version == 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

/**
 * ip_claimed_length() - Length that a packet with a whole header claims
 * @packet:	Packet
 * For IPv6 up to 65,575, more than 16 bits hold.
 */
uint32_t ip_claimed_length(const uint8_t *packet)
{
	return packet[0] >> 4 == 4
		       ? load16(packet + 2)
		       : IPV6_HEADER_BYTES + (uint32_t)load16(packet + 4);
}

/**
 * ip_source() - Source address of a packet with a whole header
 * @packet:	Packet
 */
const uint8_t *ip_source(const uint8_t *packet)
{
	return packet + (packet[0] >> 4 == 4 ? 12 : 8);
}

/**
 * ip_destination() - Destination address of a packet with a whole header
 * @packet:	Packet
 */
const uint8_t *ip_destination(const uint8_t *packet)
{
	return packet + (packet[0] >> 4 == 4 ? 16 : 24);
}

/**
 * inner_ecn() - The ECN codepoint of a packet
 * @packet:	Packet of at least two bytes
 */
static uint8_t inner_ecn(const uint8_t *packet)
{
	return packet[0] >> 4 == 4 ? packet[1] & ECN_MASK
				   : packet[1] >> 4 & ECN_MASK;
}

/**
 * ip_outer_ecn() - The codepoint for the outer header on the way out
 * @packet:	Packet
 * @len:	Its length; a keepalive has none
 * The inner one, but ECT(0) for CE, so that a mark from the inside isn't taken
 * for one of the path (RFC 3168 9.1.1).
 */
uint8_t ip_outer_ecn(const uint8_t *packet, uint32_t len)
{
	uint8_t codepoint = len < 2 ? 0 : inner_ecn(packet);

	return codepoint == ECN_CE ? ECN_ECT0 : codepoint;
}

/**
 * set_ecn() - Change the codepoint, and the checksum with it
 * @packet:	Packet with a whole header
 * @codepoint:	Codepoint
 */
static void set_ecn(uint8_t *packet, uint8_t codepoint)
{
	uint32_t before, sum;

	if (packet[0] >> 4 == 6) {
		packet[1] = (uint8_t)((packet[1] & ~(ECN_MASK << 4)) |
				      codepoint << 4);
		return;
	}
	before = load16(packet);
	packet[1] = (uint8_t)((packet[1] & ~ECN_MASK) | codepoint);
	/* HC' = ~(~HC + ~m + m') (RFC 1624 3, equation 3). */
	sum = (~load16(packet + 10) & 0xffffU) + (~before & 0xffffU) +
	      load16(packet);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	store16(packet + 10, ~sum);
}

/**
 * ip_apply_outer_ecn() - Bring a mark of the path inside (RFC 6040 4.2)
 * @packet:	Packet with a whole header
 * @outer:	Codepoint of the outer header
 * A packet that isn't ECN-capable is left alone even under CE, as Linux does.
 */
void ip_apply_outer_ecn(uint8_t *packet, uint8_t outer)
{
	uint8_t inner = inner_ecn(packet);

	if (inner == 0 || inner == ECN_CE || outer == inner)
		return;
	if (outer == ECN_CE || (outer == ECN_ECT1 && inner == ECN_ECT0))
		set_ecn(packet, outer);
}

/**
 * ip_padding() - Zeros that follow a packet
 * @len:	Of the packet
 * @mtu:	MTU, not 0
 * Up to a multiple of 16, but not above the MTU. A packet longer than the MTU
 * is padded as what remains after whole MTUs.
 */
uint32_t ip_padding(uint32_t len, uint32_t mtu)
{
	uint32_t unit = len > mtu ? len % mtu : len;
	uint32_t padded = (unit + PADDING_MULTIPLE - 1) &
			  ~(uint32_t)(PADDING_MULTIPLE - 1);

	return (padded < mtu ? padded : mtu) - unit;
}
