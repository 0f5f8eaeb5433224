/* SPDX-License-Identifier: MIT */
/*
 * activity.c - counters and times that the caller reads
 *
 * The block is the caller's memory, and its words are plain in pump.h, which a
 * program in another language reads. Here they are accessed as atomics, without
 * an order among them: each says something by itself. A counter with one writer
 * is loaded, added to and stored, which costs no more than a plain one.
 *
 * The since-words begin a silence: unanswered when a packet goes out, unreplied
 * when one comes in. A first packet sets them, and anything authentic in the
 * other direction clears them. They are mostly right already, so they are read
 * before they are written: a line that is only read stays with both processors.
 */
#include "activity.h"

#include <stdatomic.h>
#include <string.h>

/**
 * word_of() - A word of the block as an atomic
 * @word:	Aligned to 8
 */
static _Atomic uint64_t *word_of(uint64_t *word)
{
	return (_Atomic uint64_t *)word;
}

/**
 * load() - Read a word
 * @word:	Word
 */
static uint64_t load(uint64_t *word)
{
	return atomic_load_explicit(word_of(word), memory_order_relaxed);
}

/**
 * activity_store() - Write a word
 * @word:	Word
 * @value:	Its value
 */
void activity_store(uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word_of(word), value, memory_order_relaxed);
}

/**
 * activity_add() - Add to a word with one writer
 * @word:	Word
 * @value:	Number
 */
void activity_add(uint64_t *word, uint64_t value)
{
	activity_store(word, load(word) + value);
}

/**
 * activity_set_bits() - Set bits of a word that others change too
 * @word:	Word
 * @bits:	Bits
 * Returns false if all of them were set already.
 */
bool activity_set_bits(uint64_t *word, uint64_t bits)
{
	return (atomic_fetch_or(word_of(word), bits) & bits) != bits;
}

/**
 * activity_clear_bits() - Clear bits of a word that others change too
 * @word:	Word
 * @bits:	Bits
 */
void activity_clear_bits(uint64_t *word, uint64_t bits)
{
	atomic_fetch_and(word_of(word), ~bits);
}

/**
 * activity_drop() - Count what went no further
 * @activity:	Block
 * @reason:	Why
 * @count:	How many
 */
void activity_drop(struct pump_activity *activity, enum pump_drop reason,
		   uint64_t count)
{
	atomic_fetch_add_explicit(word_of(&activity->drops[reason]), count,
				  memory_order_relaxed);
}

/**
 * activity_error() - Count what the kernel refused
 * @errors:	Table
 * @error:	errno
 * @count:	How many
 */
void activity_error(uint64_t errors[PUMP_ERRNOS], int error, uint64_t count)
{
	int index = error > 0 && error < PUMP_ERRNOS ? error : PUMP_ERRNOS - 1;

	atomic_fetch_add_explicit(word_of(&errors[index]), count,
				  memory_order_relaxed);
}

/**
 * activity_sent() - Note a datagram sealed; for tx
 * @peer:	Whose it is
 * @now:	CLOCK_BOOTTIME in ms
 * @packet:	Length of the packet inside; 0 for a keepalive
 * @datagram:	Length of the datagram
 */
void activity_sent(struct pump_peer_activity *peer, uint64_t now,
		   uint32_t packet, uint32_t datagram)
{
	activity_store(&peer->last_sent_ms, now);
	activity_add(&peer->tx_bytes, datagram);
	if (load(&peer->unreplied_since_ms) != 0)
		activity_store(&peer->unreplied_since_ms, 0);
	if (packet == 0) {
		activity_add(&peer->tx_keepalives, 1);
		return;
	}
	activity_add(&peer->tx_packets, 1);
	if (load(&peer->unanswered_since_ms) == 0)
		activity_store(&peer->unanswered_since_ms, now);
}

/**
 * activity_received() - Note an authentic datagram, whatever is in it; for rx
 * @peer:	Who sent it
 * @now:	CLOCK_BOOTTIME in ms
 * @packet:	Length of the padded packet inside; 0 for a keepalive
 */
void activity_received(struct pump_peer_activity *peer, uint64_t now,
		       uint32_t packet)
{
	activity_store(&peer->last_received_ms, now);
	if (load(&peer->unanswered_since_ms) != 0)
		activity_store(&peer->unanswered_since_ms, 0);
	if (packet > 0 && load(&peer->unreplied_since_ms) == 0)
		activity_store(&peer->unreplied_since_ms, now);
}

/**
 * activity_accepted() - Note a datagram that passed all checks; for rx
 * @peer:	Who sent it
 * @packet:	Length of the padded packet inside; 0 for a keepalive
 * @datagram:	Length of the datagram
 */
void activity_accepted(struct pump_peer_activity *peer, uint32_t packet,
		       uint32_t datagram)
{
	activity_add(&peer->rx_bytes, datagram);
	activity_add(packet == 0 ? &peer->rx_keepalives : &peer->rx_packets, 1);
}

/**
 * activity_forget() - Zero what is noted about a peer
 * @peer:	Its part of the block; no thread writes there
 */
void activity_forget(struct pump_peer_activity *peer)
{
	memset(peer, 0, sizeof(*peer));
}
