/* SPDX-License-Identifier: MIT */
/* rtnl.h - loopback, addresses and routes of the tunnel's network namespace */
#ifndef WG_WRAP_RTNL_H
#define WG_WRAP_RTNL_H

struct plan;

/*
 * Configures lo and the plan's interface, which exists. Warns and leaves IPv6
 * out where the host has none; dies on any other failure.
 */
void rtnl_configure(const struct plan *plan);

/*
 * Changes addresses, routes and MTU of the plan's interface, which is up, to the
 * plan's. What it had and the plan has not is removed.
 */
void rtnl_reconfigure(const struct plan *plan);

#endif
