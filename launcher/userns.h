/* SPDX-License-Identifier: MIT */
/* userns.h - become someone who may configure a network, without being root */
#ifndef WG_WRAP_USERNS_H
#define WG_WRAP_USERNS_H

/*
 * Moves this process into user, mount and network namespaces of its own, with
 * all capabilities in them. The process has a single thread. Dies on failure.
 */
void userns_enter(void);

#endif
