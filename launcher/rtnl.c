/* SPDX-License-Identifier: MIT */
/*
 * rtnl.c - loopback, addresses and routes of the tunnel's network namespace
 *
 * rtnetlink(7) with one acknowledged request at a time, in this order:
 *
 * 1. lo up: programs talk to themselves.
 * 2. No automatic IPv6 address, while the link is still down: otherwise the
 *    kernel gives it one, and solicits routers through the tunnel.
 * 3. The size of super-packets (gso.c); where the kernel refuses, its own does.
 *    MTU, and up. Addresses and routes need a link that is up.
 * 4. Addresses, then routes: a route of IPv6 looks for its source address.
 *
 * A route leads to the link and to no gateway. A family without a route fails
 * at once, which makes programs turn to the other one quickly.
 *
 * EEXIST is success throughout: an address may be listed twice, and a route may
 * be the one that the kernel made for an address.
 *
 * IPv6 may be missing: switched off, compiled out, or impossible below its
 * smallest MTU. It is then left out with one warning, unless nothing would be
 * left.
 */
#include "rtnl.h"

#include "die.h"
#include "errname.h"
#include "gso.h"
#include "netlink.h"
#include "plan.h"
#include "rtnlflush.h"
#include "sysctl.h"
#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Newer than the headers of Debian 12. */
#ifndef IFLA_GSO_IPV4_MAX_SIZE
#define IFLA_GSO_IPV4_MAX_SIZE 63
#endif

enum { LOOPBACK_INDEX = 1, IPV6_MIN_MTU = 1280 };

struct rtnl {
	struct netlink netlink;
	unsigned int ifindex;
	bool has_ipv6;
};

/**
 * set_link_up() - Bring a link up
 * @rtnl:	Open rtnetlink socket
 * @ifindex:	The link
 * @mtu:	Its MTU, or 0 to leave it
 * Returns 0 or an errno value.
 */
static int set_link_up(struct rtnl *rtnl, unsigned int ifindex,
		       unsigned int mtu)
{
	struct netlink_request request;
	struct ifinfomsg *link =
		netlink_start(&request, RTM_NEWLINK, 0, sizeof(*link));

	link->ifi_index = (int)ifindex;
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	if (mtu > 0)
		netlink_add(&request, IFLA_MTU, &mtu, sizeof(mtu));
	return netlink_exchange(&rtnl->netlink, &request);
}

/**
 * bound_super_packets() - Say how large a super-packet of the interface may be
 * @rtnl:	Open rtnetlink socket
 * @mtu:	MTU of the interface
 * Has no result: it is a matter of speed alone. The second attribute is of Linux
 * 6.3, where the first has become that of IPv6; others don't look at it.
 */
static void bound_super_packets(struct rtnl *rtnl, unsigned int mtu)
{
	unsigned int bytes = gso_max_size(mtu);
	struct netlink_request request;
	struct ifinfomsg *link =
		netlink_start(&request, RTM_NEWLINK, 0, sizeof(*link));

	link->ifi_index = (int)rtnl->ifindex;
	netlink_add(&request, IFLA_GSO_MAX_SIZE, &bytes, sizeof(bytes));
	netlink_add(&request, IFLA_GSO_IPV4_MAX_SIZE, &bytes, sizeof(bytes));
	(void)netlink_exchange(&rtnl->netlink, &request);
}

/**
 * disable_link_local() - Keep the kernel from inventing an IPv6 address
 * @rtnl:	Open rtnetlink socket
 * Returns 0 or an errno value.
 */
