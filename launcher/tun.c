/* SPDX-License-Identifier: MIT */
/*
 * tun.c - the device that the engine reads and writes
 *
 * The device belongs to the network namespace in which /dev/net/tun was opened,
 * so it is opened inside. IFF_VNET_HDR is there from the start so that the
 * engine can raise offloads at any time. Until it does, offloads are off and
 * every packet carries an empty header.
 *
 * There is one queue, and it is taken for as long as the device lives. A device
 * of several queues would give one to anybody in its network namespace, without
 * any capability, unless it has an owner: a command could read the packets of
 * its siblings, and make up answers for them. An owner wouldn't do, since the
 * user namespace knows of no uid but the command's own.
 */
#include "tun.h"

#include "cause.h"
#include "die.h"
#include "errname.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

/* struct virtio_net_hdr, without the number of buffers that follows in v1. */
enum { VNET_HEADER_BYTES = 10 };

/**
 * attach() - Make a device, or take one that waits for its program
 * @fd:		Open /dev/net/tun
 * @interface:	Its name
 * Returns 0 or -1 with errno.
 */
static int attach(int fd, const char *interface)
{
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	return ioctl(fd, TUNSETIFF, &request);
}

/**
 * shape() - Say what every packet looks like
 * @fd:		Queue
 * @interface:	Name of the device
 */
static void shape(int fd, const char *interface)
{
	int header = VNET_HEADER_BYTES;

	if (ioctl(fd, TUNSETVNETHDRSZ, &header) != 0)
		die_errno("can't set the header size of %s", interface);
	if (ioctl(fd, TUNSETOFFLOAD, 0) != 0)
		die_errno("can't switch off the offloads of %s", interface);
}

/**
 * tun_create() - Make the device
 * @interface:	Its name
 * @node:	/dev/net/tun as the host sees it
 * Returns its first queue.
 */
int tun_create(const char *interface, const struct stat *node)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		cause_die_tun(node);
	if (attach(fd, interface) != 0)
		die_errno("can't make the TUN device %s", interface);
	shape(fd, interface);
	return fd;
}

/**
 * tun_create_single() - Make a device with one queue, in this very namespace
 * @interface:	Its name
 * Returns the queue.
 */
int tun_create_single(const char *interface)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct stat node;
	int failure;

	if (fd < 0) {
		failure = errno;
		if (stat("/dev/net/tun", &node) != 0)
			memset(&node, 0, sizeof(node));
		errno = failure;
		cause_die_tun(&node);
	}
	if (attach(fd, interface) != 0) {
		if (errno == EPERM)
			die(STATUS_SETUP,
			    "making %s needs CAP_NET_ADMIN in this network "
			    "namespace (EPERM); run it as root, or wrap a "
			    "command, which needs no privilege",
			    interface);
		if (errno == EBUSY || errno == EINVAL)
			die(STATUS_SETUP,
			    "there is an interface %s already (%s); end its "
			    "program, or ip link delete %s",
			    interface, errname(errno), interface);
		die_errno("can't make the TUN device %s", interface);
	}
	shape(fd, interface);
	return fd;
}
