/* SPDX-License-Identifier: MIT */
/* outside.h - what the engine needs of the host, where it can't be itself */
#ifndef WG_WRAP_OUTSIDE_H
#define WG_WRAP_OUTSIDE_H

#include "engine.h"
#include "names.h"
#include "news.h"

#include <poll.h>

enum { OUTSIDE_WATCHES = NEWS_WATCHES + 1 };

struct outside {
	struct engine *engine;
	unsigned short
		port; /* of the latest sockets, also while there are none */
	struct names names;
	struct news news;
	/* What sockets there are now were opened for this question. */
	struct {
		pid_t engine;
		unsigned long question;
	} answered;
};

/* The engine is the one to speak to, whichever process it is. */
void outside_open(struct outside *outside, struct engine *engine,
		  const struct plan *plan, int log);

/* The engine has another configuration, with these names of endpoints. */
void outside_rename(struct outside *outside, const struct hostnames *names);

/* Does what a word of the engine's asks for. */
void outside_hear(struct outside *outside, enum engine_word word,
		  long long now_ms);

/* What to poll for, what to do with the result, and until when to wait. */
void outside_poll(const struct outside *outside,
		  struct pollfd watches[OUTSIDE_WATCHES]);
void outside_act(struct outside *outside,
		 const struct pollfd watches[OUTSIDE_WATCHES],
		 long long now_ms);
long long outside_next(const struct outside *outside);

/* A child of the pin's ended, which was waited for. */
void outside_child_ended(struct outside *outside, pid_t pid);

#endif