static int disable_link_local(struct rtnl *rtnl)
{
	const unsigned char mode = IN6_ADDR_GEN_MODE_NONE;
	struct rtattr *families, *family;
	struct netlink_request request;
	struct ifinfomsg *link =
		netlink_start(&request, RTM_NEWLINK, 0, sizeof(*link));

	link->ifi_index = (int)rtnl->ifindex;
	families = netlink_add(&request, IFLA_AF_SPEC, NULL, 0);
	family = netlink_add(&request, AF_INET6, NULL, 0);
	netlink_add(&request, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	netlink_end(&request, family);
	netlink_end(&request, families);
	return netlink_exchange(&rtnl->netlink, &request);
}

/**
 * address_len() - Bytes of an address
 * @prefix:	The address
 */
static size_t address_len(const struct plan_prefix *prefix)
{
	return prefix->family == AF_INET ? 4 : 16;
}

/**
 * add_address() - Give the link an address
 * @rtnl:	Open rtnetlink socket
 * @prefix:	Address and prefix length, either family
 * Returns 0 or an errno value. Nobody else is on the link, so duplicates aren't
 * looked for: a new address could not be used while they are.
 */
static int add_address(struct rtnl *rtnl, const struct plan_prefix *prefix)
{
	struct netlink_request request;
	struct ifaddrmsg *address =
		netlink_start(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
			      sizeof(*address));

	address->ifa_family = (unsigned char)prefix->family;
	address->ifa_prefixlen = prefix->length;
	address->ifa_scope = RT_SCOPE_UNIVERSE;
	address->ifa_index = rtnl->ifindex;
	if (prefix->family == AF_INET6)
		address->ifa_flags = IFA_F_NODAD;
	netlink_add(&request, IFA_LOCAL, prefix->address, address_len(prefix));
	netlink_add(&request, IFA_ADDRESS, prefix->address,
		    address_len(prefix));
	return netlink_exchange(&rtnl->netlink, &request);
}

/**
 * add_route() - Send a prefix through the link
 * @rtnl:	Open rtnetlink socket
 * @prefix:	The prefix, either family
 * Returns 0 or an errno value.
 */
static int add_route(struct rtnl *rtnl, const struct plan_prefix *prefix)
{
	struct netlink_request request;
	struct rtmsg *route =
		netlink_start(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
			      sizeof(*route));

	route->rtm_family = (unsigned char)prefix->family;
	route->rtm_dst_len = prefix->length;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_type = RTN_UNICAST;
	route->rtm_scope =
		prefix->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	if (prefix->length > 0)
		netlink_add(&request, RTA_DST, prefix->address,
			    address_len(prefix));
	netlink_add(&request, RTA_OIF, &rtnl->ifindex, sizeof(rtnl->ifindex));
	return netlink_exchange(&rtnl->netlink, &request);
}

/**
 * says_no_ipv6() - Does this errno value mean that there is no IPv6?
 * @errnum:	The value
 */
static bool says_no_ipv6(int errnum)
{
	return errnum == EACCES || errnum == EOPNOTSUPP ||
	       errnum == EAFNOSUPPORT;
}

/**
 * enable_ipv6() - Try to switch IPv6 on
 * @plan:	Names the interface
 * Returns whether it may work from here on.
 */
static bool enable_ipv6(const struct plan *plan)
{
	char name[64];

	snprintf(name, sizeof(name), "net/ipv6/conf/%s/disable_ipv6",
		 plan->interface);
	sysctl_set("net/ipv6/conf/lo/disable_ipv6", "0");
	return sysctl_set(name, "0");
}

/**
 * leave_out_ipv6() - Go on without IPv6, or die if nothing else was wanted
 * @rtnl:	Told that there is no IPv6
 * @plan:	The plan
 * @errnum:	What the kernel answered, or 0 if the MTU is too small
 */
static void leave_out_ipv6(struct rtnl *rtnl, const struct plan *plan,
			   int errnum)
{
	char setting[8] = "", reason[128];
	unsigned int i;

	text_read_line("/proc/sys/net/ipv6/conf/all/disable_ipv6", setting,
		       sizeof(setting));
	if (errnum == 0)
		snprintf(reason, sizeof(reason),
			 "IPv6 needs an MTU of %u (it is %u)",
			 (unsigned int)IPV6_MIN_MTU, plan->mtu);
	else if (strcmp(setting, "1") == 0)
		snprintf(reason, sizeof(reason),
			 "IPv6 is disabled on this host "
			 "(net.ipv6.conf.all.disable_ipv6=1)");
	else
		snprintf(reason, sizeof(reason),
			 "IPv6 is disabled on this host (%s)", errname(errnum));
	rtnl->has_ipv6 = false;
	for (i = 0; i < plan->address_count; i++) {
		if (plan->addresses[i].family == AF_INET) {
			warn("%s; continuing with IPv4 only", reason);
			return;
		}
	}
	die(STATUS_SETUP, "%s, and \"%s\" has no IPv4 address", reason,
	    plan->tunnel);
}

/**
 * add_prefix() - Add an address or a route, if its family is there
 * @rtnl:	Open rtnetlink socket
 * @plan:	The plan
 * @prefix:	The address or the route
 * @request:	add_address() or add_route()
 * @what:	Which of the two, for a message
 */
static void add_prefix(struct rtnl *rtnl, const struct plan *plan,
		       const struct plan_prefix *prefix,
		       int (*request)(struct rtnl *,
				      const struct plan_prefix *),
		       const char *what)
{
	char text[INET6_ADDRSTRLEN];
	int errnum;

	if (prefix->family == AF_INET6 && !rtnl->has_ipv6)
		return;
	errnum = request(rtnl, prefix);
	if (errnum == 0 || errnum == EEXIST)
		return;
	if (prefix->family == AF_INET6 && says_no_ipv6(errnum)) {
		if (enable_ipv6(plan))
			errnum = request(rtnl, prefix);
		if (errnum == 0 || errnum == EEXIST)
			return;
		if (says_no_ipv6(errnum)) {
			leave_out_ipv6(rtnl, plan, errnum);
			return;
		}
	}
	inet_ntop(prefix->family, prefix->address, text, sizeof(text));
	die(STATUS_SETUP, "can't give %s the %s %s/%u (%s)", plan->interface,
	    what, text, prefix->length, errname(errnum));
}

/**
 * wants_ipv6() - Is there anything of IPv6 in the plan?
 * @plan:	The plan
 */
static bool wants_ipv6(const struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->address_count; i++) {
		if (plan->addresses[i].family == AF_INET6)
			return true;
	}
	for (i = 0; i < plan->route_count; i++) {
		if (plan->routes[i].family == AF_INET6)
			return true;
	}
	return false;
}

