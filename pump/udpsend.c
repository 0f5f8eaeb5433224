/* SPDX-License-Identifier: MIT */
/*
 * udpsend.c - groups of datagrams out of the sockets
 *
 * A group is one message of sendmmsg(2), cut by the kernel or the network card
 * (UDP_SEGMENT, udp(7)). Its errors, and what follows:
 *
 *	EIO			the way out can't compute checksums: no groups
 *				on this socket any more
 *	EINVAL, EMSGSIZE	a datagram exceeds the way's MTU: then only IP
 *				may cut it. Singly
 *	the local address's	forget it, and send once more
 *	EAGAIN			wait until the socket takes more; the TUN fills
 *				up meanwhile, and programs slow down
 *	else			counted: datagrams may be lost
 */
#include "descriptors.h"

#include "activity.h"
#include "state.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	/* With the socket's buffer full for this long the datagrams go. */
	FULL_MS = 1000,
};

/**
 * put() - Append a control message
 * @header:	Message, whose control buffer has room
 * @level:	Its level
 * @type:	Its type
 * @data:	Its content
 * @len:	Length of that
 */
static void put(struct msghdr *header, int level, int type, const void *data,
		size_t len)
{
	struct cmsghdr *control =
		(struct cmsghdr *)((uint8_t *)header->msg_control +
				   header->msg_controllen);

	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(control), data, len);
	header->msg_controllen += CMSG_SPACE(len);
}

/**
 * put_local() - Say from which address to send
 * @header:	Message
 * @to:		Endpoint with a local address
 */
