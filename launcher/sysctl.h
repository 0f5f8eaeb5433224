/* SPDX-License-Identifier: MIT */
/* sysctl.h - settings of the network namespace, all of them optional */
#ifndef WG_WRAP_SYSCTL_H
#define WG_WRAP_SYSCTL_H

#include <stdbool.h>

/*
 * Gives the file below /proc/sys the value, one word or words with one space
 * between. Returns whether it has the value afterwards.
 */
bool sysctl_set(const char *name, const char *value);

/* What every tunnel's network namespace is given. */
void sysctl_set_defaults(void);

#endif
