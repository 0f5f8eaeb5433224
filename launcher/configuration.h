/* SPDX-License-Identifier: MIT */
/* configuration.h - the engine's configuration, which only the engine reads */
#ifndef WG_WRAP_CONFIGURATION_H
#define WG_WRAP_CONFIGURATION_H

#include <stdbool.h>

/*
 * Moves the text that fd gives, to its end, into a memfd that can't be changed
 * any more, and returns that. No copy is kept; fd is closed.
 */
int configuration_seal(int fd);

/* Whether this is such a memfd. */
bool configuration_is_sealed(int fd);

#endif
