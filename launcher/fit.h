/* SPDX-License-Identifier: MIT */
/* fit.h - is a living tunnel the one that was asked for? */
#ifndef WG_WRAP_FIT_H
#define WG_WRAP_FIT_H

#include <stdbool.h>

struct front;

/*
 * Whether a run can use the living tunnel whose record it has, with the lock
 * held; if need be that is made so. Returns false if it can't, but asked for
 * another tunnel, and nobody uses this one. Dies for any other difference.
 */
bool fit_is_asked_for(const struct front *front);

#endif
