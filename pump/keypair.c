/* SPDX-License-Identifier: MIT */
/*
 * keypair.c - installed keypairs, by receiver index
 *
 * A keypair has exactly one counter, which tx alone moves, and one window,
 * which rx alone moves; so neither needs a lock, and no nonce occurs twice. The
 * caller's thread puts keypairs into the table and takes them out; it frees one
 * only after epoch_synchronize(), when no reader can still hold it.
 *
 * The table is looked up while it changes. A slot is written once, with a
 * keypair, and once more, with a mark that a keypair was there, so that the
 * search goes on behind it. When entries and marks fill half of it, a new table
 * takes its place, and the old one is freed when nobody searches it any more.
 */
#include "keypair.h"

#include "wire.h"

#include <errno.h>
#include <stdlib.h>

enum { SLOTS_AT_FIRST = 64 };

/* Marks a slot whose keypair was taken out. */
static struct keypair *const tomb = (struct keypair *)1;

/**
 * free_contexts() - Wipe and free the contexts of one direction
 * @contexts:	Contexts, or NULL
 * @hands:	Their number
 */
static void free_contexts(struct aead *contexts, uint32_t hands)
{
	uint32_t i;

	for (i = 0; contexts && i < hands; i++)
		aead_wipe(&contexts[i]);
	free(contexts);
}

/**
 * create_contexts() - Make the contexts of one direction
 * @hands:	Their number
 * @evp:	OpenSSL
 * @key:	Key
 * @seals:	Which direction
 * Returns NULL without memory, or where the cipher is forbidden.
 */
static struct aead *create_contexts(uint32_t hands, const struct evp *evp,
				    const uint8_t key[PUMP_KEY_BYTES],
				    bool seals)
{
	struct aead *contexts = calloc(hands, sizeof(*contexts));
	uint32_t i;

	for (i = 0; contexts && i < hands; i++) {
		if (aead_init(&contexts[i], evp, key, seals) != 0) {
			free_contexts(contexts, hands);
			return NULL;
		}
	}
	return contexts;
}

/**
 * keypair_create() - Make a keypair
 * @from:	As the caller gave it
 * @evp:	OpenSSL
 * @hands:	How many threads may seal on it, and how many may open
 * Returns NULL without memory, or where the cipher is forbidden.
 */
struct keypair *keypair_create(const struct pump_keypair *from,
			       const struct evp *evp, uint32_t hands)
{
	struct keypair *keypair;

	keypair = aligned_alloc(64, sizeof(*keypair));
	if (!keypair)
		return NULL;
	memset(keypair, 0, sizeof(*keypair));
	keypair->peer = from->peer;
	keypair->local_index = from->local_index;
	keypair->remote_index = from->remote_index;
	keypair->birth_ms = from->birth_ms;
	keypair->is_unconfirmed = from->unconfirmed != 0;
	keypair->hands = hands;
	keypair->seals = create_contexts(hands, evp, from->send_key, true);
	keypair->opens = create_contexts(hands, evp, from->receive_key, false);
	if (keypair->seals && keypair->opens)
		return keypair;
	keypair_free(keypair);
	return NULL;
}

/**
 * keypair_free() - Wipe and free a keypair that nobody uses
 * @keypair:	Keypair
 */
void keypair_free(struct keypair *keypair)
{
	free_contexts(keypair->seals, keypair->hands);
	free_contexts(keypair->opens, keypair->hands);
	free(keypair);
}

/**
 * keypair_has_expired() - Whether it neither sends nor receives any more
 * @keypair:	Keypair
 * @now:	CLOCK_BOOTTIME in ms
 */
bool keypair_has_expired(const struct keypair *keypair, uint64_t now)
{
	/* The clock was read before the keypair may have been derived. */
	return now >= keypair->birth_ms &&
	       now - keypair->birth_ms >= REJECT_AFTER_TIME_MS;
}

/**
 * keypair_can_send() - Whether a packet may be sealed; for tx
 * @keypair:	Keypair
 * @now:	CLOCK_BOOTTIME in ms
 */
bool keypair_can_send(const struct keypair *keypair, uint64_t now)
{
	return keypair_next_counter(keypair) < REJECT_AFTER_MESSAGES &&
	       !keypair_has_expired(keypair, now) &&
	       !atomic_load_explicit(&keypair->is_silent, memory_order_relaxed);
}

/**
 * table_create() - Make an empty table
 * @size:	Slots, a power of two
 */
static struct keypair_table *table_create(uint32_t size)
{
	struct keypair_table *table;

	table = calloc(1, sizeof(*table) + size * sizeof(table->slots[0]));
	if (table)
		table->size = size;
	return table;
}

/**
 * slot_of() - Where the search for an index begins
 * @table:	Table
 * @index:	Random already, but whoever sends chooses what is looked up
 */
static uint32_t slot_of(const struct keypair_table *table, uint32_t index)
{
	return index * 2654435769U & (table->size - 1);
}

/**
 * table_insert() - Put a keypair into the first slot that never had one
 * @table:	Table, not full
 * @keypair:	Keypair
 */
