/* SPDX-License-Identifier: MIT */
/*
 * blake2s.c - BLAKE2s-256 without a key, RFC 7693
 *
 * It names state directories and sets of options; nothing here is secret, so
 * nothing is wiped. The last block is told apart from the others by a flag, so
 * a full block is compressed only when a byte after it is known to exist.
 */
#include "blake2s.h"

#include <string.h>

/* RFC 7693 2.6 */
static const uint32_t iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* RFC 7693 2.7; BLAKE2s uses all ten rows, one a round. */
static const unsigned char sigma[10][16] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

/**
 * load32() - Read a little-endian word
 * @bytes:	Four bytes
 */
static uint32_t load32(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
	       (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/**
 * rotate() - Rotate a word to the right
 * @word:	Word
 * @bits:	1 to 31
 */
static uint32_t rotate(uint32_t word, unsigned int bits)
{
	return word >> bits | word << (32 - bits);
}

/**
 * mix() - The function G of RFC 7693 3.1
 * @v:		Working vector
 * @a:		Index of the first word
 * @b:		Index of the second
 * @c:		Index of the third
 * @d:		Index of the fourth
 * @pair:	Two words of the message
 */
static void mix(uint32_t v[16], size_t a, size_t b, size_t c, size_t d,
		const uint32_t pair[2])
{
	v[a] += v[b] + pair[0];
	v[d] = rotate(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotate(v[b] ^ v[c], 12);
	v[a] += v[b] + pair[1];
	v[d] = rotate(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = rotate(v[b] ^ v[c], 7);
}

/**
 * compress() - The function F of RFC 7693 3.2, over the filled block
 * @hash:	State; its block is full, or padded with zeros if it is the last
 * @is_last:	Whether no byte follows
 */
static void compress(struct blake2s *hash, int is_last)
{
	uint32_t v[16], m[16];
	unsigned int round;
	size_t i;

	hash->compressed_bytes += hash->filled;
	for (i = 0; i < 8; i++) {
		v[i] = hash->state[i];
		v[i + 8] = iv[i];
	}
	v[12] ^= (uint32_t)hash->compressed_bytes;
	v[13] ^= (uint32_t)(hash->compressed_bytes >> 32);
	if (is_last)
		v[14] = ~v[14];
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 16; i++)
			m[i] = load32(hash->block +
				      sizeof(*m) * sigma[round][i]);
		for (i = 0; i < 4; i++)
			mix(v, i, i + 4, i + 8, i + 12, m + 2 * i);
		for (i = 0; i < 4; i++)
			mix(v, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8,
			    (i + 3) % 4 + 12, m + 8 + 2 * i);
	}
	for (i = 0; i < 8; i++)
		hash->state[i] ^= v[i] ^ v[i + 8];
	hash->filled = 0;
}

/**
 * blake2s_start() - Begin a hash of 32 bytes without a key
 * @hash:	State to initialise
 */
void blake2s_start(struct blake2s *hash)
{
	memset(hash, 0, sizeof(*hash));
	memcpy(hash->state, iv, sizeof(iv));
	/* The parameter block: digest length, no key, fanout 1, depth 1. */
	hash->state[0] ^= 0x01010000 ^ BLAKE2S_BYTES;
}

/**
 * blake2s_update() - Append bytes
 * @hash:	State
 * @data:	Bytes
 * @len:	Number of bytes
 */
void blake2s_update(struct blake2s *hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	size_t take;

	while (len > 0) {
		if (hash->filled == BLAKE2S_BLOCK_BYTES)
			compress(hash, 0);
		take = BLAKE2S_BLOCK_BYTES - hash->filled;
		if (take > len)
			take = len;
		memcpy(hash->block + hash->filled, bytes, take);
		hash->filled += take;
		bytes += take;
		len -= take;
	}
}

/**
 * blake2s_finish() - Compute the hash; the state is used up
 * @hash:	State
 * @out:	Gets the hash
 */
void blake2s_finish(struct blake2s *hash, unsigned char out[BLAKE2S_BYTES])
{
	unsigned int i;

	memset(hash->block + hash->filled, 0,
	       BLAKE2S_BLOCK_BYTES - hash->filled);
	compress(hash, 1);
	for (i = 0; i < BLAKE2S_BYTES; i++)
		out[i] = (unsigned char)(hash->state[i / 4] >> 8 * (i % 4));
}

/**
 * blake2s_finish_hex() - Compute the first half of the hash as text
 * @hash:	State, used up
 * @out:	Gets HASH_DIGITS lower-case digits and a NUL
 */
void blake2s_finish_hex(struct blake2s *hash, char out[HASH_DIGITS + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[BLAKE2S_BYTES];
	size_t i;

	blake2s_finish(hash, bytes);
	for (i = 0; i < HASH_DIGITS / 2; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[HASH_DIGITS] = '\0';
}
