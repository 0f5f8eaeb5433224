/* SPDX-License-Identifier: MIT */
/* users.h - the processes that use a tunnel */
#ifndef WG_WRAP_USERS_H
#define WG_WRAP_USERS_H

#include "record.h"

#include <stdbool.h>

/*
 * Says who uses a tunnel, whose lock is held, in one line on stderr. Returns
 * true, without a word, if nobody does.
 */
bool users_tell_none(int directory, const struct record *record);

/*
 * Ends everybody who uses a tunnel, whose lock is held: asks, and then makes
 * them. Dies if somebody doesn't end even so.
 */
void users_kill(int directory, const struct record *record);

/* How many use it: sessions, or else processes; -1 if that can't be told. */
int users_count(int directory, const struct record *record);

#endif
