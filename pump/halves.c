/* SPDX-License-Identifier: MIT */
/*
 * halves.c - ChaCha20-Poly1305 from OpenSSL's ChaCha20 and its Poly1305
 *
 * Through EVP a third of a packet's time goes to parameters that are looked up
 * by name, and to a call for the one block of key stream that is Poly1305's
 * key. Here that block and the packet are one call, by way of a buffer that has
 * 64 zeros before the packet (RFC 8439 2.8: the key is block 0, and the text
 * begins with block 1).
 *
 * OpenSSL's headers don't name these functions, and not every program exports
 * them. So aead.c takes them only where they give what EVP gives.
 *
 * What a packet leaves on the stack is wiped, as OpenSSL does in its contexts:
 * its key of Poly1305, and the text where that was deciphered.
 */
#include "halves.h"

#include "wire.h"

#include <dlfcn.h>

enum {
	BLOCK_BYTES = 64,
	/* Longer packets are copied to nowhere, and cost a second call. */
	SHORT_BYTES = 2048,
	/* OpenSSL's state has 248 bytes. */
	STATE_BYTES = 512,
	PADDING = 16,
	KNOWN_MAJOR = 3,
};

/* Key stream block 0, and room for a packet behind it. */
struct stream {
	_Alignas(64) uint8_t block[BLOCK_BYTES];
	uint8_t text[SHORT_BYTES];
};

/**
 * halves_find_function() - Look a function up in the running program
 * @name:	Its name
 * @function:	Gets it: a pointer to a function pointer
 */
bool halves_find_function(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);

	/* POSIX has it that the two kinds of pointer have one form. */
	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

/**
 * halves_find() - Find both halves in the running program
 * @halves:	Gets the functions
 * Returns false if one is missing, or larger than it was ever known to be, or if
 * this is not the OpenSSL whose functions they are known from: another one may
 * give the names to others, and calling them would be the end.
 */
bool halves_find(struct halves *halves)
{
	unsigned long (*version)(void);

	return halves_find_function("OpenSSL_version_num", &version) &&
	       version() >> 28 == KNOWN_MAJOR &&
	       halves_find_function("ChaCha20_ctr32", &halves->chacha20) &&
	       halves_find_function("Poly1305_ctx_size",
				    &halves->state_bytes) &&
	       halves_find_function("Poly1305_Init", &halves->begin) &&
	       halves_find_function("Poly1305_Update", &halves->add) &&
	       halves_find_function("Poly1305_Final", &halves->finish) &&
	       halves->state_bytes() <= STATE_BYTES;
}

/**
 * authenticate() - Compute a tag
 * @halves:	Functions
 * @key:	Poly1305's, of this packet
 * @bytes:	Ciphertext
 * @len:	Its length
 * @tag:	Gets it
 */
static void authenticate(const struct halves *halves, const uint8_t *key,
			 const uint8_t *bytes, uint32_t len, uint8_t *tag)
{
	static const uint8_t zeros[PADDING];
	_Alignas(64) uint8_t state[STATE_BYTES];
	uint8_t lengths[16];

	halves->begin(state, key);
	if (len > 0)
		halves->add(state, bytes, len);
	if (len % PADDING != 0)
		halves->add(state, zeros, PADDING - len % PADDING);
	/* Of the additional data, which there is none of, and of the text. */
	store64_le(lengths, 0);
	store64_le(lengths + 8, len);
	halves->add(state, lengths, sizeof(lengths));
	halves->finish(state, tag);
	/* OpenSSL's does so itself, but promises it to nobody. */
	explicit_bzero(state, sizeof(state));
}

/**
 * begin() - Compute block 0, and cipher a packet that is short
 * @halves:	Functions
 * @key:	Key
 * @counter:	Of the packet
 * @bytes:	Text
 * @len:	Its length
 * @stream:	Gets them
 * Returns whether the packet was short.
 */
static bool begin(const struct halves *halves, const uint32_t *key,
		  uint64_t counter, const uint8_t *bytes, uint32_t len,
		  struct stream *stream)
{
	/* Block 0; four bytes of zeros, and the counter (WP 5.4.6). */
	const uint32_t words[] = {0, 0, (uint32_t)counter,
				  (uint32_t)(counter >> 32)};
	bool is_short = len <= SHORT_BYTES;

	memset(stream->block, 0, sizeof(stream->block));
	if (is_short)
		memcpy(stream->text, bytes, len);
	halves->chacha20(stream->block, stream->block,
			 BLOCK_BYTES + (is_short ? len : 0), key, words);
	return is_short;
}

/**
 * finish() - Give the ciphered packet
 * @halves:	Functions
 * @key:	Key
 * @counter:	Of the packet
 * @bytes:	Text, which is ciphered
 * @len:	Its length
 * @stream:	As begin() made it
 * @is_short:	What begin() returned
 */
static void finish(const struct halves *halves, const uint32_t *key,
		   uint64_t counter, uint8_t *bytes, uint32_t len,
		   const struct stream *stream, bool is_short)
{
	const uint32_t words[] = {1, 0, (uint32_t)counter,
				  (uint32_t)(counter >> 32)};

	if (is_short)
		memcpy(bytes, stream->text, len);
	else
		halves->chacha20(bytes, bytes, len, key, words);
}

/**
 * differ() - Compare two tags in a time that tells nothing about them
 * @a:		One
 * @b:		The other
 */
static bool differ(const uint8_t *a, const uint8_t *b)
{
	volatile uint8_t difference = 0;
	int i;

	for (i = 0; i < TAG_BYTES; i++)
		difference |= a[i] ^ b[i];
	return difference != 0;
}

/**
 * halves_seal() - Encrypt in place, and put the tag behind
 * @halves:	Functions
 * @key:	Key
 * @counter:	Never used before with this key
 * @bytes:	Plaintext, and room for TAG_BYTES
 * @len:	Length of the plaintext
 */
void halves_seal(const struct halves *halves,
		 const uint32_t key[HALVES_KEY_WORDS], uint64_t counter,
		 uint8_t *bytes, uint32_t len)
{
	struct stream stream;
	bool is_short = begin(halves, key, counter, bytes, len, &stream);

	finish(halves, key, counter, bytes, len, &stream, is_short);
	authenticate(halves, stream.block, bytes, len, bytes + len);
	explicit_bzero(stream.block, sizeof(stream.block));
}

/**
 * halves_open() - Check the tag, and decrypt in place
 * @halves:	Functions
 * @key:	Key
 * @counter:	Of the packet
 * @bytes:	Ciphertext and tag; as they were if this fails
 * @len:	Their length, at least TAG_BYTES
 * Returns false if they aren't authentic.
 */
bool halves_open(const struct halves *halves,
		 const uint32_t key[HALVES_KEY_WORDS], uint64_t counter,
		 uint8_t *bytes, uint32_t len)
{
	uint32_t text = len - TAG_BYTES;
	uint8_t tag[TAG_BYTES];
	struct stream stream;
	bool is_short = begin(halves, key, counter, bytes, text, &stream);
	bool is_authentic;

	authenticate(halves, stream.block, bytes, text, tag);
	is_authentic = !differ(tag, bytes + text);
	if (is_authentic)
		finish(halves, key, counter, bytes, text, &stream, is_short);
	explicit_bzero(stream.block, sizeof(stream.block));
	if (is_short)
		explicit_bzero(stream.text, text);
	return is_authentic;
}
