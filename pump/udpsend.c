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
 *	EAGAIN			wait until the socket takes more, and send the
 *				group again as it is; the TUN fills up
 *				meanwhile, and programs slow down
 *	else			counted: datagrams may be lost
 *
 * A full socket is what an upload finds most of the time, and is waited for only
 * when the other family's groups are out. A batch waits for FULL_MS altogether;
 * what is left then is dropped, and for a socket that has had no room for so
 * long the next batches don't wait, until it takes something again. So whoever
 * has another way out is held up once.
 */
#include "descriptors.h"

#include "activity.h"
#include "state.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
	/* With the socket's buffer full for this long the datagrams go. */
	FULL_MS = 1000,
};

/* The groups of one family, in order. */
struct line {
	int family, count, sent;
	struct group *groups[BODY_GROUPS];
	/* One for each, encoded. */
	struct mmsghdr *messages;
	struct message_buffers *buffers;
};

/**
 * family_of() - The family of an endpoint
 * @to:		Endpoint
 */
static int family_of(const struct pump_endpoint *to)
{
	return to->family == 4 ? FAMILY4 : FAMILY6;
}

/**
 * socket_of() - The socket for an endpoint
 * @descriptors: Body
 * @to:		Endpoint
 */
static int socket_of(const struct descriptors *descriptors,
		     const struct pump_endpoint *to)
{
	return descriptors->udp[family_of(to)];
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
 * send_message() - Send one message
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
	ssize_t sent;

	if (fd < 0)
		return EAFNOSUPPORT;
	udp_encode(&header, &buffers, group);
	do
		sent = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? errno : 0;
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
 * @group:	Group, which loses what was sent; its endpoint may be changed
 * Returns false if there was no room for all.
 */
static bool send_singly(struct descriptors *descriptors, struct group *group)
{
	struct pump *pump = descriptors->pump;
	struct group one;
	int error;

	while (group->count > 0) {
		one = *group;
		one.count = 1;
		if (one.len > one.segment)
			one.len = one.segment;
		error = send_message(descriptors, &one);
		if (error && one.to.has_local && is_about_source(error)) {
			forget_local(pump, group);
			one.to = group->to;
			error = send_message(descriptors, &one);
		}
		if (error == EAGAIN)
			return false;
		if (error)
			activity_error(pump->activity->udp_send_errors, error,
				       1);
		group->bytes += one.len;
		group->len -= one.len;
		group->count--;
	}
	return true;
}

/**
 * send_again() - Send a group that the kernel has refused
 * @descriptors: Body
 * @group:	Group, which loses what was sent
 * @error:	errno
 * Returns false if there was no room for all.
 */
static bool send_again(struct descriptors *descriptors, struct group *group,
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
	return send_singly(descriptors, group);
}

/**
 * line_up() - Encode the groups of one family
 * @descriptors: Body
 * @line:	Gets them; its family and its messages are given
 * @groups:	Groups of both
 * @count:	Their number
 */
static void line_up(struct descriptors *descriptors, struct line *line,
		    struct group *groups, int count)
{
	struct pump_activity *activity = descriptors->pump->activity;
	int i;

	line->count = line->sent = 0;
	for (i = 0; i < count; i++) {
		if (family_of(&groups[i].to) != line->family)
			continue;
		if (descriptors->udp[line->family] < 0) {
			activity_error(activity->udp_send_errors, EAFNOSUPPORT,
				       groups[i].count);
			continue;
		}
		udp_encode(&line->messages[line->count].msg_hdr,
			   &line->buffers[line->count], &groups[i]);
		line->groups[line->count++] = &groups[i];
	}
}

/**
 * send_line() - Send as much of a line as there is room for
 * @descriptors: Body
 * @line:	Line
 */
static void send_line(struct descriptors *descriptors, struct line *line)
{
	struct group *group;
	int result;

	while (line->sent < line->count) {
		result = sendmmsg(descriptors->udp[line->family],
				  line->messages + line->sent,
				  (unsigned int)(line->count - line->sent),
				  MSG_DONTWAIT | MSG_NOSIGNAL);
		if (result > 0) {
			line->sent += result;
			descriptors->is_stuck[line->family] = false;
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EINTR)
			continue;
		group = line->groups[line->sent];
		if (!send_again(descriptors, group, errno)) {
			/* What is left of it comes to the same once more. */
			udp_encode(&line->messages[line->sent].msg_hdr,
				   &line->buffers[line->sent], group);
			return;
		}
		line->sent++;
	}
}

/**
 * wait_for_room() - Wait until a socket with something left takes more
 * @descriptors: Body
 * @lines:	Lines
 * @until:	At most until then, CLOCK_BOOTTIME in ms
 * Returns false if none does, or if the thread is to end.
 */
static bool wait_for_room(const struct descriptors *descriptors,
			  const struct line lines[FAMILIES], uint64_t until)
{
	const struct body *body = &descriptors->pump->body;
	uint64_t now = body->calls->now(body->context);
	struct pollfd fds[FAMILIES + 1];
	bool has_left = false;
	int i;

	for (i = 0; i < FAMILIES; i++) {
		bool waits = lines[i].sent < lines[i].count &&
			     !descriptors->is_stuck[i];

		fds[i].fd = waits ? descriptors->udp[i] : -1;
		fds[i].events = POLLOUT;
		has_left = has_left || waits;
	}
	fds[FAMILIES] =
		(struct pollfd){.fd = descriptors->stop_fd, .events = POLLIN};
	return has_left && now < until &&
	       poll(fds, FAMILIES + 1, (int)(until - now)) > 0 &&
	       fds[FAMILIES].revents == 0;
}

/**
 * drop_rest() - Count what there was no room for
 * @descriptors: Body
 * @line:	Line
 */
static void drop_rest(struct descriptors *descriptors, const struct line *line)
{
	uint32_t count = 0;
	int i;

	for (i = line->sent; i < line->count; i++)
		count += line->groups[i]->count;
	if (count == 0)
		return;
	activity_drop(descriptors->pump->activity, PUMP_QUEUE_FULL, count);
	descriptors->is_stuck[line->family] = true;
}

/**
 * udp_send() - Send groups
 * @context:	Body
 * @groups:	Groups, those of a family in the order in which they are to go
 * @count:	Their number
 * @began:	When the batch began, CLOCK_BOOTTIME in ms
 */
void udp_send(void *context, struct group *groups, int count, uint64_t began)
{
	struct descriptors *descriptors = context;
	struct pump_activity *activity = descriptors->pump->activity;
	struct line lines[FAMILIES];
	int family, used = 0, i;

	for (i = 0; i < count; i++) {
		activity_add(&activity->udp_datagrams_sent, groups[i].count);
		if (groups[i].count > 1)
			activity_add(&activity->udp_groups, 1);
	}
	for (family = 0; family < FAMILIES; family++) {
		lines[family].family = family;
		lines[family].messages = descriptors->sends + used;
		lines[family].buffers = descriptors->send_buffers + used;
		line_up(descriptors, &lines[family], groups, count);
		used += lines[family].count;
	}
	do
		for (family = 0; family < FAMILIES; family++)
			send_line(descriptors, &lines[family]);
	while (wait_for_room(descriptors, lines, began + FULL_MS));
	for (family = 0; family < FAMILIES; family++)
		drop_rest(descriptors, &lines[family]);
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
		udp_encode(&header, &buffers, &group);
		if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (!group.to.has_local || !is_about_source(errno))
			break;
		group.to.has_local = 0;
	}
	return -errno;
}
