/* SPDX-License-Identifier: MIT */
/*
 * udpencode.c - a group of datagrams as a message for the kernel
 *
 * Beside the datagrams go the class, the address of this host to send from where
 * it is known, and the length at which the kernel is to cut.
 */
#include "descriptors.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

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
 * udp_encode() - Make a message of datagrams for one endpoint
 * @header:	Gets the message
 * @buffers:	Of the message
 * @group:	Datagrams
 */
void udp_encode(struct msghdr *header, struct message_buffers *buffers,
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
