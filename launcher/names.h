/* SPDX-License-Identifier: MIT */
/* names.h - the names of endpoints, looked up again on the host */
#ifndef WG_WRAP_NAMES_H
#define WG_WRAP_NAMES_H

#include "hostnames.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct plan;

/* A longer line is none of the resolver's. */
enum { NAMES_LINE_MAX = 2048 };

/* One run of `controller.js resolve NAME...`, or none. */
struct names {
	const struct plan *plan;
	struct hostnames wanted;
	int log;	   /* its stderr */
	pid_t pid;	   /* 0: none */
	int answers;	   /* its stdout, -1: none */
	long long kill_at; /* or LLONG_MAX */
	size_t total;	   /* bytes read of it */
	size_t filled;
	size_t taken; /* bytes of the line that was handed out last */
	char line[NAMES_LINE_MAX];
};

void names_prepare(struct names *names, const struct plan *plan, int log);

/* Has it look up other names than the plan's from now on. */
void names_replace(struct names *names, const struct hostnames *wanted);

/* Starts it, unless it runs already or there is nothing to resolve. */
void names_start(struct names *names, long long now_ms);

/*
 * Takes the next answer, "NAME ADDRESS,ADDRESS", without waiting; NULL if there
 * is none for the moment. It is good until the next call.
 */
const char *names_take(struct names *names);

/* Kills it if its time is over. */
void names_expire(struct names *names, long long now_ms);

/* Tells that a child ended, which may be this one. */
void names_ended(struct names *names, pid_t pid);

/* Whether this is an answer about one of these names. */
bool names_is_answer(const struct hostnames *wanted, const char *line);

#endif
