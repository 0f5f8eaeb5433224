/* SPDX-License-Identifier: MIT */
/*
 * live.h - one end of a tunnel with descriptors, for a pump with threads
 *
 * A pair of SOCK_SEQPACKET sockets stands where the TUN is: it keeps packets
 * apart as a TUN does, and needs no privilege.
 */
#ifndef WG_WRAP_TEST_LIVE_H
#define WG_WRAP_TEST_LIVE_H

#include "end.h"

struct live {
	struct end end;
	/* The test's end, and the pump's. */
	int tun[2];
	/* On loopback, and where they are. */
	int udp, udp6;
	struct pump_endpoint place, place6;
};

uint64_t now_ms(void);
/* Prints errno and exits. */
void fail(const char *what);
int bind_loopback(uint16_t *port);
int bind_loopback6(uint16_t *port);

/* Opens a pump, which isn't started, with everything allowed for its peer 0. */
void live_open(struct live *one, unsigned int side, uint32_t vnet_bytes,
	       uint32_t without, uint32_t workers);
void live_close(struct live *one);

#endif
