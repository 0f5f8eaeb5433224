/* SPDX-License-Identifier: MIT */
/*
 * wire.h - sizes and limits of the protocol and of IP, and byte order
 *
 * The names and values of the first part are those of
 * src/wireguard/constants.ts and messages.ts: both paths have to agree.
 */
#ifndef WG_WRAP_PUMP_WIRE_H
#define WG_WRAP_PUMP_WIRE_H

#include <stdint.h>
#include <string.h>

#define REJECT_AFTER_TIME_MS  180000ULL
#define REJECT_AFTER_MESSAGES ((1ULL << 53) - (1ULL << 13) - 1)

enum {
	TYPE_INITIATION = 1,
	TYPE_RESPONSE = 2,
	TYPE_COOKIE_REPLY = 3,
	TYPE_TRANSPORT = 4,
	INITIATION_BYTES = 148,
	RESPONSE_BYTES = 92,
	COOKIE_REPLY_BYTES = 64,
	/* Transport data: type, receiver index, counter; packet; tag. */
	TRANSPORT_HEADER_BYTES = 16,
	TAG_BYTES = 16,
	KEEPALIVE_BYTES = 32,
	PADDING_MULTIPLE = 16,
};

enum {
	IPV4_HEADER_BYTES = 20,
	IPV6_HEADER_BYTES = 40,
	TCP_HEADER_BYTES = 20,
	UDP_HEADER_BYTES = 8,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PACKET_BYTES_MAX = 65535,
	/* What a UDP datagram can carry over either family. */
	DATAGRAM_BYTES_MAX = 65487,
};

/* struct virtio_net_hdr; a longer one continues with zeros. */
struct vnet_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
};

enum {
	VNET_BYTES = 10,
	VNET_BYTES_MAX = 12,
	VNET_NEEDS_CSUM = 1,
	VNET_GSO_NONE = 0,
	VNET_GSO_TCPV4 = 1,
	VNET_GSO_TCPV6 = 4,
	VNET_GSO_UDP_L4 = 5,
	/* Beside a TCP type: the first segment may carry CWR. */
	VNET_GSO_ECN = 0x80,
};

/**
 * load16() - Read a 16-bit number in network order
 * @bytes:	Two bytes
 */
static inline uint16_t load16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/**
 * store16() - Write a 16-bit number in network order
 * @bytes:	Two bytes
 * @value:	Number; the upper half is cut off
 */
static inline void store16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/**
 * load32() - Read a 32-bit number in network order
 * @bytes:	Four bytes
 */
static inline uint32_t load32(const uint8_t *bytes)
{
	return (uint32_t)load16(bytes) << 16 | load16(bytes + 2);
}

/**
 * store32() - Write a 32-bit number in network order
 * @bytes:	Four bytes
 * @value:	Number
 */
static inline void store32(uint8_t *bytes, uint32_t value)
{
	store16(bytes, value >> 16);
	store16(bytes + 2, value);
}

/**
 * load32_le() - Read a 32-bit number as WireGuard writes it
 * @bytes:	Four bytes
 */
static inline uint32_t load32_le(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
	       (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/**
 * store32_le() - Write a 32-bit number as WireGuard wants it
 * @bytes:	Four bytes
 * @value:	Number
 */
static inline void store32_le(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)value;
	bytes[1] = (uint8_t)(value >> 8);
	bytes[2] = (uint8_t)(value >> 16);
	bytes[3] = (uint8_t)(value >> 24);
}

/**
 * load64_le() - Read a counter
 * @bytes:	Eight bytes
 */
static inline uint64_t load64_le(const uint8_t *bytes)
{
	return load32_le(bytes) | (uint64_t)load32_le(bytes + 4) << 32;
}

/**
 * store64_le() - Write a counter
 * @bytes:	Eight bytes
 * @value:	Counter
 */
static inline void store64_le(uint8_t *bytes, uint64_t value)
{
	store32_le(bytes, (uint32_t)value);
	store32_le(bytes + 4, (uint32_t)(value >> 32));
}

#endif
