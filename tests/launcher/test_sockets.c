/* SPDX-License-Identifier: MIT */
/* test_sockets.c - the host's two UDP sockets */
#include "sockets.h"

#include "../setup/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

static void test_pair(void)
{
	struct sockets sockets;
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK(sockets_open(0, &sockets) == 0);
	CHECK(sockets.port > 0);
	CHECK(sockets_port(sockets.udp4) == sockets.port);
	CHECK(sockets.udp6 < 0 || sockets_port(sockets.udp6) == sockets.port);
	CHECK(fcntl(sockets.udp4, F_GETFD) == FD_CLOEXEC);
	CHECK((fcntl(sockets.udp4, F_GETFL) & O_NONBLOCK) != 0);
	CHECK(getsockopt(sockets.udp4, IPPROTO_IP, IP_MTU_DISCOVER, &value,
			 &len) == 0 &&
	      value == IP_PMTUDISC_DONT);
	sockets_close(&sockets);
}

static void test_taken(void)
{
	struct sockets first, second;

	CHECK(sockets_open(0, &first) == 0);
	CHECK(sockets_open(first.port, &second) == EADDRINUSE);
	sockets_close(&first);
	CHECK(sockets_open(first.port, &second) == 0);
	CHECK(second.port == first.port);
	sockets_close(&second);
}

static void test_no_socket(void)
{
	int null = open("/dev/null", O_RDWR);

	CHECK(sockets_port(null) == 0);
	CHECK(sockets_port(-1) == 0);
	close(null);
}

int main(void)
{
	TEST("both families have one port", test_pair);
	TEST("a port that is taken is refused, and free again after",
	     test_taken);
	TEST("what is no socket has no port", test_no_socket);
	return report();
}
