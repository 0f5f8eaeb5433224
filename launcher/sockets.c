/* SPDX-License-Identifier: MIT */
/*
 * sockets.c - the host's two UDP sockets for one tunnel
 *
 * The controller opens the first pair, in the same way (src/linux/host-sockets.ts);
 * these are the later ones: after a change of the host's network, for a family
 * that came up, for another port. WireGuard has a single listen port, so both
 * families use one. DF stays clear: the outer path may fragment.
 */
#include "sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* The kernel gives at most net.core.rmem_max and wmem_max. */
	BUFFER_BYTES = 7 << 20,
	/* How often a port that is free in IPv4 may be taken in IPv6. */
	PORT_ATTEMPTS = 16,
};

/**
 * sockets_port() - Tell the port that a socket is bound to
 * @socket:	Descriptor of anything
 * Returns 0 if it is no UDP socket, or not bound.
 */
unsigned short sockets_port(int socket)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	memset(&name, 0, sizeof(name));
	if (getsockname(socket, (struct sockaddr *)&name, &len) != 0)
		return 0;
	if (name.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&name)->sin_port);
	if (name.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&name)->sin6_port);
	return 0;
}

/**
 * is_missing() - Does this mean that the host lacks the family?
 * @errnum:	errno value of socket() or bind()
 * With the sysctl disable_ipv6 there is the family, but no address to bind to.
 */
static bool is_missing(int errnum)
{
	return errnum == EAFNOSUPPORT || errnum == EADDRNOTAVAIL;
}

/**
 * settle() - Set a new socket's options
 * @socket:	Socket
 * @family:	Its family
 * Returns 0, or -1 with errno.
 */
static int settle(int socket, int family)
{
	int bytes = BUFFER_BYTES, on = 1;
	int never4 = IP_PMTUDISC_DONT, never6 = IPV6_PMTUDISC_DONT;

	/* As much as there is; the rest is no reason to fail. */
	setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (family == AF_INET)
		return setsockopt(socket, IPPROTO_IP, IP_MTU_DISCOVER, &never4,
				  sizeof(never4));
	if (setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
		return -1;
	return setsockopt(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &never6,
			  sizeof(never6));
}

/**
 * open_one() - Open a bound socket
 * @family:	AF_INET or AF_INET6
 * @port:	Port, 0 for any
 * @result:	Gets the socket, -1 if the host lacks the family
 * Returns 0 or an errno value.
 */
static int open_one(int family, unsigned short port, int *result)
{
	struct sockaddr_in any4 = {.sin_family = AF_INET,
				   .sin_port = htons(port)};
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6,
				    .sin6_port = htons(port)};
	const struct sockaddr *any = family == AF_INET
					     ? (const struct sockaddr *)&any4
					     : (const struct sockaddr *)&any6;
	socklen_t len = family == AF_INET ? sizeof(any4) : sizeof(any6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int errnum;

	*result = fd;
	if (fd >= 0 && settle(fd, family) == 0 && bind(fd, any, len) == 0)
		return 0;
	errnum = errno;
	if (fd >= 0)
		close(fd);
	*result = -1;
	return is_missing(errnum) ? 0 : errnum;
}

/**
 * sockets_close() - Close a pair
 * @sockets:	Pair
 */
void sockets_close(const struct sockets *sockets)
{
	if (sockets->udp4 >= 0)
		close(sockets->udp4);
	if (sockets->udp6 >= 0)
		close(sockets->udp6);
}

/**
 * sockets_open() - Open a pair
 * @port:	Port, 0 for any that is free in both families
 * @sockets:	Gets the pair
 * Returns 0 or an errno value.
 */
int sockets_open(unsigned short port, struct sockets *sockets)
{
	int attempt, errnum = EADDRINUSE;

	for (attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
		errnum = open_one(AF_INET, port, &sockets->udp4);
		if (errnum != 0)
			return errnum;
		sockets->port = port;
		if (port == 0 && sockets->udp4 >= 0)
			sockets->port = sockets_port(sockets->udp4);
		errnum = open_one(AF_INET6, sockets->port, &sockets->udp6);
		if (errnum == 0)
			break;
		sockets_close(sockets);
		if (errnum != EADDRINUSE || port != 0)
			return errnum;
	}
	if (errnum != 0)
		return errnum;
	if (sockets->udp4 < 0 && sockets->udp6 < 0)
		return EAFNOSUPPORT;
	if (sockets->port == 0)
		sockets->port = sockets_port(sockets->udp6);
	return 0;
}
