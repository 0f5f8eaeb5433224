/* SPDX-License-Identifier: MIT */
/* test_checksum.c - the Internet checksum against the RFC and a slow one */
#include "checksum.h"
#include "reference.h"
#include "wire.h"

#include "../setup/test.h"

enum { LEN_MAX = 3000 };

/* RFC 1071 3 */
static void test_example(void)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03,
					0xf4, 0xf5, 0xf6, 0xf7};
	uint8_t stored[2];

	checksum_store(stored, checksum_fold(checksum_add(0, bytes, 8)));
	CHECK(load16(stored) == 0xddf2);
}

static void test_lengths(void)
{
	uint8_t bytes[LEN_MAX + 8], stored[2];
	uint32_t len, i, place, wrong = 0;
	uint64_t sum;

	for (place = 0; place < 8; place++)
		for (len = 0; len <= LEN_MAX; len += 1 + len / 50) {
			/* Sums with and without carries. */
			for (i = 0; i < len; i++)
				bytes[place + i] =
					len % 3 == 0 ? 0xff
						     : (uint8_t)(i * 37 + len);
			/* In two parts, of which the first is even. */
			i = len / 3 & ~1U;
			sum = checksum_add(0, bytes + place, i);
			sum = checksum_add(sum, bytes + place + i, len - i);
			checksum_store(stored, (uint16_t)~checksum_fold(sum));
			wrong += load16(stored) !=
				 reference_checksum(bytes + place, len);
		}
	CHECK(wrong == 0);
}

static void test_pseudo(void)
{
	uint8_t packet[60] = {0x60, 0, 0, 0, 0, 20, 6, 64}, stored[2];
	uint64_t sum;
	int i;

	for (i = 8; i < 60; i++)
		packet[i] = (uint8_t)(i * 91);
	sum = checksum_add(checksum_pseudo(packet, 6, 20), packet + 40, 20);
	checksum_store(stored, (uint16_t)~checksum_fold(sum));
	CHECK(load16(stored) == reference_transport_checksum(packet, 60, 40));
	packet[0] = 0x45;
	packet[9] = 17;
	sum = checksum_add(checksum_pseudo(packet, 17, 40), packet + 20, 40);
	checksum_store(stored, (uint16_t)~checksum_fold(sum));
	CHECK(load16(stored) == reference_transport_checksum(packet, 60, 20));
	checksum_ipv4(packet, 20);
	CHECK(reference_checksum(packet, 20) == 0);
}

int main(void)
{
	TEST("the RFC's example sums to the RFC's value", test_example);
	TEST("any length at any place sums as word by word", test_lengths);
	TEST("pseudo-headers of both families are right", test_pseudo);
	return report();
}