static void table_insert(struct keypair_table *table, struct keypair *keypair)
{
	uint32_t at = slot_of(table, keypair->local_index);

	while (atomic_load_explicit(&table->slots[at], memory_order_relaxed))
		at = (at + 1) & (table->size - 1);
	atomic_store(&table->slots[at], keypair);
	table->used++;
}

/**
 * keypairs_init() - Make the table
 * @keypairs:	Keypairs
 * Returns 0 or -ENOMEM.
 */
int keypairs_init(struct keypairs *keypairs)
{
	struct keypair_table *table = table_create(SLOTS_AT_FIRST);

	atomic_init(&keypairs->table, table);
	return table ? 0 : -ENOMEM;
}

/**
 * keypairs_destroy() - Wipe all keypairs; there are no readers any more
 * @keypairs:	Keypairs
 */
void keypairs_destroy(struct keypairs *keypairs)
{
	struct keypair_table *table = atomic_load(&keypairs->table);
	struct keypair *keypair;
	uint32_t i;

	for (i = 0; table && i < table->size; i++) {
		keypair = atomic_load(&table->slots[i]);
		if (keypair && keypair != tomb)
			keypair_free(keypair);
	}
	free(table);
	atomic_store(&keypairs->table, NULL);
}

/**
 * keypairs_lookup() - Find a keypair by its receiver index
 * @keypairs:	Keypairs
 * @index:	Local index
 * For the readers, who use the result until they leave the epoch, and for the
 * caller's thread. Returns NULL if there is none.
 */
struct keypair *keypairs_lookup(struct keypairs *keypairs, uint32_t index)
{
	struct keypair_table *table = atomic_load(&keypairs->table);
	struct keypair *keypair;
	uint32_t at = slot_of(table, index);

	while ((keypair = atomic_load(&table->slots[at])) != NULL) {
		if (keypair != tomb && keypair->local_index == index)
			return keypair;
		at = (at + 1) & (table->size - 1);
	}
	return NULL;
}

/**
 * rebuild() - Exchange the table for one with room
 * @keypairs:	Keypairs
 * @epoch:	Who may search the old one
 */
static int rebuild(struct keypairs *keypairs, struct epoch *epoch)
{
	struct keypair_table *old = atomic_load(&keypairs->table), *table;
	struct keypair *keypair;
	uint32_t i, live = old->used - old->tombs;

	table = table_create(live * 4 >= old->size ? old->size * 2 : old->size);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < old->size; i++) {
		keypair = atomic_load(&old->slots[i]);
		if (keypair && keypair != tomb)
			table_insert(table, keypair);
	}
	atomic_store(&keypairs->table, table);
	epoch_synchronize(epoch);
	free(old);
	return 0;
}

/**
 * keypairs_insert() - Let a keypair be found; for the caller's thread
 * @keypairs:	Keypairs
 * @keypair:	Becomes theirs if this works
 * @epoch:	Who may search the table
 * Returns 0, -EEXIST or -ENOMEM.
 */
int keypairs_insert(struct keypairs *keypairs, struct keypair *keypair,
		    struct epoch *epoch)
{
	struct keypair_table *table = atomic_load(&keypairs->table);
	int failure;

	if (keypairs_lookup(keypairs, keypair->local_index))
		return -EEXIST;
	if ((table->used + 1) * 2 > table->size) {
		failure = rebuild(keypairs, epoch);
		if (failure)
			return failure;
		table = atomic_load(&keypairs->table);
	}
	table_insert(table, keypair);
	return 0;
}

/**
 * keypairs_take_out() - Let a keypair not be found any more
 * @keypairs:	Keypairs
 * @keypair:	One of them; to be freed after epoch_synchronize()
 */
void keypairs_take_out(struct keypairs *keypairs, struct keypair *keypair)
{
	struct keypair_table *table = atomic_load(&keypairs->table);
	uint32_t at = slot_of(table, keypair->local_index);

	while (atomic_load(&table->slots[at]) != keypair)
		at = (at + 1) & (table->size - 1);
	atomic_store(&table->slots[at], tomb);
	table->tombs++;
}

/**
 * keypairs_of_peer() - Find any keypair of a peer; for the caller's thread
 * @keypairs:	Keypairs
 * @peer:	Peer
 * Returns NULL if it has none.
 */
struct keypair *keypairs_of_peer(struct keypairs *keypairs, uint32_t peer)
{
	struct keypair_table *table = atomic_load(&keypairs->table);
	struct keypair *keypair;
	uint32_t i;

	for (i = 0; i < table->size; i++) {
		keypair = atomic_load(&table->slots[i]);
		if (keypair && keypair != tomb && keypair->peer == peer)
			return keypair;
	}
	return NULL;
}

/**
 * keypairs_silence() - Send on no keypair of a peer any more
 * @keypairs:	Keypairs
 * @peer:	Peer
 */
void keypairs_silence(struct keypairs *keypairs, uint32_t peer)
{
	struct keypair_table *table = atomic_load(&keypairs->table);
	struct keypair *keypair;
	uint32_t i;

	for (i = 0; i < table->size; i++) {
		keypair = atomic_load(&table->slots[i]);
		if (keypair && keypair != tomb && keypair->peer == peer)
			atomic_store(&keypair->is_silent, true);
	}
}
