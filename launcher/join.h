/* SPDX-License-Identifier: MIT */
/* join.h - from the host's namespaces into a tunnel's */
#ifndef WG_WRAP_JOIN_H
#define WG_WRAP_JOIN_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The pin keeps its namespaces under these numbers for as long as it lives, so
 * that a front finds them as /proc/PID/fd/NUMBER.
 */
enum { PIN_USER_NS = 11, PIN_MNT_NS = 12, PIN_NET_NS = 13 };

enum { NAMESPACES = 3 };

/* In the order in which they are entered. */
struct namespaces {
	int fds[NAMESPACES];
};

bool join_open(pid_t pid, ino_t netns, struct namespaces *namespaces);
void join_close(struct namespaces *namespaces);
void join_enter(struct namespaces *namespaces);
void join_keep_directory(struct namespaces *namespaces, bool hides_buses,
			 bool is_quiet);

#endif
