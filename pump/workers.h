/* SPDX-License-Identifier: MIT */
/* workers.h - the cipher of one batch on several cores */
#ifndef WG_WRAP_PUMP_WORKERS_H
#define WG_WRAP_PUMP_WORKERS_H

#include "aead.h"
#include "pump.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Most jobs of a batch. */
enum { WORKERS_JOBS = 1024 };

/* A packet to be sealed, or transport data to be opened, in place. */
struct job {
	/* The direction of a keypair, once for each hand. */
	struct aead *hands;
	uint64_t counter;
	/* As aead_seal() and aead_open() take them. */
	uint8_t *bytes;
	uint32_t len;
	/* The result. */
	bool has_worked;
};

struct workers;

/* Hand 0 is the thread whose batch it is. */
struct worker {
	struct workers *workers;
	uint32_t hand;
	pthread_t thread;
};

struct workers {
	bool seals;
	uint32_t count;
	struct worker members[PUMP_WORKERS_MAX];
	/* Of the batch, whose length and next job are in the ticket. */
	struct job *jobs;
	_Alignas(64) _Atomic uint32_t ticket;
	_Alignas(64) _Atomic uint32_t done;
	_Atomic bool is_awaited;
	/* Counts batches; whoever has nothing to do sleeps on it. */
	_Alignas(64) _Atomic uint32_t calls;
	_Atomic uint32_t sleepers;
	_Atomic bool is_ending;
};

void workers_begin(struct workers *workers, uint32_t count, bool seals);
void workers_end(struct workers *workers);
void workers_run(struct workers *workers, struct job *jobs, uint32_t count);

#endif
