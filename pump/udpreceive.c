/* SPDX-License-Identifier: MIT */
/*
 * udpreceive.c - datagrams out of the sockets
 *
 * With UDP_GRO one receive gives many datagrams of one sender, behind each
 * other, and says how long each is. Beside the datagram the kernel tells the
 * class that it came with, for ECN, and to which address of this host.
 *
 * Neither family can keep the other one out, however much comes: where both
 * sockets have something, the first one gets half a batch, and the one that got
 * less is the first next time. A socket that had nothing is asked again after
 * each full batch, for the thread waits on both only when it finds none.
 */
#include "descriptors.h"

#include "activity.h"
#include "state.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { ECN_MASK = 3 };

/**
 * read_int() - Read a number of a control message
 * @control:	Control message whose data is an int, or one byte
 */
static int read_int(const struct cmsghdr *control)
{
	int value = 0;

	if (control->cmsg_len >= CMSG_LEN(sizeof(value)))
		memcpy(&value, CMSG_DATA(control), sizeof(value));
	else if (control->cmsg_len >= CMSG_LEN(1))
		value = *CMSG_DATA(control);
	return value;
}

/**
 * read_local6() - Take the address that a datagram came to
 * @control:	IPV6_PKTINFO
 * @from:	Gets it
 */
static void read_local6(const struct cmsghdr *control,
			struct pump_endpoint *from)
{
	struct in6_pktinfo info;

	memcpy(&info, CMSG_DATA(control), sizeof(info));
	memcpy(from->local, &info.ipi6_addr, 16);
	from->has_local = 1;
	/* Elsewhere an address means the same on every interface. */
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		from->local_interface = info.ipi6_ifindex;
}

/**
 * read_control() - Take what came beside a datagram
 * @control:	Control message
 * @receipt:	Gets it
 */
static void read_control(const struct cmsghdr *control, struct receipt *receipt)
{
	int level = control->cmsg_level, type = control->cmsg_type;
	struct in_pktinfo info;

	if (level == IPPROTO_UDP && type == UDP_GRO) {
		receipt->segment = (uint32_t)read_int(control);
	} else if ((level == IPPROTO_IP && type == IP_TOS) ||
		   (level == IPPROTO_IPV6 && type == IPV6_TCLASS)) {
		receipt->ecn = (uint8_t)(read_int(control) & ECN_MASK);
	} else if (level == IPPROTO_IP && type == IP_PKTINFO) {
		memcpy(&info, CMSG_DATA(control), sizeof(info));
		memcpy(receipt->from.local, &info.ipi_spec_dst, 4);
		receipt->from.has_local = 1;
	} else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
		read_local6(control, &receipt->from);
	}
}

/**
 * decode() - Read one receive
 * @message:	As the kernel filled it
 * @receipt:	Gets it
 */
static void decode(struct mmsghdr *message, struct receipt *receipt)
{
	struct msghdr *header = &message->msg_hdr;
	struct cmsghdr *control;

	endpoint_decode(header->msg_name, &receipt->from);
	receipt->bytes = header->msg_iov->iov_base;
	receipt->len = message->msg_len;
	receipt->segment = 0;
	receipt->ecn = 0;
	receipt->is_truncated = (header->msg_flags & MSG_TRUNC) != 0;
	for (control = CMSG_FIRSTHDR(header); control;
	     control = CMSG_NXTHDR(header, control))
		read_control(control, receipt);
	if (receipt->segment == 0 || receipt->segment > receipt->len)
		receipt->segment = receipt->len;
}

/**
 * receive_from() - Receive from one socket
 * @descriptors: Body
 * @family:	Which one
 * @receipts:	Of the batch
 * @used:	How many of them there are already
 * @room:	Most that there may be then
 * Returns their number.
 */
static int receive_from(struct descriptors *descriptors, int family,
			struct receipt receipts[BODY_RECEIPTS], int used,
			int room)
{
	struct mmsghdr *messages = descriptors->receives;
	int count, i;

	if (!descriptors->is_readable[family])
		return used;
	for (i = used; i < room; i++) {
		messages[i].msg_hdr.msg_namelen = sizeof(union socket_address);
		messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
	}
	count = recvmmsg(descriptors->udp[family], messages + used,
			 (unsigned int)(room - used), MSG_DONTWAIT, NULL);
	if (count < 0) {
		if (errno == EINTR)
			return used;
		descriptors->is_readable[family] = false;
		if (errno != EAGAIN)
			activity_error(
				descriptors->pump->activity->udp_receive_errors,
				errno, 1);
		return used;
	}
	for (i = used; i < used + count; i++)
		decode(&messages[i], &receipts[i]);
	if (used + count < room)
		descriptors->is_readable[family] = false;
	return used + count;
}

/**
 * udp_receive() - Receive a batch from both sockets
 * @context:	Body
 * @receipts:	Gets it
 * Returns the number of receipts.
 */
int udp_receive(void *context, struct receipt receipts[BODY_RECEIPTS])
{
	struct descriptors *descriptors = context;
	int first = descriptors->first, second = FAMILY6 - first;
	int room = BODY_RECEIPTS, served, count, family;

	if (descriptors->is_readable[second])
		room /= 2;
	served = receive_from(descriptors, first, receipts, 0, room);
	count = receive_from(descriptors, second, receipts, served,
			     BODY_RECEIPTS);
	if (served >= count - served)
		descriptors->first = second;
	for (family = 0; family < FAMILIES && count == BODY_RECEIPTS; family++)
		descriptors->is_readable[family] =
			descriptors->udp[family] >= 0;
	return count;
}
