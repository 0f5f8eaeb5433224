/* SPDX-License-Identifier: MIT */
/* news.h - what happens to the host that its tunnels should know */
#ifndef WG_WRAP_NEWS_H
#define WG_WRAP_NEWS_H

#include "route.h"

#include <poll.h>

enum { NEWS_WATCHES = 2, NEWS_TARGETS_MAX = 32 };

struct news_target {
	struct route_target address;
	struct route route;
};

struct news {
	int changes; /* routes and addresses of the host, -1: not told */
	int clock;   /* cancelled when the clock is set, -1: not told */
	int routes;  /* to look them up with, -1: can't */
	bool has_slept;
	long long slept_ms;  /* since boot */
	long long look_at;   /* or LLONG_MAX */
	long long looked_at; /* last */
	unsigned int target_count, next_target;
	struct news_target targets[NEWS_TARGETS_MAX];
};

void news_open(struct news *news);

/* Watches the way to an address, as it is now. */
void news_watch(struct news *news, const char *address);

/* Fills in what to poll for. */
void news_poll(const struct news *news, struct pollfd watches[NEWS_WATCHES]);

/* Takes note of what the poll has found. */
void news_hear(struct news *news, const struct pollfd watches[NEWS_WATCHES],
	       long long now_ms);

/*
 * Looks whether something has happened that concerns those addresses, if it is
 * time to look: whether the engine should wake.
 */
bool news_look(struct news *news, long long now_ms);

/* Whether the host has slept since the last call, by its two clocks. */
bool news_slept(struct news *news, long long boot_ms, long long monotonic_ms);

/* Compares the ways to all addresses with what they were; a way lost is none. */
bool news_is_elsewhere(struct news *news);

#endif
