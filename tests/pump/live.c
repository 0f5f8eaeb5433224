/* SPDX-License-Identifier: MIT */
/* live.c - one end of a tunnel with descriptors, for a pump with threads */
#include "live.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void fail(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

int bind_loopback(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		fail("udp");
	*port = ntohs(address.sin_port);
	return fd;
}

int bind_loopback6(uint16_t *port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6,
				       .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		fail("udp6");
	*port = ntohs(address.sin6_port);
	return fd;
}

void live_open(struct live *one, unsigned int side, uint32_t vnet_bytes,
	       uint32_t without, uint32_t workers)
{
	struct pump_config config = {.bytes = sizeof(config),
				     .vnet_header_bytes = vnet_bytes,
				     .mtu = END_MTU,
				     .peers_max = END_PEERS,
				     .without = without,
				     .workers = workers};
	uint32_t size = sizeof(struct pump_activity) +
			END_PEERS * sizeof(struct pump_peer_activity);
	int32_t failure;

	memset(one, 0, sizeof(*one));
	one->end.side = side;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, one->tun))
		fail("socketpair");
	one->udp = bind_loopback(&one->place.port);
	one->place.family = 4;
	memcpy(one->place.remote, "\177\0\0\1", 4);
	one->udp6 = bind_loopback6(&one->place6.port);
	one->place6.family = 6;
	one->place6.remote[15] = 1;
	config.tun = one->tun[1];
	config.udp4 = one->udp;
	config.udp6 = one->udp6;
	one->end.activity = calloc(1, size);
	one->end.pump = pump_open(&config, one->end.activity, size, &failure);
	if (!one->end.pump)
		fail("pump_open");
	end_allow_all(&one->end, 0);
}

void live_close(struct live *one)
{
	close(pump_wake_fd(one->end.pump));
	pump_close(one->end.pump);
	close(one->tun[0]);
	close(one->tun[1]);
	close(one->udp);
	close(one->udp6);
	free(one->end.activity);
}
