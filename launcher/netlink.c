/* SPDX-License-Identifier: MIT */
/* netlink.c - one rtnetlink request at a time, with its answer */
#include "netlink.h"

#include "die.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024, DUMP_MAX = 32768 };

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
	const struct nlmsgerr *result;
	ssize_t got;

	request->header.nlmsg_seq = ++netlink->sequence;
	if (send(netlink->socket, request, request->header.nlmsg_len, 0) < 0)
		die_errno("can't ask the kernel to configure the network");
	do {
		got = recv(netlink->socket, &answer, sizeof(answer), 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		die_errno("no answer about the network from the kernel");
	result = NLMSG_DATA(&answer.header);
	if ((size_t)got < NLMSG_LENGTH(sizeof(*result)) ||
	    answer.header.nlmsg_type != NLMSG_ERROR ||
	    answer.header.nlmsg_seq != netlink->sequence)
		die(STATUS_SETUP, "internal: unexpected rtnetlink message");
	return -result->error;
}

/**
 * take_part() - Hand the messages of one part of a list on
 * @netlink:	Open socket
 * @part:	The part
 * @len:	Bytes of it
 * @take:	Who gets them
 * @context:	For them
 * Returns whether it was the last part.
 */
static bool
take_part(const struct netlink *netlink, const char *part, size_t len,
	  void (*take)(const struct nlmsghdr *message, void *context),
	  void *context)
{
	const struct nlmsghdr *message = (const void *)part;

	for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
		if (message->nlmsg_seq != netlink->sequence)
			continue;
		if (message->nlmsg_type == NLMSG_DONE)
			return true;
		if (message->nlmsg_type == NLMSG_ERROR)
			die(STATUS_SETUP, "the kernel refuses to list "
					  "addresses and routes");
		take(message, context);
	}
	return false;
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
	ssize_t got;

	request->header.nlmsg_seq = ++netlink->sequence;
	if (send(netlink->socket, request, request->header.nlmsg_len, 0) < 0)
		die_errno("can't ask the kernel about the network");
	do {
		got = recv(netlink->socket, &part, sizeof(part), 0);
		if (got < 0 && errno != EINTR)
			die_errno("no answer about the network from the "
				  "kernel");
	} while (got < 0 ||
		 !take_part(netlink, part.bytes, (size_t)got, take, context));
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
	size_t left = message->nlmsg_len - NLMSG_SPACE(size);
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
