/* SPDX-License-Identifier: MIT */
/*
 * rtnlflush.c - taking away addresses and routes that are not wanted any more
 *
 * For a tunnel whose configuration changes while programs use it. What stays the
 * same is not touched, so that connections over it notice nothing. Addresses are
 * an exception: their order decides which one programs send from, so they are
 * all the same or all new.
 */
#include "rtnlflush.h"

#include "die.h"
#include "errname.h"
#include "netlink.h"
#include "plan.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What a dump of a link has found. */
struct found {
	unsigned int ifindex;
	struct plan_prefix *list;
	size_t count;
};

/**
 * compare() - Order two prefixes
 * @a:		One
 * @b:		The other
 */
static int compare(const void *a, const void *b)
{
	const struct plan_prefix *one = a, *other = b;

	if (one->family != other->family)
		return one->family < other->family ? -1 : 1;
	if (one->length != other->length)
		return one->length < other->length ? -1 : 1;
	return memcmp(one->address, other->address, sizeof(one->address));
}

/**
 * keep() - Keep what was found
 * @found:	Where it goes
 * @family:	Its family
 * @length:	Its prefix length
 * @address:	Its address, or NULL for all zeros
 */
static void keep(struct found *found, sa_family_t family, unsigned char length,
		 const struct rtattr *address)
{
	struct plan_prefix *list =
		realloc(found->list, (found->count + 1) * sizeof(*found->list));
	struct plan_prefix *last;
	size_t len = family == AF_INET ? 4 : 16;

	if (!list)
		die_errno("can't list the tunnel's addresses and routes");
	found->list = list;
	last = &list[found->count++];
	memset(last, 0, sizeof(*last));
	last->family = family;
	last->length = length;
	if (address && RTA_PAYLOAD(address) >= len)
		memcpy(last->address, RTA_DATA(address), len);
}

/**
 * take_address() - Keep an address if it is the link's
 * @message:	Message of the dump
 * @context:	Where it goes
 */
static void take_address(const struct nlmsghdr *message, void *context)
{
	const struct ifaddrmsg *address = NLMSG_DATA(message);
	struct found *found = context;
	const struct rtattr *local;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*address)) ||
	    address->ifa_index != found->ifindex)
		return;
	local = netlink_attribute(message, sizeof(*address), IFA_LOCAL);
	if (!local)
		local = netlink_attribute(message, sizeof(*address),
					  IFA_ADDRESS);
	keep(found, address->ifa_family, address->ifa_prefixlen, local);
}

/**
 * take_route() - Keep a route if it is one of ours
 * @message:	Message of the dump
 * @context:	Where it goes
 */
static void take_route(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	struct found *found = context;
	const struct rtattr *link;
	unsigned int ifindex = 0;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*route)) ||
	    route->rtm_protocol != RTPROT_STATIC)
		return;
	link = netlink_attribute(message, sizeof(*route), RTA_OIF);
	if (link && RTA_PAYLOAD(link) == sizeof(ifindex))
		memcpy(&ifindex, RTA_DATA(link), sizeof(ifindex));
	if (ifindex == found->ifindex)
		keep(found, route->rtm_family, route->rtm_dst_len,
		     netlink_attribute(message, sizeof(*route), RTA_DST));
}

/**
 * remove_address() - Remove an address
 * @netlink:	Open socket
 * @ifindex:	The link
 * @prefix:	The address
 */
static void remove_address(struct netlink *netlink, unsigned int ifindex,
			   const struct plan_prefix *prefix)
{
	struct netlink_request request;
	struct ifaddrmsg *address =
		netlink_start(&request, RTM_DELADDR, 0, sizeof(*address));
	int errnum;

	address->ifa_family = (unsigned char)prefix->family;
	address->ifa_prefixlen = prefix->length;
	address->ifa_index = ifindex;
	netlink_add(&request, IFA_LOCAL, prefix->address,
		    prefix->family == AF_INET ? 4 : 16);
	errnum = netlink_exchange(netlink, &request);
	/* A secondary address goes with its primary one. */
	if (errnum != 0 && errnum != EADDRNOTAVAIL)
		die(STATUS_SETUP, "can't remove an address of the tunnel (%s)",
		    errname(errnum));
}

