/* SPDX-License-Identifier: MIT */
/*
 * endpoint.c - where peers are
 *
 * A peer's endpoint is read for every group of datagrams and written rarely, by
 * three threads: the caller's, rx when the local address is another one, tx
 * when the kernel refuses the local address. Writers hold a lock. Readers copy
 * it and look at the version before and after (a sequence lock), in words that
 * are atomic by themselves.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <sched.h>
#include <string.h>

/**
 * endpoint_version() - A number that is another one after each change
 * @cell:	Cell
 */
uint32_t endpoint_version(const struct endpoint_cell *cell)
{
	return atomic_load_explicit(&cell->version, memory_order_acquire);
}

/**
 * endpoint_read() - Copy an endpoint out
 * @cell:	Cell
 * @endpoint:	Gets it
 * Returns the version that this is.
 */
uint32_t endpoint_read(const struct endpoint_cell *cell,
		       struct pump_endpoint *endpoint)
{
	uint64_t words[ENDPOINT_WORDS];
	uint32_t version;
	int i;

	for (;;) {
		version = endpoint_version(cell);
		for (i = 0; i < ENDPOINT_WORDS; i++)
			words[i] = atomic_load_explicit(&cell->words[i],
							memory_order_acquire);
		if (version % 2 == 0 && endpoint_version(cell) == version)
			break;
		/* The writer may have lost its processor in the middle. */
		sched_yield();
	}
	memcpy(endpoint, words, sizeof(words));
	return version;
}

/**
 * endpoint_write() - Change an endpoint; for one thread at a time
 * @cell:	Cell
 * @endpoint:	Copied
 */
void endpoint_write(struct endpoint_cell *cell,
		    const struct pump_endpoint *endpoint)
{
	uint64_t words[ENDPOINT_WORDS];
	int i;

	memcpy(words, endpoint, sizeof(words));
	atomic_fetch_add(&cell->version, 1);
	for (i = 0; i < ENDPOINT_WORDS; i++)
		atomic_store_explicit(&cell->words[i], words[i],
				      memory_order_release);
	atomic_fetch_add(&cell->version, 1);
}

/**
 * endpoint_is_valid() - Whether a datagram could go there
 * @endpoint:	Endpoint as a caller gave it
 */
bool endpoint_is_valid(const struct pump_endpoint *endpoint)
{
	return (endpoint->family == 4 || endpoint->family == 6) &&
	       endpoint->port != 0 && endpoint->has_local <= 1;
}

/**
 * endpoint_same_remote() - Whether two endpoints are one, but for the local end
 * @a:		Endpoint
 * @b:		Another one
 */
bool endpoint_same_remote(const struct pump_endpoint *a,
			  const struct pump_endpoint *b)
{
	return a->family == b->family && a->port == b->port &&
	       a->scope == b->scope &&
	       memcmp(a->remote, b->remote, sizeof(a->remote)) == 0;
}

/**
 * endpoint_encode() - Make a socket address of the remote end
 * @endpoint:	Valid endpoint
 * @address:	Gets it
 * Returns its length.
 */
socklen_t endpoint_encode(const struct pump_endpoint *endpoint,
			  union socket_address *address)
{
	memset(address, 0, sizeof(*address));
	if (endpoint->family == 4) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons(endpoint->port);
		memcpy(&address->v4.sin_addr, endpoint->remote, 4);
		return sizeof(address->v4);
	}
	address->v6.sin6_family = AF_INET6;
	address->v6.sin6_port = htons(endpoint->port);
	address->v6.sin6_scope_id = endpoint->scope;
	memcpy(&address->v6.sin6_addr, endpoint->remote, 16);
	return sizeof(address->v6);
}

/**
 * endpoint_decode() - Take the remote end from a socket address
 * @address:	As the kernel wrote it
 * @endpoint:	Gets it, without a local end
 */
void endpoint_decode(const union socket_address *address,
		     struct pump_endpoint *endpoint)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (address->any.sa_family == AF_INET) {
		endpoint->family = 4;
		endpoint->port = ntohs(address->v4.sin_port);
		memcpy(endpoint->remote, &address->v4.sin_addr, 4);
		return;
	}
	endpoint->family = 6;
	endpoint->port = ntohs(address->v6.sin6_port);
	endpoint->scope = address->v6.sin6_scope_id;
	memcpy(endpoint->remote, &address->v6.sin6_addr, 16);
}
