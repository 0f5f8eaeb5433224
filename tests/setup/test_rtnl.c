/* SPDX-License-Identifier: MIT */
/*
 * test_rtnl.c - the requests that configure the network, and missing IPv6
 *
 * The kernel is a script: netlink_exchange() and sysctl_set() are replaced by
 * functions that print what they are asked and answer as the case wants.
 */
#include "rtnl.h"

#include "gso.h"
#include "netlink.h"
#include "plan.h"
#include "sysctl.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>

/* What the kernel answers. */
static struct {
	int ipv6_errnum;
	int errnum;
	int bound_errnum;
	bool enables;
} script;

/* Prints the attributes of a request in their order. */
static void print_attributes(const struct rtattr *attribute, size_t len,
			     int depth)
{
	char text[INET6_ADDRSTRLEN];
	size_t size;

	for (; RTA_OK(attribute, len); attribute = RTA_NEXT(attribute, len)) {
		size = RTA_PAYLOAD(attribute);
		if (size == 4 && depth == 0 &&
		    attribute->rta_type != IFA_LOCAL &&
		    attribute->rta_type != IFA_ADDRESS)
			printf(" %u=%u", attribute->rta_type,
			       *(const unsigned int *)RTA_DATA(attribute));
		else if (size == 1)
			printf(" %u=%u", attribute->rta_type,
			       *(const unsigned char *)RTA_DATA(attribute));
		else if (size == 4 || size == 16)
			printf(" %u=%s", attribute->rta_type,
			       inet_ntop(size == 4 ? AF_INET : AF_INET6,
					 RTA_DATA(attribute), text,
					 sizeof(text)));
		else {
			printf(" %u={", attribute->rta_type);
			print_attributes(RTA_DATA(attribute), size, depth + 1);
			printf(" }");
		}
	}
}

int __wrap_netlink_exchange(struct netlink *netlink,
			    struct netlink_request *request);
bool __wrap_sysctl_set(const char *name, const char *value);

int __wrap_netlink_exchange(struct netlink *netlink,
			    struct netlink_request *request)
{
	const struct nlmsghdr *header = &request->header;
	const struct ifinfomsg *link = NLMSG_DATA(header);
	const struct ifaddrmsg *address = NLMSG_DATA(header);
	const struct rtmsg *route = NLMSG_DATA(header);
	size_t size = 0;
	bool is_ipv6 = false;

	(void)netlink;
	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
		printf("link %s %s", link->ifi_index == 1 ? "1" : "other",
		       link->ifi_flags & IFF_UP ? "up" : "as it is");
		size = sizeof(*link);
		break;
	case RTM_NEWADDR:
		printf("address /%u flags %02x", address->ifa_prefixlen,
		       address->ifa_flags);
		size = sizeof(*address);
		is_ipv6 = address->ifa_family == AF_INET6;
		break;
	case RTM_NEWROUTE:
		printf("route /%u scope %u proto %u", route->rtm_dst_len,
		       route->rtm_scope, route->rtm_protocol);
		size = sizeof(*route);
		is_ipv6 = route->rtm_family == AF_INET6;
		break;
	}
	print_attributes((const void *)((const char *)NLMSG_DATA(header) +
					NLMSG_ALIGN(size)),
			 header->nlmsg_len - NLMSG_SPACE(size), 0);
	printf("\n");
	fflush(stdout);
	if (header->nlmsg_type == RTM_NEWLINK &&
	    netlink_attribute(header, sizeof(*link), IFLA_GSO_MAX_SIZE))
		return script.bound_errnum;
	return is_ipv6 ? script.ipv6_errnum
		       : (header->nlmsg_type == RTM_NEWLINK ? 0
							    : script.errnum);
}

bool __wrap_sysctl_set(const char *name, const char *value)
{
	printf("sysctl %s=%s\n", name, value);
	fflush(stdout);
	if (script.enables)
		script.ipv6_errnum = 0;
	return script.enables;
}

/* Configures from a plan in a child. */
static void configure(const void *plan)
{
	rtnl_configure(plan);
}

static char lo[] = "lo", name[] = "work";

/* A plan of one address and one route of each family. */
static struct plan make_plan(struct plan_prefix routes[2])
{
	struct plan plan = {.interface = lo, .tunnel = name, .mtu = 1420};

	plan.addresses[0] = (struct plan_prefix){AF_INET, 24, {10, 2, 0, 9}};
	plan.addresses[1] =
		(struct plan_prefix){AF_INET6, 64, {0xfd, [15] = 9}};
	plan.address_count = 2;
	routes[0] = (struct plan_prefix){AF_INET, 0, {0}};
	routes[1] = (struct plan_prefix){AF_INET6, 7, {0xfc}};
	plan.routes = routes;
	plan.route_count = 2;
	return plan;
}

#define LINKS                                                                  \
	"link 1 up\n"                                                          \
	"link 1 as it is 26={ 10={ 8=1 } }\n"                                  \
	"link 1 as it is 41=61612 63=61612\n"                                  \
	"link 1 up 4=1420\n"
#define ADDRESS4 "address /24 flags 00 2=10.2.0.9 1=10.2.0.9\n"
#define ADDRESS6 "address /64 flags 02 2=fd00::9 1=fd00::9\n"
#define ROUTE4	 "route /0 scope 253 proto 4 4=1\n"
#define ROUTE6	 "route /7 scope 0 proto 4 1=fc00:: 4=1\n"
#define ENABLE(interface)                                                      \
	"sysctl net/ipv6/conf/lo/disable_ipv6=0\n"                             \
	"sysctl net/ipv6/conf/" interface "/disable_ipv6=0\n"

