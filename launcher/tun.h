/* SPDX-License-Identifier: MIT */
/* tun.h - the device that the engine reads and writes */
#ifndef WG_WRAP_TUN_H
#define WG_WRAP_TUN_H

#include <sys/stat.h>

/*
 * Makes the device in this process's network namespace and returns its queue,
 * non-blocking and CLOEXEC. node is /dev/net/tun as the host sees it, for the
 * message; zeroed where there is none. Dies on failure.
 */
int tun_create(const char *interface, const struct stat *node);

/* The same for a device of somebody else's namespace. */
int tun_create_single(const char *interface);

#endif