/**
 * remove_route() - Remove a route
 * @netlink:	Open socket
 * @ifindex:	The link
 * @prefix:	Its destination
 */
static void remove_route(struct netlink *netlink, unsigned int ifindex,
			 const struct plan_prefix *prefix)
{
	struct netlink_request request;
	struct rtmsg *route =
		netlink_start(&request, RTM_DELROUTE, 0, sizeof(*route));
	int errnum;

	route->rtm_family = (unsigned char)prefix->family;
	route->rtm_dst_len = prefix->length;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = RT_SCOPE_NOWHERE;
	if (prefix->length > 0)
		netlink_add(&request, RTA_DST, prefix->address,
			    prefix->family == AF_INET ? 4 : 16);
	netlink_add(&request, RTA_OIF, &ifindex, sizeof(ifindex));
	errnum = netlink_exchange(netlink, &request);
	/* The last address of a family takes its routes along. */
	if (errnum != 0 && errnum != ESRCH)
		die(STATUS_SETUP, "can't remove a route of the tunnel (%s)",
		    errname(errnum));
}

/**
 * dump() - Find addresses or routes of both families
 * @netlink:	Open socket
 * @type:	RTM_GETADDR or RTM_GETROUTE
 * @take:	take_address() or take_route()
 * @found:	Where they go
 */
static void dump(struct netlink *netlink, unsigned short type,
		 void (*take)(const struct nlmsghdr *, void *),
		 struct found *found)
{
	struct netlink_request request;
	struct rtmsg *all;

	/* Both kinds begin with the family, and 0 is every one. */
	all = netlink_start(&request, type, NLM_F_DUMP, sizeof(*all));
	all->rtm_family = AF_UNSPEC;
	netlink_dump(netlink, &request, take, found);
}

/**
 * is_as_planned() - Whether these are the plan's addresses, in any order
 * @found:	Addresses, sorted
 * @plan:	The plan
 */
static bool is_as_planned(const struct found *found, const struct plan *plan)
{
	struct plan_prefix wanted[PLAN_MAX_ADDRESSES];
	size_t i;

	if (found->count != plan->address_count)
		return false;
	memcpy(wanted, plan->addresses, found->count * sizeof(*wanted));
	qsort(wanted, found->count, sizeof(*wanted), compare);
	for (i = 0; i < found->count; i++) {
		if (compare(&wanted[i], &found->list[i]) != 0)
			return false;
	}
	return true;
}

/**
 * rtnl_flush() - Remove what the plan hasn't
 * @netlink:	Open socket
 * @ifindex:	The link
 * @plan:	The plan
 */
void rtnl_flush(struct netlink *netlink, unsigned int ifindex,
		const struct plan *plan)
{
	struct found addresses = {.ifindex = ifindex};
	struct found routes = {.ifindex = ifindex};
	size_t wanted = plan->route_count, i;

	dump(netlink, RTM_GETROUTE, take_route, &routes);
	qsort(plan->routes, wanted, sizeof(*plan->routes), compare);
	for (i = 0; i < routes.count; i++) {
		if (!bsearch(&routes.list[i], plan->routes, wanted,
			     sizeof(*plan->routes), compare))
			remove_route(netlink, ifindex, &routes.list[i]);
	}
	dump(netlink, RTM_GETADDR, take_address, &addresses);
	if (addresses.count > 0)
		qsort(addresses.list, addresses.count, sizeof(*addresses.list),
		      compare);
	for (i = 0; !is_as_planned(&addresses, plan) && i < addresses.count;
	     i++)
		remove_address(netlink, ifindex, &addresses.list[i]);
	free(routes.list);
	free(addresses.list);
}
