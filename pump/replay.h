/* SPDX-License-Identifier: MIT */
/* replay.h - which counters of one keypair were accepted */
#ifndef WG_WRAP_PUMP_REPLAY_H
#define WG_WRAP_PUMP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	REPLAY_RING_BITS = 8192,
	/* The rest of the ring is being cleared. */
	REPLAY_WINDOW_SIZE = 8128,
	REPLAY_WORD_BITS = 64,
	REPLAY_WORDS = REPLAY_RING_BITS / REPLAY_WORD_BITS,
};

struct replay {
	uint64_t greatest;
	uint64_t ring[REPLAY_WORDS];
};

bool replay_accept(struct replay *replay, uint64_t counter);

#endif
