/* SPDX-License-Identifier: MIT */
/* halves.h - ChaCha20-Poly1305 from OpenSSL's ChaCha20 and its Poly1305 */
#ifndef WG_WRAP_PUMP_HALVES_H
#define WG_WRAP_PUMP_HALVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HALVES_KEY_WORDS = 8 };

/* OpenSSL's functions, as its own AEAD calls them. */
struct halves {
	/* Block counter and nonce, in words; in and out may be the same. */
	void (*chacha20)(uint8_t *out, const uint8_t *in, size_t len,
			 const uint32_t key[8], const uint32_t counter[4]);
	size_t (*state_bytes)(void);
	void (*begin)(void *state, const uint8_t key[32]);
	void (*add)(void *state, const uint8_t *bytes, size_t len);
	void (*finish)(void *state, uint8_t tag[16]);
};

bool halves_find_function(const char *name, void *function);
bool halves_find(struct halves *halves);
void halves_seal(const struct halves *halves,
		 const uint32_t key[HALVES_KEY_WORDS], uint64_t counter,
		 uint8_t *bytes, uint32_t len);
bool halves_open(const struct halves *halves,
		 const uint32_t key[HALVES_KEY_WORDS], uint64_t counter,
		 uint8_t *bytes, uint32_t len);

#endif
