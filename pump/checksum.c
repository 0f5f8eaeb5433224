/* SPDX-License-Identifier: MIT */
/*
 * checksum.c - the Internet checksum, RFC 1071, whole and partial
 *
 * A sum is kept in 64 bits and in the byte order of this machine: the ones'
 * complement sum comes out right in whichever order it is stored again
 * (RFC 1071 2 B), so that no word has to be turned round. A part that is added
 * after another one has to begin at an even place.
 */
#include "checksum.h"

#include "wire.h"

#include <arpa/inet.h>
#include <string.h>

/**
 * add() - Add with the carry brought round
 * @sum:	Sum
 * @value:	Eight bytes of data
 */
static inline uint64_t add(uint64_t sum, uint64_t value)
{
	sum += value;
	return sum + (sum < value);
}

/**
 * checksum_add() - Add bytes to a sum
 * @sum:	Sum so far, 0 at first
 * @data:	Bytes; an odd one at the end counts as followed by a zero
 * @len:	Their number
 */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint64_t words[4], second = 0;

	/* Two chains: one alone would wait for its own carry at each step. */
	for (; len >= sizeof(words); len -= sizeof(words)) {
		memcpy(words, bytes, sizeof(words));
		sum = add(add(sum, words[0]), words[1]);
		second = add(add(second, words[2]), words[3]);
		bytes += sizeof(words);
	}
	for (; len >= 8; len -= 8, bytes += 8) {
		memcpy(words, bytes, 8);
		sum = add(sum, words[0]);
	}
	if (len > 0) {
		words[0] = 0;
		memcpy(words, bytes, len);
		sum = add(sum, words[0]);
	}
	return add(sum, second);
}

/**
 * checksum_add16() - Add a number, as if it stood in the packet
 * @sum:	Sum
 * @value:	At most 16 bits
 */
uint64_t checksum_add16(uint64_t sum, uint32_t value)
{
	return add(sum, htons((uint16_t)value));
}

/**
 * checksum_fold() - Bring a sum down to 16 bits, not complemented
 * @sum:	Sum
 */
uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/**
 * checksum_store() - Put a folded sum, or its complement, into a header
 * @field:	Two bytes
 * @folded:	In this machine's order, as checksum_fold() gives it
 */
void checksum_store(uint8_t *field, uint16_t folded)
{
	memcpy(field, &folded, sizeof(folded));
}

/**
 * checksum_pseudo() - The pseudo-header of TCP and UDP
 * @ip:		IPv4 or IPv6 header
 * @protocol:	TCP or UDP
 * @len:	Of TCP or UDP header and payload
 */
uint64_t checksum_pseudo(const uint8_t *ip, uint32_t protocol, uint32_t len)
{
	uint64_t sum = ip[0] >> 4 == 4 ? checksum_add(0, ip + 12, 8)
				       : checksum_add(0, ip + 8, 32);

	return checksum_add16(checksum_add16(sum, len), protocol);
}

/**
 * checksum_ipv4() - Complete the checksum of an IPv4 header
 * @header:	Header
 * @len:	Its length, options included
 */
void checksum_ipv4(uint8_t *header, uint32_t len)
{
	uint16_t folded;

	store16(header + 10, 0);
	folded = checksum_fold(checksum_add(0, header, len));
	checksum_store(header + 10, (uint16_t)~folded);
}
