/* SPDX-License-Identifier: MIT */
/*
 * hear.c - what a keeper does when its engine says something
 *
 * Who finds a hole in the engine can speak for it. So it is heard a few words
 * at a time: however much it says, everybody else gets a turn, and its end can
 * be ordered.
 *
 * An engine that is being replaced is heard no more, except for what its
 * successor has to know (channel.c): it speaks of another configuration, its
 * time to stop runs whatever it says, and the sockets are its successor's.
 */
#include "keeper.h"
#include "record.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { WORDS_A_TURN = 64 };

/**
 * on_ready() - The engine is wired up
 * @keep:	Keeper
 * @now:	Time
 */
static void on_ready(struct keep *keep, long long now)
{
	if (keep->phase == ENDING)
		return;
	service_is_ready(&keep->service);
	if (keep->is_replaced)
		keep_answer_replacement(keep, "ok");
	if (keep->phase != STARTING)
		return;
	keep->phase = RUNNING;
	keep->tunnel.announce();
	keep->census.again_at = now;
}

/**
 * on_word() - The engine spoke
 * @keep:	Keeper
 * @word:	Word
 * @now:	Time
 */
static void on_word(struct keep *keep, enum engine_word word, long long now)
{
	switch (word) {
	case ENGINE_SAYS_READY:
		on_ready(keep, now);
		break;
	case ENGINE_SAYS_CONNECTED:
		record_set_state(keep->tunnel.record, RECORD_CONNECTED);
		break;
	case ENGINE_SAYS_STALE:
		record_set_state(keep->tunnel.record, RECORD_STALE);
		break;
	case ENGINE_SAYS_NONSENSE:
		dprintf(keep->tunnel.log, "pin: unknown word on the channel\n");
		break;
	default:
		outside_hear(&keep->outside, word, now);
		break;
	}
}

/**
 * on_hang_up() - The engine has closed its channel
 * @keep:	Keeper
 * It could tell us nothing any more, so it is replaced.
 */
static void on_hang_up(struct keep *keep)
{
	close(keep->service.engine.channel);
	keep->service.engine.channel = -1;
	if (keep->phase != ENDING)
		engine_signal(&keep->service.engine, SIGKILL);
}

/**
 * keep_hear() - Take the engine's words
 * @keep:	Keeper
 * @now:	Time
 * Of words that are left, those in the channel are told by poll(), and those
 * that were read already by engine_has_word().
 */
void keep_hear(struct keep *keep, long long now)
{
	bool is_outgoing = keep->is_replacing && !keep->is_replaced;
	enum engine_word word;
	unsigned int i;

	for (i = 0; i < WORDS_A_TURN; i++) {
		word = engine_listen(&keep->service.engine);
		if (word == ENGINE_SAYS_NOTHING)
			return;
		if (word == ENGINE_HANGS_UP) {
			on_hang_up(keep);
			return;
		}
		engine_bound_log(keep->tunnel.log);
		if (!is_outgoing)
			on_word(keep, word, now);
	}
}
