/* SPDX-License-Identifier: MIT */
/*
 * test_blake2s.c - the hash against another implementation, and against RFC 7693
 *
 * The expected values are OpenSSL's (`openssl dgst -blake2s256`) for the bytes
 * 0, 1, 2 ... 250, 0, 1 ...; the lengths are those at which blocks end or don't.
 */
#include "blake2s.h"

#include "../setup/test.h"

/* The whole hash in hex, of which the product shows half. */
static void digest(const void *data, size_t len, size_t step, char *hex)
{
	unsigned char out[BLAKE2S_BYTES];
	struct blake2s hash;
	size_t at, take, i;

	blake2s_start(&hash);
	for (at = 0; at < len; at += take) {
		take = len - at < step ? len - at : step;
		blake2s_update(&hash, (const unsigned char *)data + at, take);
	}
	blake2s_finish(&hash, out);
	for (i = 0; i < sizeof(out); i++)
		sprintf(hex + 2 * i, "%02x", (unsigned int)out[i]);
}

/* RFC 7693, appendix B. */
static void test_abc(void)
{
	char hex[2 * BLAKE2S_BYTES + 1];

	digest("abc", 3, 3, hex);
	CHECK_TEXT(hex, "508c5e8c327c14e2e1a72ba34eeb452f"
			"37458b209ed63a294d999b4c86675982");
}

static const struct {
	size_t len;
	const char *hex;
} vectors[] = {
	{0, "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9"},
	{1, "e34d74dbaf4ff4c6abd871cc220451d2ea2648846c7757fbaac82fe51ad64bea"},
	{63,
	 "e57cb79487dd57902432b250733813bd96a84efce59f650fac26e6696aefafc3"},
	{64,
	 "56f34e8b96557e90c1f24b52d0c89d51086acf1b00f634cf1dde9233b8eaaa3e"},
	{65,
	 "1b53ee94aaf34e4b159d48de352c7f0661d0a40edff95a0b1639b4090e974472"},
	{127,
	 "f18417b39d617ab1c18fdf91ebd0fc6d5516bb34cf39364037bce81fa04cecb1"},
	{128,
	 "1fa877de67259d19863a2a34bcc6962a2b25fcbf5cbecd7ede8f1fa36688a796"},
	{129,
	 "5bd169e67c82c2c2e98ef7008bdf261f2ddf30b1c00f9e7f275bb3e8a28dc9a2"},
	{1000,
	 "1c067a5e746fb0f6734efac9a8cdb0e11061f0077f255184365c690115392501"},
};

/* Every vector, given whole and in pieces that don't fit the block. */
static void test_lengths(void)
{
	static const size_t steps[] = {1, 7, 63, 64, 65, 1000};
	char hex[2 * BLAKE2S_BYTES + 1];
	unsigned char data[1000];
	size_t i, j;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i % 251);
	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		for (j = 0; j < sizeof(steps) / sizeof(*steps); j++) {
			digest(data, vectors[i].len, steps[j], hex);
			CHECK_TEXT(hex, vectors[i].hex);
		}
	}
}

static void test_name(void)
{
	static const char path[] = "/home/ada/work.conf";
	char name[HASH_DIGITS + 1];
	struct blake2s hash;

	blake2s_start(&hash);
	blake2s_update(&hash, path, strlen(path));
	blake2s_finish_hex(&hash, name);
	CHECK_TEXT(name, "e4bec518b3ce9d47a855c5180f7d5ac8");
}

int main(void)
{
	TEST("the RFC's example hashes to the RFC's value", test_abc);
	TEST("any length in any pieces hashes as OpenSSL does", test_lengths);
	TEST("a name is the first 32 digits of the hash", test_name);
	return report();
}
