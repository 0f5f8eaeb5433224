/* SPDX-License-Identifier: MIT */
/*
 * forward.c - a tunnel without WireGuard: what the system calls alone allow
 *
 *	forward INTERFACE PORT ADDRESS PORT
 *		Makes the interface, listens on the first port, and sends to the
 *		address and the second one, until its input ends.
 *
 * What the TUN gives, up to a super-packet of 64 KB with its virtio_net_hdr, is
 * sent as it is with one system call, in datagrams of a tunnel's usual length
 * (UDP_SEGMENT); what one system call receives (UDP_GRO) is written to the
 * other TUN. Nothing is cut, numbered, summed, encrypted or put together. So
 * any userspace tunnel with a TUN and a socket does more, and this is where its
 * TCP ends. Two threads, as the pump has.
 *
 * Each frame begins with its length, for the kernel may give two at once. One
 * that doesn't begin with itself is dropped: part of it was lost.
 */
#include "program.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO	    104
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum {
	VNET_BYTES = 10,
	LENGTH_BYTES = 2,
	/* The longest UDP payload. */
	FRAME_MAX = 65507,
	/* As a packet of 1420 bytes is in WireGuard. */
	DATAGRAM_BYTES = 1452,
	BUFFER_BYTES = 8 << 20,
};

static int tun, udp;

/**
 * make_tun() - Make the interface, with all offloads
 * @name:	Its name
 */
static int make_tun(const char *name)
{
	unsigned int tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	struct ifreq request = {0};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int header = VNET_BYTES;

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0 ||
	    ioctl(fd, TUNSETVNETHDRSZ, &header) != 0)
		fail("/dev/net/tun");
	if (ioctl(fd, TUNSETOFFLOAD, tso | TUN_F_USO4 | TUN_F_USO6) != 0 &&
	    ioctl(fd, TUNSETOFFLOAD, tso) != 0)
		fail("TUNSETOFFLOAD");
	return fd;
}

/**
 * make_socket() - Make the socket, with both offloads
 * @port:	Ours
 * @to:		The other end
 */
static int make_socket(const char *port, const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int segment = DATAGRAM_BYTES, size = BUFFER_BYTES, one = 1;
	struct sockaddr_in own = parse_address("0.0.0.0", port);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment,
		       sizeof(segment)) != 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)) != 0)
		fail("udp");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

/**
 * send_frames() - TUN → UDP
 * @unused:	Unused
 */
static void *send_frames(void *unused)
{
	static uint8_t frame[FRAME_MAX];
	uint16_t len;
	ssize_t got;

	(void)unused;
	for (;;) {
		got = read(tun, frame + LENGTH_BYTES, FRAME_MAX - LENGTH_BYTES);
		if (got <= 0)
			fail("read");
		len = (uint16_t)got;
		memcpy(frame, &len, LENGTH_BYTES);
		/* A lost frame is TCP's to repeat; the peer may not be there
		 * yet, which an earlier one is answered with. */
		(void)!send(udp, frame, LENGTH_BYTES + (size_t)len, 0);
	}
}

/**
 * receive_frames() - UDP → TUN
 * @unused:	Unused
 */
static void *receive_frames(void *unused)
{
	static uint8_t frames[65536];
	ssize_t got, at;
	uint16_t len;

	(void)unused;
	for (;;) {
		got = recv(udp, frames, sizeof(frames), 0);
		if (got < 0 && errno != ECONNREFUSED)
			fail("recv");
		for (at = 0; at + LENGTH_BYTES < got;
		     at += LENGTH_BYTES + len) {
			memcpy(&len, frames + at, LENGTH_BYTES);
			if (len == 0 || at + LENGTH_BYTES + len > got)
				break;
			(void)!write(tun, frames + at + LENGTH_BYTES, len);
		}
	}
}

int main(int argc, char **argv)
{
	static void *(*const bodies[])(void *) = {send_frames, receive_frames};
	struct sockaddr_in to;
	pthread_t thread;
	char byte;
	int i;

	if (argc != 5) {
		fputs("usage: forward INTERFACE PORT ADDRESS PORT\n", stderr);
		return 64;
	}
	to = parse_address(argv[3], argv[4]);
	tun = make_tun(argv[1]);
	udp = make_socket(argv[2], &to);
	for (i = 0; i < 2; i++) {
		errno = pthread_create(&thread, NULL, bodies[i], NULL);
		if (errno != 0)
			fail("pthread_create");
	}
	say_ready();
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
