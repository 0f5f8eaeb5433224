/* SPDX-License-Identifier: MIT */
/* plan.h - the tunnel to build, as the controller wrote it */
#ifndef WG_WRAP_PLAN_H
#define WG_WRAP_PLAN_H

#include "hostnames.h"
#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
	PLAN_MAX_BYTES = 1 << 20,
	PLAN_MAX_NODE_OPTIONS = 8,
	PLAN_MAX_ADDRESSES = 64,
	PLAN_MAX_ROUTES = 65536,
	PLAN_MAX_NAMESERVERS = 3,
	PLAN_MAX_SEARCHES = 32,
};

/* An address of either family, in network order, and a prefix length. */
struct plan_prefix {
	sa_family_t family;
	unsigned char length;
	unsigned char address[16];
};

enum plan_dns {
	PLAN_DNS_TUNNEL,
	PLAN_DNS_NONE,
};

/*
 * Strings point into the plan's text, which lives as long as the plan. Every
 * one is checked for what it will be used for, and none holds a newline.
 */
struct plan {
	char *tunnel;
	char *config;
	char *stamp;
	struct options options;
	char *node;
	char *engine;
	char *controller;
	char *node_options[PLAN_MAX_NODE_OPTIONS];
	unsigned int node_option_count;
	unsigned long linger_ms;
	bool is_quiet; /* no warnings */

	char *interface;
	unsigned int mtu;
	struct plan_prefix addresses[PLAN_MAX_ADDRESSES];
	unsigned int address_count;
	struct plan_prefix *routes;
	unsigned int route_count;

	enum plan_dns dns;
	char *nameservers[PLAN_MAX_NAMESERVERS];
	unsigned int nameserver_count;
	char *searches[PLAN_MAX_SEARCHES];
	unsigned int search_count;

	/* To be looked up again on the host. */
	struct hostnames names;

	/* The line that was read last: where parsing failed, the one at fault. */
	unsigned int line;
};

/*
 * Reads fd to its end. Dies with STATUS_SETUP on anything that isn't a plan:
 * the controller wrote it, so such a plan is a bug of ours.
 */
void plan_read(int fd, struct plan *plan);

/*
 * Parses len bytes at text, in place. Returns NULL, or what is wrong with
 * plan->line. Either way the plan is to be released, before the text is.
 */
const char *plan_parse(char *text, size_t len, struct plan *plan);

/* Frees what plan_parse() allocated; the text is the caller's. */
void plan_release(struct plan *plan);

#endif
