/* SPDX-License-Identifier: MIT */
/* aead.h - ChaCha20-Poly1305 in place, from the OpenSSL inside Node */
#ifndef WG_WRAP_PUMP_AEAD_H
#define WG_WRAP_PUMP_AEAD_H

#include "halves.h"
#include "pump.h"

#include <stdbool.h>
#include <stdint.h>

/* OpenSSL's functions, as far as they are called. */
struct evp {
	void *(*new_context)(void);
	void (*free_context)(void *context);
	const void *(*cipher)(void);
	int (*init)(void *context, const void *cipher, void *engine,
		    const uint8_t *key, const uint8_t *nonce, int seals);
	int (*update)(void *context, uint8_t *out, int *out_len,
		      const uint8_t *in, int in_len);
	int (*finish)(void *context, uint8_t *out, int *out_len);
	int (*control)(void *context, int request, int number, void *data);
	/* Faster, and used instead where they are there and agree. */
	struct halves halves;
	bool uses_halves;
};

/* One direction of one keypair. Only one thread may use it. */
struct aead {
	const struct evp *evp;
	/* With halves the context is NULL, and without them the key is zeros. */
	void *context;
	uint32_t key[HALVES_KEY_WORDS];
};

int evp_find(struct evp *evp);
bool evp_agrees(const struct evp *evp);
int aead_init(struct aead *aead, const struct evp *evp,
	      const uint8_t key[PUMP_KEY_BYTES], bool seals);
void aead_wipe(struct aead *aead);
bool aead_seal(struct aead *aead, uint64_t counter, uint8_t *bytes,
	       uint32_t len);
bool aead_open(struct aead *aead, uint64_t counter, uint8_t *bytes,
	       uint32_t len);

#endif
