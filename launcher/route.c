/* SPDX-License-Identifier: MIT */
/*
 * route.c - how the host would send to an address
 *
 * A host's routing changes all the time, with each container that comes and
 * goes. What matters to a tunnel is whether its own datagrams take another way:
 * the interface, the gateway, the source address. One question to the kernel
 * tells that; it needs no privilege.
 */
#include "route.h"

#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_MAX = 4096, PATIENCE_S = 1 };

/**
 * route_open() - Open a socket to look up routes with
 * Returns the descriptor, or -1.
 */
int route_open(void)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	/* The kernel answers at once, or something is wrong with it. */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				  sizeof(patience)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/**
 * route_target() - Read an address
 * @text:	Its text
 * @target:	Where it goes
 */
bool route_target(const char *text, struct route_target *target)
{
	memset(target, 0, sizeof(*target));
	target->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(target->family, text, target->address) == 1;
}

/**
 * copy() - Copy an attribute's value
 * @to:		Where it goes, zeroed
 * @room:	Bytes there
 * @attribute:	Attribute
 * A value that is longer than any known is cut off, and still tells a change.
 */
static void copy(void *to, size_t room, const struct rtattr *attribute)
{
	size_t len = RTA_PAYLOAD(attribute);

	memcpy(to, RTA_DATA(attribute), len < room ? len : room);
}

/**
 * route_read() - Read the kernel's answer
 * @message:	First message
 * @len:	Bytes received
 * @route:	Where it goes
 */
bool route_read(const struct nlmsghdr *message, size_t len, struct route *route)
{
	const struct rtattr *attribute;
	const struct rtmsg *kind;
	ssize_t left; /* as in netlink.c */

	memset(route, 0, sizeof(*route));
	if (len < sizeof(*message) || !NLMSG_OK(message, len))
		return false;
	if (message->nlmsg_type == NLMSG_ERROR) {
		route->errnum = netlink_errnum(message);
		return route->errnum > 0;
	}
	if (message->nlmsg_type != RTM_NEWROUTE ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
		return false;
	kind = NLMSG_DATA(message);
	if (kind->rtm_type == RTN_UNREACHABLE ||
	    kind->rtm_type == RTN_BLACKHOLE || kind->rtm_type == RTN_PROHIBIT)
		route->errnum = ENETUNREACH;
	attribute = RTM_RTA(kind);
	left = (ssize_t)RTM_PAYLOAD(message);
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == RTA_OIF)
			copy(&route->interface, sizeof(route->interface),
			     attribute);
		else if (attribute->rta_type == RTA_GATEWAY ||
			 attribute->rta_type == RTA_VIA)
			copy(route->gateway, sizeof(route->gateway), attribute);
		else if (attribute->rta_type == RTA_PREFSRC)
			copy(route->source, sizeof(route->source), attribute);
	}
	return true;
}

/**
 * route_look_up() - Ask the kernel for a route
 * @socket:	From route_open()
 * @target:	Where to
 * @route:	Gets the answer
 */
bool route_look_up(int socket, const struct route_target *target,
		   struct route *route)
{
	static unsigned int sequence;
	size_t size = target->family == AF_INET ? 4 : 16;
	union {
		struct nlmsghdr header;
		char bytes[ANSWER_MAX];
	} answer;
	struct netlink_request request;
	struct rtmsg *question;
	ssize_t got;

	question = netlink_start(&request, RTM_GETROUTE, 0, sizeof(*question));
	question->rtm_family = target->family;
	question->rtm_dst_len = (unsigned char)(8 * size);
	netlink_add(&request, RTA_DST, target->address, size);
	/* The answer is enough. */
	request.header.nlmsg_flags = NLM_F_REQUEST;
	request.header.nlmsg_seq = ++sequence;
	if (send(socket, &request, request.header.nlmsg_len, 0) < 0)
		return false;
	/* An answer that came too late is not taken for this one's. */
	do {
		got = recv(socket, &answer, sizeof(answer), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < (ssize_t)sizeof(answer.header))
			return false;
	} while (got < 0 || answer.header.nlmsg_seq != sequence);
	return route_read(&answer.header, (size_t)got, route);
}
