/* SPDX-License-Identifier: MIT */
/*
 * offload.c - what TUN, sockets and kernel can do, found out by asking
 *
 * Everything here is optional: what the kernel refuses isn't used, and what is
 * used is said in the activity block. All of it is undone at the end, so that
 * another reader of the same descriptors finds them as they were.
 */
#include "descriptors.h"

#include "activity.h"
#include "state.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
/* Newer than the headers of Debian 12. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* Asked for; the host's net.core.rmem_max and wmem_max decide. */
enum { SOCKET_BUFFER_BYTES = 7 * 1024 * 1024 };

/**
 * offload_note() - Say what is in use
 * @pump:	Pump
 * @bits:	PUMP_USES_…
 * @is_used:	Whether they are
 */
void offload_note(struct pump *pump, uint64_t bits, bool is_used)
{
	if (is_used)
		activity_set_bits(&pump->activity->in_use, bits);
	else
		activity_clear_bits(&pump->activity->in_use, bits);
}

/**
 * begin_tun() - Have the TUN hand over super-packets
 * @descriptors: Body
 */
static void begin_tun(struct descriptors *descriptors)
{
	unsigned int tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	unsigned int uso = TUN_F_USO4 | TUN_F_USO6;
	struct pump *pump = descriptors->pump;
	struct body *body = &pump->body;
	bool has_uso, has_tso;

	has_tso = descriptors->vnet_bytes >= VNET_BYTES &&
		  !(pump->config.without & PUMP_WITHOUT_OFFLOAD);
	has_uso = has_tso &&
		  ioctl(descriptors->tun, TUNSETOFFLOAD, tso | uso) == 0;
	has_tso = has_uso ||
		  (has_tso && ioctl(descriptors->tun, TUNSETOFFLOAD, tso) == 0);
	/* What the TUN may be given doesn't depend on what it hands over, but
	 * a kernel that knows the one knows the other. */
	body->coalesces_tcp = has_tso;
	body->coalesces_udp = has_uso;
	offload_note(pump, PUMP_USES_TSO | PUMP_USES_COALESCE, has_tso);
	offload_note(pump, PUMP_USES_USO, has_uso);
}

/**
 * set() - Set a socket option that is an int
 * @fd:		Socket
 * @level:	Level
 * @option:	Option
 * @value:	Value
 * Returns whether the kernel took it.
 */
static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/**
 * ask_for_control() - Have class and local address come beside datagrams
 * @fd:		Socket
 * @family:	FAMILY4 or FAMILY6
 * @value:	1 or 0
 */
static void ask_for_control(int fd, int family, int value)
{
	if (family == FAMILY4) {
		set(fd, IPPROTO_IP, IP_RECVTOS, value);
		set(fd, IPPROTO_IP, IP_PKTINFO, value);
	} else {
		set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, value);
		set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, value);
	}
}

/**
 * begin_socket() - Prepare one socket
 * @descriptors: Body
 * @family:	FAMILY4 or FAMILY6
 */
static void begin_socket(struct descriptors *descriptors, int family)
{
	struct pump *pump = descriptors->pump;
	uint32_t without = pump->config.without;
	int fd = descriptors->udp[family], segment;
	bool has_segment = false, has_gro = false;
	socklen_t len = sizeof(segment);

	if (fd >= 0) {
		ask_for_control(fd, family, 1);
		/* What a predecessor sent last had another class, maybe. */
		if (family == FAMILY4)
			set(fd, IPPROTO_IP, IP_TOS, 0);
		else
			set(fd, IPPROTO_IPV6, IPV6_TCLASS, 0);
		set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
		set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
		/* As the kernel's driver: the way there may fragment. */
		if (family == FAMILY4)
			set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
		else
			set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			    IPV6_PMTUDISC_DONT);
		has_segment = !(without & PUMP_WITHOUT_SEGMENT) &&
			      getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment,
					 &len) == 0;
		has_gro = !(without & PUMP_WITHOUT_GRO) &&
			  set(fd, IPPROTO_UDP, UDP_GRO, 1);
	}
	if (family == FAMILY4)
		pump->body.groups4 = has_segment;
	else
		pump->body.groups6 = has_segment;
	offload_note(pump,
		     family == FAMILY4 ? PUMP_USES_SEGMENT4
				       : PUMP_USES_SEGMENT6,
		     has_segment);
	offload_note(pump, family == FAMILY4 ? PUMP_USES_GRO4 : PUMP_USES_GRO6,
		     has_gro);
}

/**
 * offload_begin() - Prepare TUN and sockets
 * @descriptors: Body, of which no thread runs
 */
void offload_begin(struct descriptors *descriptors)
{
	int flags = fcntl(descriptors->tun, F_GETFL), family;

	/* Polled here; the signal is for who can't poll a TUN. */
	descriptors->had_async = flags >= 0 && (flags & O_ASYNC) != 0;
	if (flags >= 0)
		fcntl(descriptors->tun, F_SETFL,
		      (flags & ~O_ASYNC) | O_NONBLOCK);
	begin_tun(descriptors);
	for (family = 0; family < FAMILIES; family++) {
		begin_socket(descriptors, family);
		descriptors->is_readable[family] =
			descriptors->udp[family] >= 0;
	}
}

/**
 * offload_end() - Leave TUN and sockets as another reader wants them
 * @descriptors: Body, of which no thread runs
 */
void offload_end(struct descriptors *descriptors)
{
	int flags = fcntl(descriptors->tun, F_GETFL), family, fd;

	if (descriptors->vnet_bytes >= VNET_BYTES)
		(void)ioctl(descriptors->tun, TUNSETOFFLOAD, 0);
	if (flags >= 0 && descriptors->had_async)
		fcntl(descriptors->tun, F_SETFL, flags | O_ASYNC);
	for (family = 0; family < FAMILIES; family++) {
		fd = descriptors->udp[family];
		if (fd < 0)
			continue;
		ask_for_control(fd, family, 0);
		set(fd, IPPROTO_UDP, UDP_GRO, 0);
	}
}
