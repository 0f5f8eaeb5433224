/* SPDX-License-Identifier: MIT */
/*
 * state.h - what the threads of a pump share
 *
 * Who may change what: the caller's thread the tables, by exchanging what is
 * atomic; tx and rx what is theirs in struct keypair and in their own structs;
 * each counter of the activity block has one writer, or is added to atomically.
 */
#ifndef WG_WRAP_PUMP_STATE_H
#define WG_WRAP_PUMP_STATE_H

#include "aead.h"
#include "allowedips.h"
#include "body.h"
#include "endpoint.h"
#include "epoch.h"
#include "handup.h"
#include "keypair.h"
#include "pump.h"
#include "queue.h"
#include "workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct peer {
	/* What tx seals on, or NULL. */
	_Alignas(64) _Atomic(struct keypair *) current;
	struct endpoint_cell endpoint;
	/* From where else an authentic datagram came, and when rx said so. */
	struct endpoint_cell moved;
};

struct pump {
	struct pump_config config;
	struct evp evp;
	struct epoch epoch;
	struct keypairs keypairs;
	_Atomic(struct allowedips *) allowedips;
	struct peer *peers;
	struct pump_activity *activity;
	/* For those who write endpoints. */
	pthread_mutex_t endpoints_lock;
	_Atomic uint32_t mtu;
	_Atomic bool is_stopping;
	struct handup handup;
	/* Packets and promotions on their way to tx. */
	struct queue sends;
	struct body body;
	struct tx *tx;
	struct rx *rx;
	/* Of tx, and of rx. */
	struct workers sealers, openers;
	/* NULL where the body is another one. */
	struct descriptors *descriptors;
	/* eventfds: tx has something to send; both threads are to end. */
	int wake_fd, stop_fd;
	/* Of the caller's thread. */
	pthread_t threads[EPOCH_READERS];
	bool runs;
};

/* pump.c */
void pump_begin_workers(struct pump *pump, uint32_t count);
void pump_end_workers(struct pump *pump);

/**
 * reserved_of() - The reserved bytes, or NULL where they are zeros
 * @pump:	Pump
 */
static inline const uint8_t *reserved_of(const struct pump *pump)
{
	const uint8_t *reserved = pump->config.reserved;

	return reserved[0] | reserved[1] | reserved[2] ? reserved : NULL;
}

#endif
