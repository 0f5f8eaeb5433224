/* SPDX-License-Identifier: MIT */
/* keeper.h - the parts of a keeper, for the files that are one */
#ifndef WG_WRAP_KEEPER_H
#define WG_WRAP_KEEPER_H

#include "census.h"
#include "keep.h"
#include "orders.h"
#include "outside.h"
#include "remask.h"
#include "service.h"

#include <stdbool.h>

struct keep {
	struct keep_tunnel tunnel;
	struct remask masks;
	struct service service;
	struct outside outside;
	struct census census;
	struct orders orders;
	enum { STARTING, RUNNING, ENDING } phase;
	/* An engine is being replaced; the order is answered when it is. */
	bool is_replacing;
	bool is_replaced; /* the old one is gone */
	struct order replacement;
	long long finish_at; /* try again to finish */
	long long end_by;    /* or else it ends without the lock */
};

/* Stops the engine; the rest follows when it is gone. */
void keep_end(struct keep *keep, long long now);

/* Takes words of the engine's: a few, if it has many. */
void keep_hear(struct keep *keep, long long now);

/* Takes orders, after a poll() of what orders_watch() asked for. */
void keep_obey(struct keep *keep, const struct pollfd *watches, long long now);

/*
 * The engine has ended. Starts the one that was ordered in its place, or else
 * returns false.
 */
bool keep_replace(struct keep *keep, long long now);

/* The replacement of an engine came to something. */
void keep_answer_replacement(struct keep *keep, const char *answer);

#endif
