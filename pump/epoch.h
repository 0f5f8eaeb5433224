/* SPDX-License-Identifier: MIT */
/* epoch.h - when nobody can see any more what was taken out of a table */
#ifndef WG_WRAP_PUMP_EPOCH_H
#define WG_WRAP_PUMP_EPOCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* The two threads that look things up. */
enum epoch_reader { EPOCH_TX, EPOCH_RX, EPOCH_READERS };

struct epoch {
	/* Odd while the reader is among the tables; on a line of its own. */
	struct {
		_Alignas(64) _Atomic uint64_t count;
	} readers[EPOCH_READERS];
	_Atomic int is_awaited;
	pthread_mutex_t lock;
	pthread_cond_t left;
};

int epoch_init(struct epoch *epoch);
void epoch_destroy(struct epoch *epoch);
void epoch_enter(struct epoch *epoch, enum epoch_reader reader);
void epoch_leave(struct epoch *epoch, enum epoch_reader reader);
void epoch_synchronize(struct epoch *epoch);

#endif