static void put_local(struct msghdr *header, const struct pump_endpoint *to)
{
	struct in6_pktinfo info6 = {0};
	struct in_pktinfo info4 = {0};

	if (to->family == 4) {
		memcpy(&info4.ipi_spec_dst, to->local, 4);
		put(header, IPPROTO_IP, IP_PKTINFO, &info4, sizeof(info4));
		return;
	}
	memcpy(&info6.ipi6_addr, to->local, 16);
	info6.ipi6_ifindex = to->local_interface;
	put(header, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
}

/**
 * encode() - Make a message of datagrams for one endpoint
 * @header:	Gets the message
 * @buffers:	Of the message
 * @group:	Datagrams
 */
static void encode(struct msghdr *header, struct message_buffers *buffers,
		   const struct group *group)
{
	uint16_t segment = (uint16_t)group->segment;
	int class = group->tos;

	memset(header, 0, sizeof(*header));
	header->msg_name = &buffers->name;
	header->msg_namelen = endpoint_encode(&group->to, &buffers->name);
	buffers->piece = (struct iovec){group->bytes, group->len};
	header->msg_iov = &buffers->piece;
	header->msg_iovlen = 1;
	header->msg_control = buffers->control;
	if (class != 0 && group->to.family == 4)
		put(header, IPPROTO_IP, IP_TOS, &class, sizeof(class));
	else if (class != 0)
		put(header, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
	if (group->to.has_local)
		put_local(header, &group->to);
	if (group->count > 1)
		put(header, IPPROTO_UDP, UDP_SEGMENT, &segment,
		    sizeof(segment));
	if (header->msg_controllen == 0)
		header->msg_control = NULL;
}

/**
 * socket_of() - The socket for an endpoint
 * @descriptors: Body
 * @to:		Endpoint
 */
static int socket_of(const struct descriptors *descriptors,
		     const struct pump_endpoint *to)
{
	return descriptors->udp[to->family == 4 ? FAMILY4 : FAMILY6];
}

/**
 * is_about_source() - Whether an error says that the local address is gone
 * @error:	errno
 */
static bool is_about_source(int error)
{
	return error == EINVAL || error == ENETUNREACH ||
	       error == EADDRNOTAVAIL || error == ENODEV;
}

/**
 * wait_for_room() - Wait until a socket takes more
 * @descriptors: Body
 * @fd:		Socket
 * Returns false if it doesn't, or if the thread is to end.
 */
static bool wait_for_room(const struct descriptors *descriptors, int fd)
{
	struct pollfd fds[] = {
		{.fd = fd, .events = POLLOUT},
		{.fd = descriptors->stop_fd, .events = POLLIN},
	};

	return poll(fds, 2, FULL_MS) > 0 && fds[1].revents == 0;
}

/**
 * send_message() - Send one message, waiting for room
 * @descriptors: Body
 * @group:	Datagrams; one, or as many as a group may have
 * Returns 0 or a positive errno.
 */
static int send_message(struct descriptors *descriptors,
			const struct group *group)
{
	int fd = socket_of(descriptors, &group->to);
	struct message_buffers buffers;
	struct msghdr header;

	if (fd < 0)
		return EAFNOSUPPORT;
	encode(&header, &buffers, group);
	for (;;) {
		if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || !wait_for_room(descriptors, fd))
			return errno;
	}
}

/**
 * forget_local() - Let the routes choose where a peer's datagrams leave from
 * @pump:	Pump
 * @group:	Its datagrams; its endpoint is changed
 */
static void forget_local(struct pump *pump, struct group *group)
{
	struct peer *peer = &pump->peers[group->peer];
	struct pump_endpoint known;

	pthread_mutex_lock(&pump->endpoints_lock);
	endpoint_read(&peer->endpoint, &known);
	if (memcmp(&known, &group->to, sizeof(known)) == 0) {
		known.has_local = 0;
		known.local_interface = 0;
		memset(known.local, 0, sizeof(known.local));
		endpoint_write(&peer->endpoint, &known);
	}
	pthread_mutex_unlock(&pump->endpoints_lock);
	group->to.has_local = 0;
}

/**
 * send_singly() - Send the datagrams of a group one by one
 * @descriptors: Body
 * @group:	Group; its endpoint may be changed
 */
static void send_singly(struct descriptors *descriptors, struct group *group)
{
	struct pump *pump = descriptors->pump;
	struct group one = *group;
	uint32_t at;
	int error;

	one.count = 1;
	for (at = 0; at < group->len; at += group->segment) {
		one.bytes = group->bytes + at;
		one.len = group->len - at < group->segment ? group->len - at
							   : group->segment;
		error = send_message(descriptors, &one);
		if (error && one.to.has_local && is_about_source(error)) {
			forget_local(pump, &one);
			error = send_message(descriptors, &one);
		}
		if (error)
			activity_error(pump->activity->udp_send_errors, error,
				       1);
	}
}

/**
 * send_again() - Send a group that the kernel has refused
 * @descriptors: Body
 * @group:	Group
 * @error:	errno
 */
static void send_again(struct descriptors *descriptors, struct group *group,
		       int error)
{
	struct body *body = &descriptors->pump->body;

	if (error == EIO && group->count > 1) {
		if (group->to.family == 4)
			body->groups4 = false;
		else
			body->groups6 = false;
		offload_note(descriptors->pump,
			     group->to.family == 4 ? PUMP_USES_SEGMENT4
						   : PUMP_USES_SEGMENT6,
			     false);
	}
	/* All that is left may be the matter of one datagram. */
	send_singly(descriptors, group);
}

/**
 * send_run() - Send groups of one family
 * @descriptors: Body
 * @groups:	Groups
 * @count:	Their number
 */
static void send_run(struct descriptors *descriptors, struct group *groups,
		     int count)
{
	int fd = socket_of(descriptors, &groups[0].to), i, sent = 0, result;

	for (i = 0; i < count; i++)
		encode(&descriptors->sends[i].msg_hdr,
		       &descriptors->send_buffers[i], &groups[i]);
	while (sent < count) {
		result = sendmmsg(fd, &descriptors->sends[sent],
				  (unsigned int)(count - sent),
				  MSG_DONTWAIT | MSG_NOSIGNAL);
		if (result > 0)
			sent += result;
		else if (errno != EINTR)
			/* Without room it is here that is waited for it. */
			send_again(descriptors, &groups[sent++], errno);
	}
}

/**
 * udp_send() - Send groups
 * @context:	Body
 * @groups:	Groups, in the order in which they are to go
 * @count:	Their number
 */
void udp_send(void *context, struct group *groups, int count)
{
	struct descriptors *descriptors = context;
	struct pump_activity *activity = descriptors->pump->activity;
	int from = 0, to, i;

	for (i = 0; i < count; i++) {
		activity_add(&activity->udp_datagrams_sent, groups[i].count);
		if (groups[i].count > 1)
			activity_add(&activity->udp_groups, 1);
	}
	for (; from < count; from = to) {
		for (to = from + 1; to < count; to++)
			if (groups[to].to.family != groups[from].to.family)
				break;
		if (socket_of(descriptors, &groups[from].to) >= 0)
			send_run(descriptors, groups + from, to - from);
		else
			for (i = from; i < to; i++)
				activity_error(activity->udp_send_errors,
					       EAFNOSUPPORT, groups[i].count);
	}
}

/**
 * udp_send_one() - Send a datagram of the core's; for the caller's thread
 * @descriptors: Body
 * @to:		Where to
 * @tos:	Outer class
 * @datagram:	Datagram
 * @len:	Its length
 * Returns 0 or a negative errno.
 */
int udp_send_one(struct descriptors *descriptors,
		 const struct pump_endpoint *to, uint8_t tos,
		 const void *datagram, uint32_t len)
{
	struct group group = {
		.to = *to,
		.bytes = (uint8_t *)(uintptr_t)datagram,
		.len = len,
		.segment = len,
		.count = 1,
		.tos = tos,
	};
	int fd = socket_of(descriptors, to), attempt;
	struct message_buffers buffers;
	struct msghdr header;

	if (fd < 0)
		return -EAFNOSUPPORT;
	for (attempt = 0; attempt < 2; attempt++) {
		encode(&header, &buffers, &group);
		if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (!group.to.has_local || !is_about_source(errno))
			break;
		group.to.has_local = 0;
	}
	return -errno;
}
