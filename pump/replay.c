/* SPDX-License-Identifier: MIT */
/*
 * replay.c - the window of RFC 6479
 *
 * A ring of bits, one for each counter near the greatest one accepted. Moving
 * on clears whole words, so that nothing is ever shifted. Only the counter of
 * an authentic datagram may come here: a forged one near the limit would lock
 * the peer out.
 */
#include "replay.h"

/**
 * move_to() - Make a counter the greatest one
 * @replay:	Window
 * @counter:	Greater than the greatest one
 */
static void move_to(struct replay *replay, uint64_t counter)
{
	uint64_t current = replay->greatest / REPLAY_WORD_BITS;
	uint64_t last = counter / REPLAY_WORD_BITS;

	if (last > current + REPLAY_WORDS)
		last = current + REPLAY_WORDS;
	while (current < last)
		replay->ring[++current % REPLAY_WORDS] = 0;
	replay->greatest = counter;
}

/**
 * replay_accept() - Accept a counter once
 * @replay:	Window
 * @counter:	Below REJECT_AFTER_MESSAGES, of an authentic datagram
 * Returns false if it is behind the window, or accepted already.
 */
bool replay_accept(struct replay *replay, uint64_t counter)
{
	uint64_t bit = 1ULL << counter % REPLAY_WORD_BITS;
	uint64_t *word;

	if (counter + REPLAY_WINDOW_SIZE < replay->greatest)
		return false;
	if (counter > replay->greatest)
		move_to(replay, counter);
	word = &replay->ring[counter / REPLAY_WORD_BITS % REPLAY_WORDS];
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}
