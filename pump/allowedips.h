/* SPDX-License-Identifier: MIT */
/* allowedips.h - cryptokey routing: which peer owns an address */
#ifndef WG_WRAP_PUMP_ALLOWEDIPS_H
#define WG_WRAP_PUMP_ALLOWEDIPS_H

#include "pump.h"

#include <stdint.h>

/* An address of either family; IPv4 is in the upper bits. */
struct ip_key {
	uint64_t high, low;
};

/* A prefix; its children are longer ones that begin with it. */
struct ip_node {
	struct ip_key key;
	/* Of nodes[], or -1; told apart by the first bit behind the prefix. */
	int32_t children[2];
	/* PUMP_NO_PEER for a node that only branches. */
	uint32_t peer;
	uint32_t length;
};

/* Never changed once it is built; exchanged as a whole. */
struct allowedips {
	int32_t root4, root6;
	int32_t used;
	struct ip_node nodes[];
};

struct allowedips *allowedips_build(const struct pump_prefix *prefixes,
				    uint32_t count);
uint32_t allowedips_lookup(const struct allowedips *table,
			   const uint8_t *address, uint32_t family);

#endif
