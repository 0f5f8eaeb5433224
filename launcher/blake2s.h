/* SPDX-License-Identifier: MIT */
/* blake2s.h - BLAKE2s-256 without a key, RFC 7693 */
#ifndef WG_WRAP_BLAKE2S_H
#define WG_WRAP_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

enum { BLAKE2S_BYTES = 32, BLAKE2S_BLOCK_BYTES = 64 };

/* Names of tunnels and of option sets are half a hash in hex. */
enum { HASH_DIGITS = 32 };

struct blake2s {
	uint32_t state[8];
	uint64_t compressed_bytes;
	unsigned char block[BLAKE2S_BLOCK_BYTES];
	size_t filled;
};

void blake2s_start(struct blake2s *hash);
void blake2s_update(struct blake2s *hash, const void *data, size_t len);
void blake2s_finish(struct blake2s *hash, unsigned char out[BLAKE2S_BYTES]);
void blake2s_finish_hex(struct blake2s *hash, char out[HASH_DIGITS + 1]);

#endif
