/* SPDX-License-Identifier: MIT */
/* configuration.h - the engine's configuration, which only the engine reads */
#ifndef WG_WRAP_CONFIGURATION_H
#define WG_WRAP_CONFIGURATION_H

/*
 * Moves the text that fd gives, to its end, into a memfd that can't be changed
 * any more, and returns that. No copy is kept; fd is closed.
 */
int configuration_seal(int fd);

#endif
