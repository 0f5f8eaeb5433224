/* SPDX-License-Identifier: MIT */
/* route.h - where a packet of the TUN goes */
#ifndef WG_WRAP_PUMP_ROUTE_H
#define WG_WRAP_PUMP_ROUTE_H

#include "state.h"

#include <stdbool.h>
#include <stdint.h>

/* Keypair and endpoint hold while the epoch isn't left. */
struct route {
	struct keypair *keypair;
	uint32_t peer;
	struct pump_endpoint to;
	uint32_t version;
};

bool route_to_peer(struct pump *pump, uint64_t now, uint32_t number,
		   struct route *route);
bool route_packet(struct pump *pump, uint64_t now, const uint8_t *packet,
		  uint32_t version, struct route *route);

#endif
