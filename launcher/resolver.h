/* SPDX-License-Identifier: MIT */
/* resolver.h - the texts that steer how names are looked up */
#ifndef WG_WRAP_RESOLVER_H
#define WG_WRAP_RESOLVER_H

#include <stdbool.h>
#include <stdio.h>

struct plan;

/* Writes resolv.conf. */
void resolver_put_servers(FILE *out, const struct plan *plan);

/* Writes nsswitch.conf: the host's text, with our own line for hosts. */
void resolver_put_switch(FILE *out, const char *host);

/*
 * Writes hosts: the host's text, and the names that it lacks. Returns whether
 * it lacks none.
 */
bool resolver_put_hosts(FILE *out, const char *host, const char *hostname);

#endif
