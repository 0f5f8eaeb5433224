/* SPDX-License-Identifier: MIT */
/*
 * link.c - the state of an interface of ours, wherever it is
 *
 * The kernel tells about links by rtnetlink, in one network namespace. What is
 * told is only taken as a reason to look, so a lost message does no harm.
 *
 * An interface can be moved to another namespace, and goes on there with the
 * same TUN. Its news then arrives nowhere, so it is looked at every second, and
 * what leads there is closed each time: a socket of ours would keep a namespace
 * alive, and the interface in it, that everybody else has left. The way is from
 * the TUN to its namespace (TUNGETDEVNETNS), into it, and back home. Without
 * CAP_SYS_ADMIN there is no way in. Such an interface counts as up: if it is
 * not, no packet comes.
 *
 * Up and down can't be told from the TUN itself: with a header in front of each
 * packet, tun(4) refuses an empty write in the same way for both.
 *
 * A deleted interface leaves a TUN without a name (EBADFD), in any namespace.
 */
#include "link.h"

#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

/**
 * link_open() - Watch the links of this network namespace
 * @link:	Gets what is opened
 */
void link_open(struct link *link)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK,
				      .nl_groups = RTMGRP_LINK};

	link->tun = -1;
	link->is_away = false;
	link->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (link->home < 0)
		die_errno("can't open /proc/self/ns/net; /proc is needed");
	link->events =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_ROUTE);
	if (link->events < 0 || bind(link->events, (struct sockaddr *)&address,
				     sizeof(address)) != 0)
		die_errno("can't watch the links of this network namespace");
}

/**
 * link_set_mtu() - Set the MTU of the interface
 * @link:	Open link
 * @name:	Its name
 * @mtu:	Its MTU
 */
void link_set_mtu(const struct link *link, const char *name, unsigned int mtu)
{
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	request.ifr_mtu = (int)mtu;
	if (ioctl(link->events, SIOCSIFMTU, &request) != 0)
		die_errno("can't set the MTU of %s", name);
}

/**
 * take_events() - Take all that is told, whatever it is
 * @link:	Open link
 */
static void take_events(const struct link *link)
{
	char message[4096];

	/* ENOBUFS says that there was more; looking covers that as well. */
	while (recv(link->events, message, sizeof(message), 0) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		continue;
}

/**
 * read_state() - Read flags and MTU
 * @socket:	Socket of the interface's namespace
 * @name:	The interface's name there
 * @state:	Gets them
 * Returns 0 or -1 with errno.
 */
static int read_state(int socket, const char *name, struct link_state *state)
{
	struct ifreq flags, mtu;

	memset(&flags, 0, sizeof(flags));
	memcpy(flags.ifr_name, name, sizeof(flags.ifr_name));
	mtu = flags;
	if (ioctl(socket, SIOCGIFFLAGS, &flags) != 0 ||
	    ioctl(socket, SIOCGIFMTU, &mtu) != 0)
		return -1;
	state->is_up = (flags.ifr_flags & IFF_UP) != 0;
	state->mtu = (unsigned int)mtu.ifr_mtu;
	return 0;
}

/**
 * is_home() - Is a namespace our own?
 * @link:	Open link
 * @netns:	The namespace
 */
static bool is_home(const struct link *link, int netns)
{
	struct stat here, there;

	return fstat(link->home, &here) == 0 && fstat(netns, &there) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/**
 * visit() - Read the state of an interface in another namespace
 * @link:	Open link
 * @netns:	The namespace
 * @name:	The interface's name there
 * @state:	Gets it
 */
static void visit(const struct link *link, int netns, const char *name,
		  struct link_state *state)
{
	int fd = -1;

	if (setns(netns, CLONE_NEWNET) != 0) {
		state->is_up = true;
		return;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (setns(link->home, CLONE_NEWNET) != 0)
		die_errno("can't return to this network namespace");
	if (fd < 0)
		return;
	/* It may have been moved or renamed since: the next look finds it. */
	if (read_state(fd, name, state) != 0 && errno != ENODEV)
		warn("can't read the state of %s", name);
	close(fd);
}

/**
 * link_look() - Look at the interface
 * @link:	Open link, with its TUN
 * @state:	Gets what is seen
 */
bool link_look(struct link *link, struct link_state *state)
{
	struct ifreq request;
	int netns;

	take_events(link);
	memset(&request, 0, sizeof(request));
	/* Directly: its number is no int, which musl's ioctl() takes. */
	if (syscall(SYS_ioctl, link->tun, TUNGETIFF, &request) != 0)
		return false;
	/* Kernels before 5.2 can't tell: then it counts as away if not here. */
	netns = ioctl(link->tun, TUNGETDEVNETNS);
	if (netns < 0) {
		link->is_away =
			read_state(link->events, request.ifr_name, state) != 0;
		if (link->is_away)
			state->is_up = true;
		return true;
	}
	fcntl(netns, F_SETFD, FD_CLOEXEC);
	link->is_away = !is_home(link, netns);
	if (link->is_away)
		visit(link, netns, request.ifr_name, state);
	else
		read_state(link->events, request.ifr_name, state);
	close(netns);
	return true;
}
