/* SPDX-License-Identifier: MIT */
/*
 * aead.c - ChaCha20-Poly1305 in place, from the OpenSSL inside Node
 *
 * Node's executable exports its OpenSSL, so there is no library to link with or
 * to keep patched beside it: the functions are looked up by name in the running
 * program. A program without them has no pump.
 *
 * A context keeps the key; for each packet only the nonce is set again: four
 * zero bytes and the counter (WP 5.4.6). That is what makes a small packet
 * cheap. There is no additional data.
 */
#include "aead.h"

#include "wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

enum {
	NONCE_BYTES = 12,
	/* EVP_CTRL_AEAD_GET_TAG and _SET_TAG of openssl/evp.h. */
	GET_TAG = 0x10,
	SET_TAG = 0x11,
};

/**
 * find() - Look a function up in the running program
 * @name:	Its name
 * @function:	Gets it: a pointer to a function pointer
 */
static bool find(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);

	/* POSIX has it that the two kinds of pointer have one form. */
	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

/**
 * evp_find() - Find OpenSSL in the running program
 * @evp:	Gets the functions
 * Returns 0 or -ENOSYS.
 */
int evp_find(struct evp *evp)
{
	bool is_there = find("EVP_CIPHER_CTX_new", &evp->new_context) &&
			find("EVP_CIPHER_CTX_free", &evp->free_context) &&
			find("EVP_chacha20_poly1305", &evp->cipher) &&
			find("EVP_CipherInit_ex", &evp->init) &&
			find("EVP_CipherUpdate", &evp->update) &&
			find("EVP_CipherFinal_ex", &evp->finish) &&
			find("EVP_CIPHER_CTX_ctrl", &evp->control);

	return is_there ? 0 : -ENOSYS;
}

/**
 * aead_init() - Make a context for one direction
 * @aead:	Context
 * @evp:	OpenSSL
 * @key:	Copied into OpenSSL's memory
 * @seals:	Whether it seals or opens
 * Returns 0, or -ENOMEM, or -ENOSYS where policy forbids the cipher.
 */
int aead_init(struct aead *aead, const struct evp *evp,
	      const uint8_t key[PUMP_KEY_BYTES], bool seals)
{
	static const uint8_t nonce[NONCE_BYTES];

	aead->evp = evp;
	aead->context = evp->new_context();
	if (!aead->context)
		return -ENOMEM;
	if (evp->init(aead->context, evp->cipher(), NULL, key, nonce,
		      seals ? 1 : 0) == 1)
		return 0;
	aead_wipe(aead);
	return -ENOSYS;
}

/**
 * aead_wipe() - Free a context; OpenSSL zeroes the key
 * @aead:	Context
 */
void aead_wipe(struct aead *aead)
{
	if (aead->context)
		aead->evp->free_context(aead->context);
	aead->context = NULL;
}

/**
 * set_nonce() - Begin a packet
 * @aead:	Context
 * @counter:	Of the packet
 */
static bool set_nonce(struct aead *aead, uint64_t counter)
{
	uint8_t nonce[NONCE_BYTES] = {0};

	store64_le(nonce + 4, counter);
	return aead->evp->init(aead->context, NULL, NULL, NULL, nonce, -1) == 1;
}

/**
 * transform() - Encrypt or decrypt in place
 * @aead:	Context, with its nonce set
 * @bytes:	Text
 * @len:	Its length; may be 0
 */
static bool transform(struct aead *aead, uint8_t *bytes, uint32_t len)
{
	int done = 0;

	if (len > 0 && aead->evp->update(aead->context, bytes, &done, bytes,
					 (int)len) != 1)
		return false;
	return aead->evp->finish(aead->context, bytes + len, &done) == 1;
}

/**
 * aead_seal() - Encrypt in place, and put the tag behind
 * @aead:	Context that seals
 * @counter:	Never used before with this key
 * @bytes:	Plaintext, and room for TAG_BYTES
 * @len:	Length of the plaintext
 */
bool aead_seal(struct aead *aead, uint64_t counter, uint8_t *bytes,
	       uint32_t len)
{
	return set_nonce(aead, counter) && transform(aead, bytes, len) &&
	       aead->evp->control(aead->context, GET_TAG, TAG_BYTES,
				  bytes + len) == 1;
}

/**
 * aead_open() - Check the tag, and decrypt in place
 * @aead:	Context that opens
 * @counter:	Of the datagram
 * @bytes:	Ciphertext and tag; rubbish if this fails
 * @len:	Their length, at least TAG_BYTES
 * Returns false if they aren't authentic.
 */
bool aead_open(struct aead *aead, uint64_t counter, uint8_t *bytes,
	       uint32_t len)
{
	uint32_t text = len - TAG_BYTES;

	return set_nonce(aead, counter) &&
	       aead->evp->control(aead->context, SET_TAG, TAG_BYTES,
				  bytes + text) == 1 &&
	       transform(aead, bytes, text);
}
