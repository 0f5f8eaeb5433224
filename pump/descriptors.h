/* SPDX-License-Identifier: MIT */
/* descriptors.h - the body with a TUN and two UDP sockets */
#ifndef WG_WRAP_PUMP_DESCRIPTORS_H
#define WG_WRAP_PUMP_DESCRIPTORS_H

#include "body.h"
#include "endpoint.h"
#include "uring.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
	/* A super-packet of 64 KB with its headers and a virtio_net_hdr. */
	FRAME_BYTES = 66 * 1024,
	RECEIPT_BYTES = 64 * 1024,
	/* Class, local address, segment size. */
	CONTROL_BYTES = 128,
};

/* Index of a family's socket. */
enum { FAMILY4, FAMILY6, FAMILIES };

struct message_buffers {
	union socket_address name;
	struct iovec piece;
	_Alignas(8) uint8_t control[CONTROL_BYTES];
};

struct descriptors {
	/* Written by the caller's thread while there are no others. But rx takes
	 * a socket out that is closed, while the others may send by it. */
	int tun;
	_Atomic int udp[FAMILIES];
	/* eventfd: readable once the threads are to end. */
	int stop_fd;
	uint32_t vnet_bytes;
	struct pump *pump;
	/* What was changed, to be undone. */
	bool had_async;
	/* For tx. */
	bool uses_uring;
	/* Only with a ring: whether the next batch is read as a row. */
	bool reads_rows;
	struct uring uring;
	uint8_t *frames;
	struct mmsghdr sends[BODY_GROUPS];
	struct message_buffers send_buffers[BODY_GROUPS];
	/* Sockets that had no room for so long that they aren't waited for. */
	bool is_stuck[FAMILIES];
	/* For rx: what may have something, and who is asked first. */
	bool is_readable[FAMILIES];
	int first;
	uint8_t *receipts;
	struct mmsghdr receives[BODY_RECEIPTS];
	struct message_buffers receive_buffers[BODY_RECEIPTS];
};

struct descriptors *descriptors_create(struct pump *pump);
void descriptors_free(struct descriptors *descriptors);
void descriptors_begin_tx(struct descriptors *descriptors);
void descriptors_end_tx(struct descriptors *descriptors);
void descriptors_wait_tx(struct descriptors *descriptors, bool reads_tun);
void descriptors_wait_rx(struct descriptors *descriptors);

/* tun.c */
int tun_read(void *context, struct frame frames[BODY_FRAMES]);
int tun_write(void *context, const struct iovec *pieces, int count);

/* udpencode.c */
void udp_encode(struct msghdr *header, struct message_buffers *buffers,
		const struct group *group);

/* udpsend.c */
void udp_send(void *context, struct group *groups, int count, uint64_t began);
int udp_send_one(struct descriptors *descriptors,
		 const struct pump_endpoint *to, uint8_t tos,
		 const void *datagram, uint32_t len);

/* udpreceive.c */
int udp_receive(void *context, struct receipt receipts[BODY_RECEIPTS]);

/* offload.c */
void offload_begin(struct descriptors *descriptors);
void offload_end(struct descriptors *descriptors);
void offload_note(struct pump *pump, uint64_t bits, bool is_used);

#endif
