/* SPDX-License-Identifier: MIT */
/* etc.h - the command's view of /etc */
#ifndef WG_WRAP_ETC_H
#define WG_WRAP_ETC_H

#include <stdbool.h>

struct plan;

/* What is only ours in that view; the names below it are etc.c's head's. */
#define ETC_OWN "/etc/.wg-wrap"

/*
 * Puts our own /etc over the host's, read-only. wg_wrap_dir is hidden already:
 * its private replacement is where the view is prepared. inside is the record
 * that the view keeps for later joins.
 *
 * Returns whether there is such a view. Dies without one if the plan needs it.
 */
bool etc_install(const struct plan *plan, const char *wg_wrap_dir,
		 const char *inside);

#endif