/**
 * open_rtnl() - Open the socket, and find the interface
 * @rtnl:	Where they go
 * @plan:	Names the interface
 */
static void open_rtnl(struct rtnl *rtnl, const struct plan *plan)
{
	netlink_open(&rtnl->netlink);
	rtnl->ifindex = if_nametoindex(plan->interface);
	if (rtnl->ifindex == 0)
		die_errno("no interface %s", plan->interface);
}

/**
 * fill() - Bring the interface up with all that the plan says
 * @rtnl:	Open rtnetlink socket
 * @plan:	The plan
 */
static void fill(struct rtnl *rtnl, const struct plan *plan)
{
	unsigned int i;
	int errnum;

	bound_super_packets(rtnl, plan->mtu);
	errnum = set_link_up(rtnl, rtnl->ifindex, plan->mtu);
	if (errnum != 0)
		die(STATUS_SETUP, "can't bring %s up with MTU %u (%s)",
		    plan->interface, plan->mtu, errname(errnum));
	if (plan->mtu < IPV6_MIN_MTU && wants_ipv6(plan))
		leave_out_ipv6(rtnl, plan, 0);
	for (i = 0; i < plan->address_count; i++)
		add_prefix(rtnl, plan, &plan->addresses[i], add_address,
			   "address");
	for (i = 0; i < plan->route_count; i++)
		add_prefix(rtnl, plan, &plan->routes[i], add_route, "route");
}

/**
 * rtnl_configure() - Configure lo and the interface
 * @plan:	The plan; its interface exists
 */
void rtnl_configure(const struct plan *plan)
{
	struct rtnl rtnl = {.has_ipv6 = true};
	int errnum;

	open_rtnl(&rtnl, plan);
	errnum = set_link_up(&rtnl, LOOPBACK_INDEX, 0);
	if (errnum != 0)
		die(STATUS_SETUP, "can't bring lo up (%s)", errname(errnum));
	errnum = disable_link_local(&rtnl);
	if (errnum != 0 && !says_no_ipv6(errnum))
		die(STATUS_SETUP, "can't configure IPv6 of %s (%s)",
		    plan->interface, errname(errnum));
	fill(&rtnl, plan);
	netlink_close(&rtnl.netlink);
}

/**
 * rtnl_reconfigure() - Change the interface to what a plan says
 * @plan:	The plan
 */
void rtnl_reconfigure(const struct plan *plan)
{
	struct rtnl rtnl = {.has_ipv6 = true};

	open_rtnl(&rtnl, plan);
	rtnl_flush(&rtnl.netlink, rtnl.ifindex, plan);
	fill(&rtnl, plan);
	netlink_close(&rtnl.netlink);
}
