/* SPDX-License-Identifier: MIT */
/* link.h - the state of an interface of ours, wherever it is */
#ifndef WG_WRAP_LINK_H
#define WG_WRAP_LINK_H

#include <stdbool.h>

struct link {
	int tun;
	int home;   /* this process's network namespace */
	int events; /* rtnetlink there: readable when links change */
	bool is_away;
};

struct link_state {
	bool is_up;
	unsigned int mtu;
};

/* Opens what is watched. To be called before the interface is made. */
void link_open(struct link *link);

/* Sets the MTU of the interface, which is at home. */
void link_set_mtu(const struct link *link, const char *name, unsigned int mtu);

/*
 * Looks at the interface, and takes the events. Returns false if it is gone.
 * Where nothing can be seen, state stays as it is.
 */
bool link_look(struct link *link, struct link_state *state);

#endif
