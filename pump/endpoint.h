/* SPDX-License-Identifier: MIT */
/* endpoint.h - where peers are: cells that threads share, socket addresses */
#ifndef WG_WRAP_PUMP_ENDPOINT_H
#define WG_WRAP_PUMP_ENDPOINT_H

#include "pump.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ENDPOINT_WORDS = sizeof(struct pump_endpoint) / sizeof(uint64_t) };

/* An endpoint that is read without a lock. Writers need one of their own. */
struct endpoint_cell {
	/* Odd while it is being written. */
	_Atomic uint32_t version;
	_Atomic uint64_t words[ENDPOINT_WORDS];
};

/* Room for an address of either family. */
union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

uint32_t endpoint_version(const struct endpoint_cell *cell);
uint32_t endpoint_read(const struct endpoint_cell *cell,
		       struct pump_endpoint *endpoint);
void endpoint_write(struct endpoint_cell *cell,
		    const struct pump_endpoint *endpoint);
bool endpoint_is_valid(const struct pump_endpoint *endpoint);
bool endpoint_same_remote(const struct pump_endpoint *a,
			  const struct pump_endpoint *b);
socklen_t endpoint_encode(const struct pump_endpoint *endpoint,
			  union socket_address *address);
void endpoint_decode(const union socket_address *address,
		     struct pump_endpoint *endpoint);

#endif
