/* SPDX-License-Identifier: MIT */
/* route.h - how the host would send to an address */
#ifndef WG_WRAP_ROUTE_H
#define WG_WRAP_ROUTE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

/* An address of either family, in network order; the rest is zero. */
struct route_target {
	unsigned char family;
	unsigned char address[16];
};

/* What matters about a route; two that are equal are the same bytes. */
struct route {
	int errnum; /* of the look-up: ENETUNREACH and the like */
	unsigned int interface;
	unsigned char gateway[20]; /* family first, where it is another one */
	unsigned char source[16];
};

/* A socket to look up routes with, -1 if there is none. */
int route_open(void);

/*
 * Looks up the route. Returns false if the kernel doesn't answer that question;
 * that there is no route is an answer.
 */
bool route_look_up(int socket, const struct route_target *target,
		   struct route *route);

/* Reads the kernel's answer; false if it is none. */
bool route_read(const struct nlmsghdr *message, size_t len,
		struct route *route);

/* Reads an address; false if it is none. */
bool route_target(const char *text, struct route_target *target);

#endif
