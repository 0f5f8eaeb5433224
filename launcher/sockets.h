/* SPDX-License-Identifier: MIT */
/* sockets.h - the host's two UDP sockets for one tunnel */
#ifndef WG_WRAP_SOCKETS_H
#define WG_WRAP_SOCKETS_H

/* One port in both families; -1 in place of a family that the host lacks. */
struct sockets {
	int udp4;
	int udp6;
	unsigned short port;
};

/* The port that a socket is bound to; 0 if it is none, or isn't bound. */
unsigned short sockets_port(int socket);

/*
 * Opens both on a port, or on a free one for 0. Returns 0, or the errno value
 * of what failed: EADDRINUSE, EACCES, or EAFNOSUPPORT for no family at all.
 */
int sockets_open(unsigned short port, struct sockets *sockets);
void sockets_close(const struct sockets *sockets);

#endif
