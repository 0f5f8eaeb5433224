/* SPDX-License-Identifier: MIT */
/*
 * fuzz_plan.c - the plan's parser under arbitrary bytes
 *
 * With -fsanitize=fuzzer this is libFuzzer's target. Compiled with
 * -DSTANDALONE it brings a main() of its own, which mutates a valid plan for a
 * number of rounds: fuzz_plan ROUNDS [SEED].
 */
#include "plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the process where an accepted plan breaks a promise of plan.h. */
static void check(const struct plan *plan)
{
	unsigned int i;

	if (!plan->tunnel || !plan->config || !plan->stamp || !plan->node ||
	    !plan->engine || !plan->controller || !plan->interface ||
	    plan->mtu < 576 || plan->mtu > 65535 || plan->address_count < 1 ||
	    plan->address_count > PLAN_MAX_ADDRESSES ||
	    plan->route_count > PLAN_MAX_ROUTES ||
	    plan->nameserver_count > PLAN_MAX_NAMESERVERS ||
	    plan->search_count > PLAN_MAX_SEARCHES ||
	    plan->names.count > HOSTNAMES_MAX ||
	    plan->node_option_count > PLAN_MAX_NODE_OPTIONS)
		abort();
	for (i = 0; i < plan->node_option_count; i++) {
		if (plan->node_options[i][0] != '-')
			abort();
	}
	for (i = 0; i < plan->options.count; i++) {
		if (!*plan->options.list[i].name ||
		    strpbrk(plan->options.list[i].value, "\n\x1b"))
			abort();
	}
	for (i = 0; i < plan->search_count; i++) {
		if (strpbrk(plan->searches[i], "\n ") || !*plan->searches[i])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as many bytes, so that a sanitizer sees one too many. */
	char *text = malloc(size ? size : 1);
	struct plan plan;

	if (!text)
		return 0;
	memcpy(text, data, size);
	if (!plan_parse(text, size, &plan))
		check(&plan);
	plan_release(&plan);
	free(text);
	return 0;
}

#ifdef STANDALONE
static const char seed_plan[] =
	"plan 1\ntunnel work\nconfig /home/ada/work.conf\nstamp 1 2 3 4\n"
	"option mtu 1300\noption ignore-unknown \nnode /usr/bin/node\n"
	"engine /lib/engine.js\ncontroller /lib/c.js\nresolve "
	"vpn.test\nnode-option --a\ninterface wg0\nmtu 1420\n"
	"address 10.2.0.2/32\naddress fd00::2/128\nroute 0.0.0.0/0\n"
	"route ::/0\ndns tunnel\nnameserver 10.2.0.1\nsearch a.example\n"
	"linger 0\n";

enum { INPUT_MAX = 4096 };

/* xorshift, so that a seed gives the same inputs everywhere. */
static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Changes a few bytes, or moves, removes or repeats a stretch of them. */
static size_t mutate(uint8_t *input, size_t len, uint32_t *state)
{
	static const char interesting[] = "\n \0/:.0129-af";
	uint32_t times = 1 + next(state) % 4;
	size_t at, count;

	while (times-- > 0 && len > 1) {
		at = next(state) % len;
		count = 1 + next(state) % 40;
		if (count > len - at)
			count = len - at;
		switch (next(state) % 4) {
		case 0:
			input[at] = (uint8_t)next(state);
			break;
		case 1:
			input[at] = (uint8_t)
				interesting[next(state) % sizeof(interesting)];
			break;
		case 2:
			memmove(input + at, input + at + count,
				len - at - count);
			len -= count;
			break;
		default:
			if (len + count > INPUT_MAX)
				break;
			memmove(input + at + count, input + at, len - at);
			len += count;
		}
	}
	return len;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	uint32_t state = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
	uint8_t input[INPUT_MAX];
	unsigned long i;
	size_t len = 0;

	if (state == 0)
		state = 1;
	for (i = 0; i < rounds; i++) {
		/* Changes add up for a while; then it starts over. */
		if (i % 8 == 0) {
			len = sizeof(seed_plan) - 1;
			memcpy(input, seed_plan, len);
		}
		len = mutate(input, len, &state);
		LLVMFuzzerTestOneInput(input, len);
	}
	return 0;
}
#endif
