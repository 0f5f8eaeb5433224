/* SPDX-License-Identifier: MIT */
/*
 * allowedips.c - longest prefix match, WP 2
 *
 * A path-compressed binary trie for each family, in one array: a node for each
 * prefix, and one where two of them part. The table is built whole by the
 * caller's thread and then only read, so the two data threads need no lock to
 * look something up; the old table is freed when neither can see it any more.
 */
#include "allowedips.h"

#include "wire.h"

#include <stdlib.h>

enum { NONE = -1 };

/**
 * key_of() - An address as a number
 * @address:	4 or 16 bytes
 * @family:	4 or 6
 */
static struct ip_key key_of(const uint8_t *address, uint32_t family)
{
	struct ip_key key = {(uint64_t)load32(address) << 32, 0};

	if (family == 4)
		return key;
	key.high |= load32(address + 4);
	key.low = (uint64_t)load32(address + 8) << 32 | load32(address + 12);
	return key;
}

/**
 * mask() - Clear the bits behind a prefix
 * @key:	Address
 * @length:	Of the prefix, 0 to 128
 */
static struct ip_key mask(struct ip_key key, uint32_t length)
{
	struct ip_key masked = {0, 0};

	if (length > 64) {
		masked.high = key.high;
		masked.low = key.low & ~0ULL << (128 - length);
	} else if (length > 0) {
		masked.high = key.high & ~0ULL << (64 - length);
	}
	return masked;
}

/**
 * common() - How many leading bits two addresses share
 * @a:		Address
 * @b:		Another one
 */
static uint32_t common(struct ip_key a, struct ip_key b)
{
	if (a.high != b.high)
		return (uint32_t)__builtin_clzll(a.high ^ b.high);
	if (a.low != b.low)
		return 64 + (uint32_t)__builtin_clzll(a.low ^ b.low);
	return 128;
}

/**
 * bit_at() - One bit of an address
 * @key:	Address
 * @index:	0 to 127
 */
static unsigned int bit_at(struct ip_key key, uint32_t index)
{
	uint64_t half = index < 64 ? key.high : key.low;

	return half >> (63 - index % 64) & 1;
}

/**
 * create() - Take a node from the array
 * @table:	Table, with room
 * @key:	Masked
 * @length:	Of the prefix
 * @peer:	Owner, or PUMP_NO_PEER
 * Returns its index.
 */
static int32_t create(struct allowedips *table, struct ip_key key,
		      uint32_t length, uint32_t peer)
{
	table->nodes[table->used] = (struct ip_node){
		.key = key,
		.children = {NONE, NONE},
		.peer = peer,
		.length = length,
	};
	return table->used++;
}

/**
 * insert() - Give a prefix to a peer
 * @table:	Table, with room for two nodes
 * @link:	Root of the family
 * @key:	Masked
 * @length:	Of the prefix
 * @peer:	Its owner from here on
 */
static void insert(struct allowedips *table, int32_t *link, struct ip_key key,
		   uint32_t length, uint32_t peer)
{
	struct ip_node *node;
	uint32_t shared;
	int32_t fork;

	for (; *link != NONE;
	     link = &node->children[bit_at(key, node->length)]) {
		node = &table->nodes[*link];
		shared = common(node->key, key);
		if (shared < node->length || length < node->length)
			break;
		if (node->length == length) {
			node->peer = peer;
			return;
		}
	}
	if (*link == NONE) {
		*link = create(table, key, length, peer);
		return;
	}
	node = &table->nodes[*link];
	shared = common(node->key, key);
	if (shared >= length) {
		/* The node lies inside the prefix. */
		fork = create(table, key, length, peer);
	} else {
		fork = create(table, mask(key, shared), shared,
			      (uint32_t)PUMP_NO_PEER);
		table->nodes[fork].children[bit_at(key, shared)] =
			create(table, key, length, peer);
	}
	table->nodes[fork]
		.children[bit_at(node->key, table->nodes[fork].length)] = *link;
	*link = fork;
}

/**
 * allowedips_build() - Make a table
 * @prefixes:	Array whose entries are valid; a later one replaces an equal one
 * @count:	Its length
 * Returns the table, to be freed, or NULL without memory.
 */
struct allowedips *allowedips_build(const struct pump_prefix *prefixes,
				    uint32_t count)
{
	struct allowedips *table;
	struct ip_key key;
	uint32_t i;

	table = malloc(sizeof(*table) +
		       2 * (size_t)count * sizeof(table->nodes[0]));
	if (!table)
		return NULL;
	table->root4 = table->root6 = NONE;
	table->used = 0;
	for (i = 0; i < count; i++) {
		key = mask(key_of(prefixes[i].address, prefixes[i].family),
			   prefixes[i].length);
		insert(table,
		       prefixes[i].family == 4 ? &table->root4 : &table->root6,
		       key, prefixes[i].length, prefixes[i].peer);
	}
	return table;
}

/**
 * allowedips_lookup() - Find the owner of the longest prefix of an address
 * @table:	Table
 * @address:	4 or 16 bytes
 * @family:	4 or 6
 * Returns PUMP_NO_PEER if there is none.
 */
uint32_t allowedips_lookup(const struct allowedips *table,
			   const uint8_t *address, uint32_t family)
{
	uint32_t found = (uint32_t)PUMP_NO_PEER, bits = family == 4 ? 32 : 128;
	int32_t at = family == 4 ? table->root4 : table->root6;
	struct ip_key key = key_of(address, family);
	const struct ip_node *node;

	while (at != NONE) {
		node = &table->nodes[at];
		if (common(node->key, key) < node->length)
			break;
		if (node->peer != (uint32_t)PUMP_NO_PEER)
			found = node->peer;
		if (node->length == bits)
			break;
		at = node->children[bit_at(key, node->length)];
	}
	return found;
}
