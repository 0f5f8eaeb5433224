/* SPDX-License-Identifier: MIT */
/* census.h - is anybody left in the tunnel? */
#ifndef WG_WRAP_CENSUS_H
#define WG_WRAP_CENSUS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Processes watched at once; the end of any one makes us look again. poll(2)
 * takes no more entries than the limit on descriptors.
 */
enum { CENSUS_WATCHED_MAX = 16 };

/* A deadline that isn't set. */
#define NEVER 0x7fffffffffffffffLL

struct census {
	int lock;
	int sessions;
	int events; /* readable when a session may have ended */
	ino_t netns;
	long long linger_ms;
	bool is_held; /* to be kept without sessions, until it is told to end */
	bool had_session;
	unsigned int retry_ms;
	unsigned int
		doubt_ms; /* when to ask whether a closed session has ended */
	long long linger_until;
	long long again_at; /* take it again, whatever happens */
	int inhabitants[CENSUS_WATCHED_MAX]; /* readable at their end, or -1 */
};

void census_prepare(struct census *census, int directory, ino_t netns,
		    long long linger_ms);
bool census_lock(struct census *census, long long now_ms);
bool census_share_lock(struct census *census, int lock);
void census_session_ended(struct census *census);
bool census_finds_nobody(struct census *census, long long now_ms);

#endif
