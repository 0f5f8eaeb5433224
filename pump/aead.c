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
 *
 * Where the program exports the functions that its AEAD consists of, and they
 * give the same bytes as EVP does, they are used instead: halves.c says why.
 */
#include "aead.h"

#include "wire.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
	NONCE_BYTES = 12,
	/* EVP_CTRL_AEAD_GET_TAG and _SET_TAG of openssl/evp.h. */
	GET_TAG = 0x10,
	SET_TAG = 0x11,
	/* Of the longest packet that is compared. */
	COMPARED_BYTES = 4000,
};

/**
 * evp_find() - Find OpenSSL in the running program
 * @evp:	Gets the functions
 * Returns 0 or -ENOSYS.
 */
int evp_find(struct evp *evp)
{
	bool is_there;

	memset(evp, 0, sizeof(*evp));
	is_there =
		halves_find_function("EVP_CIPHER_CTX_new", &evp->new_context) &&
		halves_find_function("EVP_CIPHER_CTX_free",
				     &evp->free_context) &&
		halves_find_function("EVP_chacha20_poly1305", &evp->cipher) &&
		halves_find_function("EVP_CipherInit_ex", &evp->init) &&
		halves_find_function("EVP_CipherUpdate", &evp->update) &&
		halves_find_function("EVP_CipherFinal_ex", &evp->finish) &&
		halves_find_function("EVP_CIPHER_CTX_ctrl", &evp->control);

	if (!is_there)
		return -ENOSYS;
	evp->uses_halves = halves_find(&evp->halves) && evp_agrees(evp);
	return 0;
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
 * seal_with_evp() - Encrypt in place by EVP
 * @aead:	Context that seals
 * @counter:	Never used before with this key
 * @bytes:	Plaintext, and room for TAG_BYTES
 * @len:	Length of the plaintext
 */
static bool seal_with_evp(struct aead *aead, uint64_t counter, uint8_t *bytes,
			  uint32_t len)
{
	return set_nonce(aead, counter) && transform(aead, bytes, len) &&
	       aead->evp->control(aead->context, GET_TAG, TAG_BYTES,
				  bytes + len) == 1;
}

/**
 * agree_on() - Compare the halves with EVP on one packet
 * @aead:	EVP's context that seals
 * @halves:	The same key
 * @counter:	Counter
 * @len:	Length of the packet
 */
static bool agree_on(struct aead *aead, const struct aead *halves,
		     uint64_t counter, uint32_t len)
{
	uint8_t expected[COMPARED_BYTES + TAG_BYTES];
	uint8_t actual[COMPARED_BYTES + TAG_BYTES];
	uint8_t forged[COMPARED_BYTES + TAG_BYTES];
	uint8_t text[COMPARED_BYTES];
	const struct halves *functions = &aead->evp->halves;
	uint32_t i;

	for (i = 0; i < len; i++)
		expected[i] = (uint8_t)(i * 7 + len);
	memcpy(actual, expected, len);
	memcpy(text, expected, len);
	halves_seal(functions, halves->key, counter, actual, len);
	memcpy(forged, actual, len + TAG_BYTES);
	forged[len] ^= 1;
	return seal_with_evp(aead, counter, expected, len) &&
	       memcmp(actual, expected, len + TAG_BYTES) == 0 &&
	       !halves_open(functions, halves->key, counter, forged,
			    len + TAG_BYTES) &&
	       halves_open(functions, halves->key, counter, actual,
			   len + TAG_BYTES) &&
	       memcmp(actual, text, len) == 0;
}

/**
 * evp_agrees() - Whether the halves give what EVP gives
 * @evp:	OpenSSL, with halves
 * A packet of each kind of length: less than a block, whole, more, and so long
 * that it is ciphered in place.
 */
bool evp_agrees(const struct evp *evp)
{
	static const uint32_t lengths[] = {0,	 1,    15,   16,   64,
					   100,	 176,  496,  1024, 1420,
					   1440, 2048, 2049, 3000, 4000};
	struct evp plain = *evp, fast = *evp;
	uint8_t key[PUMP_KEY_BYTES];
	struct aead aead, halves;
	bool agrees = true;
	size_t i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 11 + 3);
	plain.uses_halves = false;
	fast.uses_halves = true;
	if (aead_init(&aead, &plain, key, true) != 0)
		return false;
	aead_init(&halves, &fast, key, true);
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		agrees = agrees &&
			 agree_on(&aead, &halves, 0x0123456789abcdefULL * i,
				  lengths[i]);
	aead_wipe(&aead);
	return agrees;
}

/**
 * aead_init() - Make a context for one direction
 * @aead:	Context
 * @evp:	OpenSSL
 * @key:	Copied, into OpenSSL's memory if that keeps it
 * @seals:	Whether it seals or opens
 * Returns 0, or -ENOMEM, or -ENOSYS where policy forbids the cipher.
 */
int aead_init(struct aead *aead, const struct evp *evp,
	      const uint8_t key[PUMP_KEY_BYTES], bool seals)
{
	static const uint8_t nonce[NONCE_BYTES];
	int i;

	memset(aead, 0, sizeof(*aead));
	aead->evp = evp;
	if (evp->uses_halves) {
		for (i = 0; i < HALVES_KEY_WORDS; i++)
			aead->key[i] = load32_le(key + (ptrdiff_t)i * 4);
		return 0;
	}
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
 * aead_wipe() - Zero the key, and free a context, whose key OpenSSL zeroes
 * @aead:	Context
 */
void aead_wipe(struct aead *aead)
{
	if (aead->context)
		aead->evp->free_context(aead->context);
	aead->context = NULL;
	explicit_bzero(aead->key, sizeof(aead->key));
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
	if (!aead->evp->uses_halves)
		return seal_with_evp(aead, counter, bytes, len);
	halves_seal(&aead->evp->halves, aead->key, counter, bytes, len);
	return true;
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

	if (aead->evp->uses_halves)
		return halves_open(&aead->evp->halves, aead->key, counter,
				   bytes, len);
	return set_nonce(aead, counter) &&
	       aead->evp->control(aead->context, SET_TAG, TAG_BYTES,
				  bytes + text) == 1 &&
	       transform(aead, bytes, text);
}
