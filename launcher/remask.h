/* SPDX-License-Identifier: MIT */
/* remask.h - mount masks again as soon as the host's services destroy them */
#ifndef WG_WRAP_REMASK_H
#define WG_WRAP_REMASK_H

#include "options.h"

#include <limits.h>
#include <stdbool.h>

struct remask {
	int events; /* readable if there is something to heed, or -1 */
	bool hides_buses;
	char runtime[PATH_MAX]; /* above all state directories */
};

/*
 * Is told from now on when a daemon's directory, or a socket of D-Bus if these
 * are masked, appears. Without a watch to spare events is -1, and masks are
 * mended by runs that join. directory is the tunnel's state directory, and
 * options are its own.
 */
void remask_watch(struct remask *remask, int directory,
		  const struct options *options);

/* Takes note of the events, and has masks mended if need be. */
void remask_heed(const struct remask *remask);

#endif
