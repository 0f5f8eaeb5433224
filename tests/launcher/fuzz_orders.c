/* SPDX-License-Identifier: MIT */
/*
 * fuzz_orders.c - any record on a pin's socket is an order or is nothing
 *
 * The first byte is how many descriptors came along. The entry point is
 * libFuzzer's; run without it, main() mutates the orders for a bounded number of
 * rounds.
 */
#include "orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	enum order_kind kind;
	char *exact;

	if (size == 0)
		return 0;
	/* No byte to spare, so that a sanitizer sees one too many. */
	exact = malloc(size);
	if (!exact)
		return 0;
	memcpy(exact, data + 1, size - 1);
	kind = order_parse(exact, size - 1, data[0]);
	if (kind == ORDER_END && (data[0] != 1 || size != 4))
		abort();
	if (kind == ORDER_CONFIGURE &&
	    ((data[0] != 2 && data[0] != 4) || size != 10))
		abort();
	free(exact);
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(void)
{
	static const char *const words[] = {"hold", "end", "configure", ""};
	unsigned int state = 2463534242U, round;
	unsigned char input[ORDER_MAX_BYTES + 1];
	size_t len;

	for (round = 0; round < 200000; round++) {
		const char *word = words[round % 4];

		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		len = strlen(word);
		input[0] = (unsigned char)(state % 5);
		memcpy(input + 1, word, len);
		len += 1 + (state >> 8) % 3;
		if (state % 3 == 0)
			input[state % len] = (unsigned char)(state >> 16);
		LLVMFuzzerTestOneInput(
			input, len < sizeof(input) ? len : sizeof(input));
	}
	printf("ok - %u records do no harm\n", round);
	return 0;
}
#endif
