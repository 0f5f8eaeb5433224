/* SPDX-License-Identifier: MIT */
/* rtnlflush.h - taking away addresses and routes that are not wanted any more */
#ifndef WG_WRAP_RTNLFLUSH_H
#define WG_WRAP_RTNLFLUSH_H

struct netlink;
struct plan;

/*
 * Removes all addresses of a link unless they are the plan's, and those of its
 * routes that the plan hasn't. What the kernel makes by itself goes and comes
 * with the addresses. Dies where the kernel refuses.
 */
void rtnl_flush(struct netlink *netlink, unsigned int ifindex,
		const struct plan *plan);

#endif
