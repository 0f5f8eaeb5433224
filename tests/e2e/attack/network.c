/* SPDX-License-Identifier: MIT */
/*
 * network.c - attempts to send what the tunnel doesn't carry, or to be it
 */
#include "attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/**
 * open_socket() - Make a socket, and nothing with it
 * @domain:	Family
 * @type:	Type
 * @protocol:	Protocol
 */
static long open_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	if (fd >= 0)
		close(fd);
	return fd;
}

/**
 * set_option() - Set an option of a new UDP socket
 * @level:	Level
 * @option:	Option
 */
static long set_option(int level, int option)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), value = 1;
	long result = setsockopt(fd, level, option, &value, sizeof(value));
	int failure = errno;

	close(fd);
	errno = failure;
	return result;
}

/**
 * open_tun() - Become a program behind a TUN device
 * @name:	The device
 * @flags:	How
 */
static long open_tun(const char *name, int flags)
{
	struct ifreq request = {.ifr_flags = (short)flags};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	long result;
	int failure;

	if (fd < 0)
		return -1;
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	result = ioctl(fd, TUNSETIFF, &request);
	failure = errno;
	close(fd);
	errno = failure;
	return result;
}

/**
 * set_link() - Change the tunnel's link by one of the old requests
 * @number:	Request
 */
static long set_link(unsigned long number)
{
	struct ifreq request = {.ifr_mtu = 1000};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	long result;
	int failure;

	strcpy(request.ifr_name, "wg0");
	result = ioctl(fd, number, &request);
	failure = errno;
	close(fd);
	errno = failure;
	return result;
}

/**
 * leave() - Go into another network namespace
 * @path:	Its file
 */
static long leave(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : setns(fd, CLONE_NEWNET);
}

/**
 * attack_network() - Try everything on the network
 */
void attack_network(void)
{
	static const int flags[] = {
		IFF_TUN | IFF_NO_PI, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR,
		IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE};
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		report("", "tun-attach", open_tun("wg0", flags[i]));
	report("", "tun-new", open_tun("wg1", flags[0]));
	report("", "tap-new", open_tun("tap0", IFF_TAP | IFF_NO_PI));
	report("", "packet", open_socket(AF_PACKET, SOCK_RAW, ETH_P_ALL));
	report("", "packet-dgram", open_socket(AF_PACKET, SOCK_DGRAM, 0));
	report("", "raw4", open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	report("", "raw6", open_socket(AF_INET6, SOCK_RAW, IPPROTO_RAW));
	report("", "raw-icmp", open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	report("", "mark", set_option(SOL_SOCKET, SO_MARK));
	report("", "transparent", set_option(SOL_IP, IP_TRANSPARENT));
	report("", "flags", set_link(SIOCSIFFLAGS));
	report("", "mtu", set_link(SIOCSIFMTU));
	report("", "address", set_link(SIOCSIFADDR));
	report("", "name", set_link(SIOCSIFNAME));
	report("", "sysctl",
	       open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC));
	report("", "init-net", leave("/proc/1/ns/net"));
}
