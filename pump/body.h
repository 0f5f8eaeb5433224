/* SPDX-License-Identifier: MIT */
/*
 * body.h - reads and writes, as tx and rx ask for them
 *
 * There are two bodies: descriptors.c with a TUN and sockets, and ring.c with
 * memory and a clock that is set, for tests. Above this line both are the same.
 */
#ifndef WG_WRAP_PUMP_BODY_H
#define WG_WRAP_PUMP_BODY_H

#include "pump.h"
#include "wire.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

/* What one read from the TUN gave. Valid until the next read. */
struct frame {
	const uint8_t *packet;
	uint32_t len;
	struct vnet_header vnet;
};

/* Datagrams for one endpoint, one behind the other. */
struct group {
	struct pump_endpoint to;
	/* Of the endpoint, when it was read. */
	uint32_t version;
	uint32_t peer;
	uint8_t *bytes;
	uint32_t len;
	/* Length of each but the last, which may be shorter; their number. */
	uint32_t segment, count;
	uint8_t tos;
};

/* What one receive gave: one datagram, or several as in a group. */
struct receipt {
	struct pump_endpoint from;
	uint8_t *bytes;
	uint32_t len;
	uint32_t segment;
	/* The ECN codepoint of the outer header. */
	uint8_t ecn;
	bool is_truncated;
};

enum {
	/* Most that is asked of a body at once. */
	BODY_FRAMES = 32,
	BODY_GROUPS = 64,
	BODY_RECEIPTS = 32,
	/* Linux's limit of UDP_SEGMENT, and ours for what goes into the TUN. */
	BODY_SEGMENTS = 64,
	/* A packet for the TUN: header, first packet, payloads of the others. */
	BODY_PIECES = 1 + BODY_SEGMENTS,
};

struct body_calls {
	/* CLOCK_BOOTTIME in ms. */
	uint64_t (*now)(void *context);
	/* Number of frames, 0 if there are none, or a negative errno. */
	int (*read_tun)(void *context, struct frame frames[BODY_FRAMES]);
	/* The first piece is the virtio_net_hdr. 0 or a negative errno. */
	int (*write_tun)(void *context, const struct iovec *pieces, int count);
	/* Counts what fails. It may wait, as long as from when the batch began. */
	void (*send)(void *context, struct group *groups, int count,
		     uint64_t began);
	/* Number of receipts; counts what fails. */
	int (*receive)(void *context, struct receipt receipts[BODY_RECEIPTS]);
};

struct body {
	const struct body_calls *calls;
	void *context;
	/* Datagrams may be sent in groups, by family; the body may clear it. */
	bool groups4, groups6;
	/* The TUN takes super-packets of TCP, of UDP. */
	bool coalesces_tcp, coalesces_udp;
};

#endif
