/* SPDX-License-Identifier: MIT */
/* keypair.h - installed keypairs, by receiver index */
#ifndef WG_WRAP_PUMP_KEYPAIR_H
#define WG_WRAP_PUMP_KEYPAIR_H

#include "aead.h"
#include "epoch.h"
#include "replay.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct keypair {
	/* Never changed. One context of each direction for each hand. */
	uint32_t peer, local_index, remote_index, hands;
	uint64_t birth_ms;
	/* Set by the caller's thread, never cleared. */
	_Atomic bool is_silent;
	/* tx and its workers; the counter tx alone, and whoever promotes looks
	 * at it: mostly tx, too. */
	_Alignas(64) struct aead *seals;
	_Atomic uint64_t next_counter;
	/* rx and its workers; the rest rx alone. */
	_Alignas(64) struct aead *opens;
	bool is_unconfirmed;
	struct replay window;
};

/* Open addressing; one thread writes, the two readers look up. */
struct keypair_table {
	uint32_t size;
	/* Of the caller's thread: entries, and entries that were. */
	uint32_t used, tombs;
	_Atomic(struct keypair *) slots[];
};

struct keypairs {
	_Atomic(struct keypair_table *) table;
};

/**
 * keypair_next_counter() - The counter that nothing was sealed with yet
 * @keypair:	Keypair
 */
static inline uint64_t keypair_next_counter(const struct keypair *keypair)
{
	return atomic_load_explicit(&keypair->next_counter,
				    memory_order_relaxed);
}

struct keypair *keypair_create(const struct pump_keypair *from,
			       const struct evp *evp, uint32_t hands);
void keypair_free(struct keypair *keypair);
bool keypair_has_expired(const struct keypair *keypair, uint64_t now);
bool keypair_can_send(const struct keypair *keypair, uint64_t now);
int keypairs_init(struct keypairs *keypairs);
void keypairs_destroy(struct keypairs *keypairs);
struct keypair *keypairs_lookup(struct keypairs *keypairs, uint32_t index);
int keypairs_insert(struct keypairs *keypairs, struct keypair *keypair,
		    struct epoch *epoch);
void keypairs_take_out(struct keypairs *keypairs, struct keypair *keypair);
void keypairs_silence(struct keypairs *keypairs, uint32_t peer);
struct keypair *keypairs_of_peer(struct keypairs *keypairs, uint32_t peer);

#endif
