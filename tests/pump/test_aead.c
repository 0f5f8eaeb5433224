/* SPDX-License-Identifier: MIT */
/*
 * test_aead.c - OpenSSL's AEAD against RFC 8439, by way of a slow reference
 *
 * WireGuard's nonces begin with four zeros and there is no additional data, so
 * the RFC's example can't be fed to the pump itself. The reference takes it,
 * and then has to agree with the pump at every length.
 *
 * The system's library exports no halves, as Node does, so that these tests put
 * slow ones in their place: whether OpenSSL's own are right is found out at
 * each start, and by tests/differential.
 */
#include "aead.h"
#include "reference.h"

#include "../setup/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

enum { LEN_MAX = 2200, TAG = 16 };

/* As the system has it, and with slow halves. */
static struct evp plain, halved;
/* The one that is tested. */
static const struct evp *evp = &plain;

static const struct halves slow = {
	.chacha20 = reference_chacha20,
	.state_bytes = reference_poly1305_bytes,
	.begin = reference_poly1305_begin,
	.add = reference_poly1305_add,
	.finish = reference_poly1305_finish,
};

/* RFC 8439 2.8.2 */
static void test_reference(void)
{
	static const char text[] =
		"Ladies and Gentlemen of the class of '99: If I could offer "
		"you only one tip for the future, sunscreen would be it.";
	static const uint8_t aad[] = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1,
				      0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
	static const uint8_t nonce[] = {7,    0,    0,	  0,	0x40, 0x41,
					0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
	static const uint8_t begin[] = {0xd3, 0x1a, 0x8d, 0x34,
					0x64, 0x8e, 0x60, 0xdb};
	static const uint8_t tag[] = {0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09,
				      0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb,
				      0xd0, 0x60, 0x06, 0x91};
	uint8_t key[32], out[sizeof(text) - 1 + TAG];
	size_t i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	reference_seal(key, nonce, aad, sizeof(aad), (const uint8_t *)text,
		       sizeof(text) - 1, out);
	CHECK(memcmp(out, begin, sizeof(begin)) == 0);
	CHECK(memcmp(out + sizeof(text) - 1, tag, TAG) == 0);
}

static void test_lengths(void)
{
	static const uint64_t counters[] = {0, 1, 0x123456789abcdef0ULL};
	uint8_t key[32], nonce[12] = {0}, text[LEN_MAX];
	uint8_t expected[LEN_MAX + TAG], actual[LEN_MAX + TAG];
	struct aead seal, open;
	uint32_t len, i, wrong = 0;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 7 + 1);
	for (i = 0; i < LEN_MAX; i++)
		text[i] = (uint8_t)(i * 31 + 5);
	CHECK(aead_init(&seal, evp, key, true) == 0);
	CHECK(aead_init(&open, evp, key, false) == 0);
	for (len = 0; len <= LEN_MAX; len++) {
		memcpy(nonce + 4, &counters[len % 3], 8);
		reference_seal(key, nonce, NULL, 0, text, len, expected);
		memcpy(actual, text, len);
		wrong += !aead_seal(&seal, counters[len % 3], actual, len);
		wrong += memcmp(actual, expected, len + TAG) != 0;
		wrong +=
			!aead_open(&open, counters[len % 3], actual, len + TAG);
		wrong += memcmp(actual, text, len) != 0;
	}
	CHECK(wrong == 0);
	aead_wipe(&seal);
	aead_wipe(&open);
}

static void test_forged(void)
{
	uint8_t key[32] = {1}, sealed[64 + TAG], copy[64 + TAG];
	struct aead seal, open;
	uint32_t i, accepted = 0;

	memset(sealed, 5, sizeof(sealed));
	CHECK(aead_init(&seal, evp, key, true) == 0);
	CHECK(aead_init(&open, evp, key, false) == 0);
	CHECK(aead_seal(&seal, 9, sealed, 64));
	for (i = 0; i < sizeof(sealed) * 8; i++) {
		memcpy(copy, sealed, sizeof(copy));
		copy[i / 8] ^= (uint8_t)(1 << i % 8);
		accepted += aead_open(&open, 9, copy, sizeof(copy));
	}
	memcpy(copy, sealed, sizeof(copy));
	accepted += aead_open(&open, 10, copy, sizeof(copy));
	memcpy(copy, sealed, sizeof(copy));
	accepted += aead_open(&open, 9, copy, sizeof(copy) - 1);
	CHECK(accepted == 0);
	memcpy(copy, sealed, sizeof(copy));
	CHECK(aead_open(&open, 9, copy, sizeof(copy)));
	aead_wipe(&seal);
	aead_wipe(&open);
}

/* Wrong in the second block only. */
static void wrong_chacha20(uint8_t *out, const uint8_t *in, size_t len,
			   const uint32_t key[8], const uint32_t counter[4])
{
	reference_chacha20(out, in, len, key, counter);
	if (len > 64)
		out[64] ^= 1;
}

/* Forgets the upper half of the counter. */
static void short_chacha20(uint8_t *out, const uint8_t *in, size_t len,
			   const uint32_t key[8], const uint32_t counter[4])
{
	const uint32_t cut[] = {counter[0], counter[1], counter[2], 0};

	reference_chacha20(out, in, len, key, cut);
}

static void wrong_finish(void *state, uint8_t tag[16])
{
	reference_poly1305_finish(state, tag);
	tag[15] ^= 0x80;
}

static void test_agreement(void)
{
	struct evp other = plain;

	other.halves = slow;
	CHECK(evp_agrees(&other));
	other.halves.chacha20 = wrong_chacha20;
	CHECK(!evp_agrees(&other));
	other.halves.chacha20 = short_chacha20;
	CHECK(!evp_agrees(&other));
	other.halves = slow;
	other.halves.finish = wrong_finish;
	CHECK(!evp_agrees(&other));
}

