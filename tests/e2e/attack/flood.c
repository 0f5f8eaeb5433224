/* SPDX-License-Identifier: MIT */
/*
 * flood.c - thousands of attempts to get something out
 *
 * A round tries every protocol that a user may have a socket of, to every
 * address: TCP with and without data in its SYN, datagrams to ports that daemons
 * listen on, ping, UDP-Lite, and sockets that claim another source or another
 * link. Then the sockets that an ordinary user can't have, and abstract names.
 *
 * One line at the end: how many attempts there were, how many the kernel took,
 * and how many connections came to be.
 */
#include "attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

/* How long a round's connections may take. */
enum { ROUND_MS = 50, OPEN_MAX_FDS = 512 };

static int opened[OPEN_MAX_FDS], open_count;
static unsigned long attempts, taken, connected;

/**
 * count() - Count one attempt
 * @result:	Negative: the kernel refused it
 */
static void count(long result)
{
	attempts++;
	if (result >= 0)
		taken++;
}

/**
 * make() - Make a socket that waits for nothing
 * @address:	Whose family it has
 * @type:	Type
 * @protocol:	Protocol
 */
static int make(const struct addrinfo *address, int type, int protocol)
{
	static const int yes = 1;
	int fd = socket(address->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
			protocol);

	/* Broadcasts are asked for; on other sockets it changes nothing. */
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes));
	return fd;
}

/**
 * set_port() - Copy an address, with a port
 * @address:	Address
 * @port:	Port
 * @copy:	Where it goes
 */
static void set_port(const struct addrinfo *address, unsigned short port,
		     struct sockaddr_storage *copy)
{
	memcpy(copy, address->ai_addr, address->ai_addrlen);
	/* Both families have the port at the same place. */
	((struct sockaddr_in *)copy)->sin_port = htons(port);
}

/**
 * connect_to() - Begin a connection
 * @address:	Where to
 * @port:	Port
 * @is_fast:	With data in the first packet
 */
static void connect_to(const struct addrinfo *address, unsigned short port,
		       int is_fast)
{
	int fd = make(address, SOCK_STREAM, 0);
	struct sockaddr_storage to;
	long result;

	if (fd < 0 || open_count == OPEN_MAX_FDS)
		return;
	set_port(address, port, &to);
	result = is_fast ? sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
				  (struct sockaddr *)&to, address->ai_addrlen)
			 : connect(fd, (struct sockaddr *)&to,
				   address->ai_addrlen);
	count(result < 0 && errno != EINPROGRESS ? -1 : 0);
	opened[open_count++] = fd;
}

/**
 * send_to() - Send a datagram
 * @address:	Where to
 * @port:	Port
 * @protocol:	0 for UDP
 * @link:	Link to send from, or NULL
 */
static void send_to(const struct addrinfo *address, unsigned short port,
		    int protocol, const char *link)
{
	int fd = make(address, SOCK_DGRAM, protocol);
	struct sockaddr_storage to;

	if (fd < 0) {
		count(-1);
		return;
	}
	if (link && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link,
			       (socklen_t)strlen(link)) != 0) {
		count(-1);
	} else {
		set_port(address, port, &to);
		count(sendto(fd, "attempt, long enough", 20, MSG_NOSIGNAL,
			     (struct sockaddr *)&to, address->ai_addrlen));
	}
	close(fd);
}

/**
 * send_from() - Send a datagram from an address that isn't there
 * @address:	Where to, and from
 */
static void send_from(const struct addrinfo *address)
{
	int fd = make(address, SOCK_DGRAM, 0), yes = 1;
	struct sockaddr_storage to, from;

	if (fd < 0)
		return;
	set_port(address, 0, &from);
	set_port(address, 53, &to);
	setsockopt(fd, SOL_IP, IP_FREEBIND, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&from, address->ai_addrlen) != 0)
		count(-1);
	else
		count(sendto(fd, "from", 4, MSG_NOSIGNAL,
			     (struct sockaddr *)&to, address->ai_addrlen));
	close(fd);
}

/**
 * try_abstract() - Connect to a socket with a name and no path
 * @type:	Type
 */
static void try_abstract(int type)
{
	static const char name[] = "wg-wrap-sentinel";
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path + 1, name, sizeof(name) - 1);
	count(connect(fd, (struct sockaddr *)&to,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				  sizeof(name))));
	close(fd);
}

/**
 * try_address() - Try everything with one address
 * @text:	Address, with a link behind "%" if it needs one
 */
static void try_address(const char *text)
{
	static const unsigned short ports[] = {53, 123, 137, 443, 1900, 5353};
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *address;
	size_t i;

	if (getaddrinfo(text, NULL, &hints, &address) != 0)
		return;
	connect_to(address, 80, 0);
	connect_to(address, 53, 0);
	connect_to(address, 80, 1);
	for (i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		send_to(address, ports[i], 0, NULL);
	send_to(address, 0,
		address->ai_family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		NULL);
	send_to(address, 53, IPPROTO_UDPLITE, NULL);
	send_to(address, 53, 0, "site0");
	send_to(address, 53, 0, "lo");
	send_from(address);
	freeaddrinfo(address);
}

/**
 * end_round() - Give the connections their time, count them, close all
 */
static void end_round(void)
{
	struct sockaddr_storage peer;
	socklen_t len;
	int i;

	usleep(ROUND_MS * 1000);
	for (i = 0; i < open_count; i++) {
		len = sizeof(peer);
		/* Only an established connection has a peer. */
		if (getpeername(opened[i], (struct sockaddr *)&peer, &len) == 0)
			connected++;
		close(opened[i]);
	}
	open_count = 0;
}

/**
 * flood() - Try all addresses, again and again
 * @rounds:	How often
 * @addresses:	Addresses, up to a NULL
 */
void flood(int rounds, char *const *addresses)
{
	char *const *address;

	while (rounds-- > 0) {
		for (address = addresses; *address; address++)
			try_address(*address);
		count(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
		count(socket(AF_INET6, SOCK_RAW, IPPROTO_RAW));
		count(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
		try_abstract(SOCK_STREAM);
		try_abstract(SOCK_DGRAM);
		try_abstract(SOCK_SEQPACKET);
		end_round();
	}
	printf("{\"attempts\":%lu,\"taken\":%lu,\"connected\":%lu}\n", attempts,
	       taken, connected);
}
