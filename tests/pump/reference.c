/* SPDX-License-Identifier: MIT */
/* reference.c - the same things as in pump/, slow and obvious */
#include "reference.h"

#include <stdlib.h>
#include <string.h>

void packets_add(struct packets *packets, const uint8_t *bytes, uint32_t len)
{
	uint8_t *copy = malloc(len + 1);

	if (!copy || packets->count == 4096)
		abort();
	memcpy(copy, bytes, len);
	packets->list[packets->count].bytes = copy;
	packets->list[packets->count++].len = len;
}

void packets_clear(struct packets *packets)
{
	while (packets->count > 0)
		free(packets->list[--packets->count].bytes);
}

/* RFC 1071: the complement of the sum of 16-bit words. */
static uint32_t sum_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t reference_checksum(const uint8_t *bytes, size_t len)
{
	return (uint16_t)~fold(sum_words(0, bytes, len));
}

/* With pseudo-header; over a right packet this is 0. */
uint16_t reference_transport_checksum(const uint8_t *packet, size_t len,
				      size_t transport)
{
	int is_v4 = packet[0] >> 4 == 4;
	uint32_t sum = is_v4 ? sum_words(0, packet + 12, 8)
			     : sum_words(0, packet + 8, 32);

	sum += (uint32_t)(len - transport);
	/* Tests put nothing between an IPv6 header and TCP or UDP. */
	sum += is_v4 ? packet[9] : packet[6];
	return (uint16_t)~fold(
		sum_words(fold(sum), packet + transport, len - transport));
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

/* Makes lengths and checksums of a TCP or UDP packet right. */
static void complete(uint8_t *packet, uint32_t len, uint32_t transport,
		     int is_udp)
{
	uint32_t field = transport + (is_udp ? 6 : 16);
	uint16_t checksum;

	if (packet[0] >> 4 == 4) {
		put16(packet + 2, len);
		put16(packet + 10, 0);
		put16(packet + 10, reference_checksum(packet, transport));
	} else {
		put16(packet + 4, len - 40);
	}
	if (is_udp)
		put16(packet + transport + 4, len - transport);
	put16(packet + field, 0);
	checksum = reference_transport_checksum(packet, len, transport);
	put16(packet + field, is_udp && checksum == 0 ? 0xffff : checksum);
}

int reference_cut(const uint8_t *frame, uint32_t len, struct packets *out)
{
	const uint8_t *packet = frame + 10;
	uint32_t size = frame[4] | (uint32_t)frame[5] << 8;
	uint32_t transport = frame[6] | (uint32_t)frame[7] << 8;
	int type = frame[1] & 0x7f, is_udp = type == 5;
	uint32_t rest = len - 10, headers, at, i, take, sequence, id;
	uint8_t segment[70000], *tcp;

	if (type == 0) {
		memcpy(segment, packet, rest);
		if (frame[0] & 1)
			complete(segment, rest, transport, frame[8] == 6);
		packets_add(out, segment, rest);
		return 0;
	}
	headers = transport + (is_udp ? 8 : (packet[transport + 12] >> 4) * 4u);
	if (headers > rest || size == 0)
		return -1;
	sequence = get32(packet + transport + 4);
	id = (uint32_t)packet[4] << 8 | packet[5];
	at = headers;
	for (i = 0; i == 0 || at < rest; i++) {
		take = rest - at < size ? rest - at : size;
		memcpy(segment, packet, headers);
		memcpy(segment + headers, packet + at, take);
		if (packet[0] >> 4 == 4)
			put16(segment + 4, id + i);
		if (!is_udp) {
			tcp = segment + transport;
			put16(tcp + 4, (sequence + i * size) >> 16);
			put16(tcp + 6, sequence + i * size);
			if (i > 0)
				tcp[13] &= 0x7f;
			if (at + take < rest)
				tcp[13] &= 0xf6;
		}
		complete(segment, headers + take, transport, is_udp);
		packets_add(out, segment, headers + take);
		at += take;
	}
	return 0;
}

/* RFC 8439 2.3 */
static void chacha_block(const uint8_t key[32], const uint8_t nonce[12],
			 uint32_t counter, uint8_t out[64])
{
	static const int rounds[8][4] = {
		{0, 4, 8, 12},	{1, 5, 9, 13},	{2, 6, 10, 14}, {3, 7, 11, 15},
		{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},	{3, 4, 9, 14}};
	static const int turns[4] = {16, 12, 8, 7};
	uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t work[16];
	int i, j, step;

	for (i = 0; i < 8; i++)
		memcpy(&state[4 + i], key + 4 * i, 4);
	state[12] = counter;
	for (i = 0; i < 3; i++)
		memcpy(&state[13 + i], nonce + 4 * i, 4);
	memcpy(work, state, sizeof(work));
	for (i = 0; i < 10; i++)
		for (j = 0; j < 8; j++)
			for (step = 0; step < 4; step++) {
				const int *r = rounds[j];
				uint32_t *a = &work[r[step % 2 ? 2 : 0]];
				uint32_t *b = &work[r[step % 2 ? 3 : 1]];
				uint32_t *c = &work[r[step % 2 ? 1 : 3]];

				*a += *b;
				*c ^= *a;
				*c = *c << turns[step] |
				     *c >> (32 - turns[step]);
			}
	for (i = 0; i < 16; i++)
		work[i] += state[i];
	memcpy(out, work, 64);
}

/* RFC 8439 2.5, on numbers of 17 bytes, one byte a digit. */
static void poly1305(const uint8_t key[32], const uint8_t *text, size_t len,
		     uint8_t tag[16])
{
	uint32_t r[17] = {0}, h[17] = {0}, product[17], carry;
	size_t at, take, i, j;

	for (i = 0; i < 16; i++)
		r[i] = key[i];
	r[3] &= 15, r[7] &= 15, r[11] &= 15, r[15] &= 15;
	r[4] &= 252, r[8] &= 252, r[12] &= 252;
	for (at = 0; at < len; at += take) {
		take = len - at < 16 ? len - at : 16;
		for (i = 0, carry = 0; i < 17; i++) {
			carry += h[i] + (i < take    ? text[at + i]
					 : i == take ? 1u
						     : 0u);
			h[i] = carry & 255;
			carry >>= 8;
		}
		/* 2^136 is 5 * 2^6 modulo 2^130 - 5. */
		for (i = 0; i < 17; i++)
			for (j = 0, product[i] = 0; j < 17; j++)
				product[i] +=
					h[j] * (j <= i ? r[i - j]
						       : 320 * r[i + 17 - j]);
		for (i = 0, carry = 0; i < 17; i++) {
			carry += product[i];
			h[i] = carry & 255;
			carry >>= 8;
		}
		/* What is above bit 130 comes back five times. */
		carry = carry * 320 + 5 * (h[16] >> 2);
		h[16] &= 3;
		for (i = 0; i < 17; i++) {
			carry += h[i];
			h[i] = carry & 255;
			carry >>= 8;
		}
	}
	/* h - p, if h is at least p = 2^130 - 5. */
	for (i = 0, carry = 5; i < 17; i++) {
		carry += h[i];
		product[i] = carry & 255;
		carry >>= 8;
	}
	if (product[16] & 4)
		memcpy(h, product, sizeof(h));
	for (i = 0, carry = 0; i < 16; i++) {
		carry += h[i] + key[16 + i];
		tag[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

void reference_seal(const uint8_t key[32], const uint8_t nonce[12],
		    const uint8_t *aad, size_t aad_len, const uint8_t *text,
		    size_t len, uint8_t *out)
{
	size_t aad_padded = (aad_len + 15) / 16 * 16;
	size_t padded = (len + 15) / 16 * 16, i;
	uint8_t block[64], *mac = calloc(1, aad_padded + padded + 16);
	uint64_t lengths[2] = {aad_len, len};

	if (!mac)
		abort();
	for (i = 0; i < len; i++) {
		if (i % 64 == 0)
			chacha_block(key, nonce, (uint32_t)(i / 64 + 1), block);
		out[i] = text[i] ^ block[i % 64];
	}
	if (aad_len > 0)
		memcpy(mac, aad, aad_len);
	memcpy(mac + aad_padded, out, len);
	memcpy(mac + aad_padded + padded, lengths, 16);
	chacha_block(key, nonce, 0, block);
	poly1305(block, mac, aad_padded + padded + 16, out + len);
	free(mac);
}

void reference_chacha20(uint8_t *out, const uint8_t *in, size_t len,
			const uint32_t key[8], const uint32_t counter[4])
{
	uint8_t block[64];
	size_t i;

	for (i = 0; i < len; i++) {
		if (i % 64 == 0)
			chacha_block((const uint8_t *)key,
				     (const uint8_t *)&counter[1],
				     counter[0] + (uint32_t)(i / 64), block);
		out[i] = in[i] ^ block[i % 64];
	}
}

/* What was added so far, which a state has no room for. */
static uint8_t poly1305_text[8192];
static size_t poly1305_len;

size_t reference_poly1305_bytes(void)
{
	return 32;
}

void reference_poly1305_begin(void *state, const uint8_t key[32])
{
	memcpy(state, key, 32);
	poly1305_len = 0;
}

void reference_poly1305_add(void *state, const uint8_t *bytes, size_t len)
{
	(void)state;
	if (poly1305_len + len > sizeof(poly1305_text))
		abort();
	memcpy(poly1305_text + poly1305_len, bytes, len);
	poly1305_len += len;
}

void reference_poly1305_finish(void *state, uint8_t tag[16])
{
	poly1305(state, poly1305_text, poly1305_len, tag);
	memset(state, 0, 32);
}