/* Who forges packets gets nothing deciphered, not even by mistake. */
static void test_untouched(void)
{
	uint8_t key[32] = {1}, sealed[64 + TAG], copy[64 + TAG];
	struct aead seal, open;

	memset(sealed, 5, sizeof(sealed));
	CHECK(aead_init(&seal, &halved, key, true) == 0);
	CHECK(aead_init(&open, &halved, key, false) == 0);
	CHECK(aead_seal(&seal, 9, sealed, 64));
	sealed[70] ^= 1;
	memcpy(copy, sealed, sizeof(copy));
	CHECK(!aead_open(&open, 9, copy, sizeof(copy)));
	CHECK(memcmp(copy, sealed, sizeof(copy)) == 0);
	aead_wipe(&seal);
	aead_wipe(&open);
}

/* The key is all that a context of halves has. */
static void test_wiped(void)
{
	static const uint32_t zeros[HALVES_KEY_WORDS];
	uint8_t key[32];
	struct aead aead;

	memset(key, 7, sizeof(key));
	CHECK(aead_init(&aead, &halved, key, true) == 0);
	CHECK(memcmp(aead.key, zeros, sizeof(zeros)) != 0);
	aead_wipe(&aead);
	CHECK(memcmp(aead.key, zeros, sizeof(zeros)) == 0);
}

/* A packet, and the key of Poly1305 that belongs to its counter. */
enum { LEFT_LEN = 1000, LEFT_COUNTER = 3, STACK_BYTES = 1 << 18 };

static void *seal_and_open(void *text)
{
	uint8_t key[32] = {9};
	struct aead seal, open;

	CHECK(aead_init(&seal, &halved, key, true) == 0);
	CHECK(aead_init(&open, &halved, key, false) == 0);
	CHECK(aead_seal(&seal, LEFT_COUNTER, text, LEFT_LEN));
	CHECK(aead_open(&open, LEFT_COUNTER, text, LEFT_LEN + TAG));
	aead_wipe(&seal);
	aead_wipe(&open);
	return NULL;
}

static int finish_calls;

/* As a library that leaves everything as it is. */
static void leaving_finish(void *state, uint8_t tag[TAG])
{
	uint8_t copy[64];

	memcpy(copy, state, reference_poly1305_bytes());
	reference_poly1305_finish(copy, tag);
	finish_calls++;
}

/* The stack of a thread is memory that can be looked at afterwards. */
static void test_left(void)
{
	static const uint32_t key[8] = {9}, words[4] = {0, 0, LEFT_COUNTER};
	static uint8_t text[LEFT_LEN + TAG], zeros[32], one_time[32];
	uint8_t *stack = aligned_alloc(4096, STACK_BYTES);
	pthread_attr_t attributes;
	pthread_t thread;
	uint32_t i;

	for (i = 0; i < LEFT_LEN; i++)
		text[i] = (uint8_t)(i * 31 + i / 100);
	reference_chacha20(one_time, zeros, sizeof(zeros), key, words);
	memset(stack, 0, STACK_BYTES);
	halved.halves.finish = leaving_finish;
	pthread_attr_init(&attributes);
	CHECK(pthread_attr_setstack(&attributes, stack, STACK_BYTES) == 0);
	CHECK(pthread_create(&thread, &attributes, seal_and_open, text) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	pthread_attr_destroy(&attributes);
	CHECK(finish_calls == 2);
	for (i = 0; i + 16 <= LEFT_LEN; i += 100)
		CHECK(!memmem(stack, STACK_BYTES, text + i, 16));
	CHECK(!memmem(stack, STACK_BYTES, one_time, 16));
	halved.halves.finish = slow.finish;
	free(stack);
}

static void find_nothing(const void *unused)
{
	struct evp none;

	(void)unused;
	_exit(evp_find(&none) < 0 ? 7 : 0);
}

static void open_nothing(const void *unused)
{
	struct pump_config config = {
		.bytes = sizeof(config), .mtu = 1420, .peers_max = 1};
	uint64_t *activity = calloc(1, 8192);
	int32_t failure = 0;

	(void)unused;
	_exit(!pump_open(&config, activity, 8192, &failure) && failure == ENOSYS
		      ? 7
		      : 0);
}

/* Before OpenSSL is loaded there is none. */
static void test_missing(void)
{
	char output[16];

	CHECK(run_apart(find_nothing, NULL, output, sizeof(output)) == 7);
	CHECK(run_apart(open_nothing, NULL, output, sizeof(output)) == 7);
}

int main(void)
{
	TEST("a program without OpenSSL is told so", test_missing);
	if (!dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL) ||
	    evp_find(&plain) != 0)
		return EXIT_FAILURE;
	plain.uses_halves = false;
	halved = plain;
	halved.halves = slow;
	halved.uses_halves = true;
	TEST("the reference computes the RFC's example", test_reference);
	TEST("every length is sealed as the reference does, and opened",
	     test_lengths);
	TEST("no changed bit, counter or length is opened", test_forged);
	TEST("halves are used only where they give what EVP gives",
	     test_agreement);
	evp = &halved;
	TEST("by halves, every length is sealed as the reference does, and "
	     "opened",
	     test_lengths);
	TEST("by halves, no changed bit, counter or length is opened",
	     test_forged);
	TEST("by halves, what isn't authentic stays as it came",
	     test_untouched);
	TEST("by halves, no key is left when a context is wiped", test_wiped);
	TEST("by halves, no packet leaves its text or its key on the stack",
	     test_left);
	return report();
}
