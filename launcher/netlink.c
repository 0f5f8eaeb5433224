/* SPDX-License-Identifier: MIT */
/*
 * netlink.c - one rtnetlink request at a time, with its answer
 *
 * How much is left of an answer is counted with a sign: the kernel's macros
 * round each length up, and so go below nothing where the last one isn't even.
 */
#include "netlink.h"

#include "die.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 1024,
	DUMP_MAX = 32768,
	ERRNUM_MAX = 4095, /* of the kernel's */
};

/**
 * netlink_start() - Begin a request
 * @request:	The request
 * @type:	RTM_...
 * @flags:	NLM_F_..., besides those of every request
 * @size:	Bytes of the fixed part
 * Returns the fixed part, zeroed.
 */
void *netlink_start(struct netlink_request *request, unsigned short type,
		    unsigned short flags, size_t size)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = (unsigned int)NLMSG_LENGTH(size);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags =
		(unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return NLMSG_DATA(&request->header);
}

/**
 * netlink_add() - Append an attribute
 * @request:	The request; no request here comes near NETLINK_REQUEST_MAX
 * @type:	Attribute type
 * @data:	Its value, or NULL for a nest that is ended by netlink_end()
 * @len:	Bytes of it
 * Returns the attribute.
 */
struct rtattr *netlink_add(struct netlink_request *request, unsigned short type,
			   const void *data, size_t len)
{
	size_t offset = NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (void *)(request->bytes + offset);

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len > 0)
		memcpy(RTA_DATA(attribute), data, len);
	request->header.nlmsg_len =
		(unsigned int)(offset + RTA_ALIGN(attribute->rta_len));
	return attribute;
}

/**
 * netlink_end() - End an attribute that holds others
 * @request:	The request
 * @nest:	The attribute
 */
void netlink_end(struct netlink_request *request, struct rtattr *nest)
{
	nest->rta_len =
		(unsigned short)(request->bytes + request->header.nlmsg_len -
				 (char *)nest);
}

/**
 * netlink_errnum() - Tell how the kernel has answered
 * @message:	A whole message
 * Returns 0 or an errno value, or -1 if it says nothing of that.
 */
int netlink_errnum(const struct nlmsghdr *message)
{
	const struct nlmsgerr *result = NLMSG_DATA(message);

	if (message->nlmsg_type != NLMSG_ERROR ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*result)) ||
	    result->error > 0 || result->error < -ERRNUM_MAX)
		return -1;
	return -result->error;
}

/**
 * netlink_exchange() - Send a request and wait for its acknowledgement
 * @netlink:	Open socket
 * @request:	The request
 * Returns 0 or an errno value.
 */
int netlink_exchange(struct netlink *netlink, struct netlink_request *request)
{
	union {
		struct nlmsghdr header;
		char bytes[ANSWER_MAX];
	} answer;
	int errnum = -1;
	ssize_t got;

	request->header.nlmsg_seq = ++netlink->sequence;
	if (send(netlink->socket, request, request->header.nlmsg_len, 0) < 0)
		die_errno("can't ask the kernel to configure the network");
	do {
		got = recv(netlink->socket, &answer, sizeof(answer), 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		die_errno("no answer about the network from the kernel");
	if (NLMSG_OK(&answer.header, got) &&
	    answer.header.nlmsg_seq == netlink->sequence)
		errnum = netlink_errnum(&answer.header);
	if (errnum < 0)
		die(STATUS_SETUP, "internal: unexpected rtnetlink message");
	return errnum;
}

/**
 * netlink_take_part() - Hand the messages of one part of a list on
 * @sequence:	Of the request
 * @part:	The part
 * @len:	Bytes of it
 * @take:	Who gets them
 * @context:	For them
 * Returns what to do next.
 */
enum netlink_next
netlink_take_part(unsigned int sequence, const char *part, size_t len,
		  void (*take)(const struct nlmsghdr *message, void *context),
		  void *context)
{
	const struct nlmsghdr *message = (const void *)part;
	ssize_t left = (ssize_t)len;

	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		if (message->nlmsg_seq != sequence)
			continue;
		if (message->nlmsg_type == NLMSG_DONE)
			return NETLINK_END;
		if (message->nlmsg_type == NLMSG_ERROR)
			return NETLINK_REFUSED;
		take(message, context);
	}
	return NETLINK_MORE;
}

/**
 * netlink_dump() - Send a request for a list
 * @netlink:	Open socket
 * @request:	The request, with NLM_F_DUMP
 * @take:	Gets each message
 * @context:	For it
 */
void netlink_dump(struct netlink *netlink, struct netlink_request *request,
		  void (*take)(const struct nlmsghdr *message, void *context),
		  void *context)
{
	static union {
		struct nlmsghdr header;
		char bytes[DUMP_MAX];
	} part;
	enum netlink_next next = NETLINK_MORE;
	ssize_t got;

	request->header.nlmsg_seq = ++netlink->sequence;
	if (send(netlink->socket, request, request->header.nlmsg_len, 0) < 0)
		die_errno("can't ask the kernel about the network");
	while (next == NETLINK_MORE) {
		got = recv(netlink->socket, &part, sizeof(part), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die_errno("no answer about the network from the "
				  "kernel");
		next = netlink_take_part(netlink->sequence, part.bytes,
					 (size_t)got, take, context);
	}
	if (next == NETLINK_REFUSED)
		die(STATUS_SETUP,
		    "the kernel refuses to list addresses and routes");
}

/**
 * netlink_attribute() - Find an attribute of a message
 * @message:	The message
 * @size:	Bytes of its fixed part
 * @type:	Attribute type
 */
const struct rtattr *netlink_attribute(const struct nlmsghdr *message,
				       size_t size, unsigned short type)
{
	ssize_t left = (ssize_t)message->nlmsg_len - (ssize_t)NLMSG_SPACE(size);
	const struct rtattr *attribute =
		(const void *)((const char *)message + NLMSG_SPACE(size));

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == type)
			return attribute;
	}
	return NULL;
}

/**
 * netlink_open() - Open the socket
 * @netlink:	Where it goes
 * An error isn't answered with a copy of the request: small answers are enough.
 * Kernels without that option are read all the same.
 */
void netlink_open(struct netlink *netlink)
{
	int on = 1;

	netlink->sequence = 0;
	netlink->socket =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (netlink->socket < 0)
		die_errno("can't open an rtnetlink socket");
	setsockopt(netlink->socket, SOL_NETLINK, NETLINK_CAP_ACK, &on,
		   sizeof(on));
}

/**
 * netlink_close() - Close the socket
 * @netlink:	The socket
 */
void netlink_close(struct netlink *netlink)
{
	close(netlink->socket);
	netlink->socket = -1;
}