static void check_configured(const struct plan *plan, int status,
			     const char *expected)
{
	char output[4096];

	CHECK(run_apart(configure, plan, output, sizeof(output)) == status);
	CHECK_TEXT(output, expected);
}

static void asks_in_order(void)
{
	struct plan_prefix routes[2];
	struct plan plan = make_plan(routes);

	memset(&script, 0, sizeof(script));
	check_configured(&plan, 0, LINKS ADDRESS4 ADDRESS6 ROUTE4 ROUTE6);
}

static void takes_what_exists(void)
{
	struct plan_prefix routes[2];
	struct plan plan = make_plan(routes);

	memset(&script, 0, sizeof(script));
	script.errnum = EEXIST;
	script.ipv6_errnum = EEXIST;
	check_configured(&plan, 0, LINKS ADDRESS4 ADDRESS6 ROUTE4 ROUTE6);
}

static void enables_ipv6(void)
{
	struct plan_prefix routes[2];
	struct plan plan = make_plan(routes);

	memset(&script, 0, sizeof(script));
	script.ipv6_errnum = EACCES;
	script.enables = true;
	check_configured(&plan, 0,
			 LINKS ADDRESS4 ADDRESS6 ENABLE("lo")
				 ADDRESS6 ROUTE4 ROUTE6);
}

static void leaves_ipv6_out(void)
{
	static const int errnums[] = {EACCES, EOPNOTSUPP, EAFNOSUPPORT};
	static const char *const warnings[] = {
		"wg-wrap: IPv6 is disabled on this host (EACCES); continuing "
		"with IPv4 only\n",
		"wg-wrap: IPv6 is disabled on this host (EOPNOTSUPP); "
		"continuing with IPv4 only\n",
		"wg-wrap: IPv6 is disabled on this host (EAFNOSUPPORT); "
		"continuing with IPv4 only\n"};
	struct plan_prefix routes[2];
	struct plan plan = make_plan(routes);
	char expected[2048];
	int i;

	for (i = 0; i < 3; i++) {
		memset(&script, 0, sizeof(script));
		script.ipv6_errnum = errnums[i];
		snprintf(expected, sizeof(expected),
			 LINKS ADDRESS4 ADDRESS6 ENABLE("lo") "%s" ROUTE4,
			 warnings[i]);
		check_configured(&plan, 0, expected);
	}
}

static void refuses_without_ipv4(void)
{
	struct plan_prefix routes[2];
	struct plan plan = make_plan(routes);

	memset(&script, 0, sizeof(script));
	script.ipv6_errnum = EAFNOSUPPORT;
	plan.addresses[0] = plan.addresses[1];
	plan.address_count = 1;
	check_configured(&plan, 125,
			 LINKS ADDRESS6 ENABLE(
				 "lo") "wg-wrap: IPv6 is disabled on this host "
				       "(EAFNOSUPPORT), and \"work\" has no "
				       "IPv4 address\n");
}

static void needs_mtu_for_ipv6(void)
{
	struct plan_prefix routes[2];
	struct plan plan = make_plan(routes);

	memset(&script, 0, sizeof(script));
	plan.mtu = 1279;
	check_configured(&plan, 0,
			 "link 1 up\n"
			 "link 1 as it is 26={ 10={ 8=1 } }\n"
			 "link 1 as it is 41=60175 63=60175\n"
			 "link 1 up 4=1279\n"
			 "wg-wrap: IPv6 needs an MTU of 1280 (it is 1279); "
			 "continuing with IPv4 only\n" ADDRESS4 ROUTE4);
}

static void names_what_is_refused(void)
{
	struct plan_prefix routes[2];
	struct plan plan = make_plan(routes);

	memset(&script, 0, sizeof(script));
	script.errnum = EINVAL;
	check_configured(&plan, 125,
			 LINKS ADDRESS4 "wg-wrap: can't give lo the address "
					"10.2.0.9/24 (EINVAL)\n");
	/* EACCES means a missing family for IPv6 alone. */
	script.errnum = EACCES;
	check_configured(&plan, 125,
			 LINKS ADDRESS4 "wg-wrap: can't give lo the address "
					"10.2.0.9/24 (EACCES)\n");
}

/* What the pump makes of a super-packet of that size is one group and no more:
 * 64 datagrams, and 65487 bytes. */
static void bounds_super_packets(void)
{
	static const struct {
		unsigned int mtu, bytes;
	} cases[] = {
		{576, 64 * 524 + 52},	 {1280, 49 * 1228 + 52},
		{1420, 45 * 1368 + 52},	 {9000, 7 * 8948 + 52},
		{32711, 2 * 32659 + 52}, {32712, 65536},
		{65535, 65536},
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK(gso_max_size(cases[i].mtu) == cases[i].bytes);
}

static void goes_on_unbounded(void)
{
	struct plan_prefix routes[2];
	struct plan plan = make_plan(routes);

	memset(&script, 0, sizeof(script));
	script.bound_errnum = EINVAL;
	check_configured(&plan, 0, LINKS ADDRESS4 ADDRESS6 ROUTE4 ROUTE6);
}

int main(void)
{
	TEST("links, addresses and routes are asked for in that order",
	     asks_in_order);
	TEST("what exists already is success", takes_what_exists);
	TEST("IPv6 that is switched off is switched on", enables_ipv6);
	TEST("missing IPv6 is left out with one warning", leaves_ipv6_out);
	TEST("missing IPv6 is an error where there is nothing else",
	     refuses_without_ipv4);
	TEST("IPv6 is left out below its smallest MTU", needs_mtu_for_ipv6);
	TEST("a super-packet is as large as what goes out with one call",
	     bounds_super_packets);
	TEST("a kernel that bounds no super-packets is good enough",
	     goes_on_unbounded);
	TEST("a refusal names the address and the errno",
	     names_what_is_refused);
	return report();
}
