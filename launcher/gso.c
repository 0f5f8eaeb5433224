/* SPDX-License-Identifier: MIT */
/*
 * gso.c - how large super-packets may be
 *
 * With its offloads on, a TUN hands over many packets of TCP as one, behind one
 * set of headers. The pump cuts it and sends the datagrams as one group, which
 * the kernel bounds (UDP_SEGMENT, udp(7)): 64 datagrams, and together no more
 * than one datagram may have. Each is longer than its packet, so of the 64 KB
 * that a device is given by default some don't fit, and go out with a call of
 * their own, which costs as much as the first one.
 *
 * At an MTU of 1420 a datagram has 1452 bytes, and 45 fit into 65487. Packets of
 * TCP carry 1368 bytes each behind 52 bytes of headers: 45 * 1368 + 52 = 61612.
 * A larger super-packet is of no use then. Where headers are longer, as in
 * IPv6, fewer bytes fit, but TCP keeps below the limit by more than that.
 *
 * What programs make themselves (UDP_SEGMENT inside) and what is larger, the
 * kernel cuts before it hands it over.
 */
#include "gso.h"

enum {
	/* pump/body.h: BODY_SEGMENTS; pump/wire.h: DATAGRAM_BYTES_MAX. */
	GROUP_DATAGRAMS = 64,
	GROUP_BYTES = 65487,
	/* Header of transport data, and tag. */
	OVERHEAD_BYTES = 32,
	/* IPv4, and TCP with timestamps. */
	HEADERS_BYTES = 20 + 32,
};

/**
 * gso_max_size() - The largest super-packet whose datagrams go out with one call
 * @mtu:	Of the device
 * Returns the kernel's default where two datagrams are too many for a call.
 */
unsigned int gso_max_size(unsigned int mtu)
{
	unsigned int datagrams = GROUP_BYTES / (mtu + OVERHEAD_BYTES);

	if (datagrams > GROUP_DATAGRAMS)
		datagrams = GROUP_DATAGRAMS;
	if (datagrams < 2)
		return GSO_DEFAULT_BYTES;
	return datagrams * (mtu - HEADERS_BYTES) + HEADERS_BYTES;
}
