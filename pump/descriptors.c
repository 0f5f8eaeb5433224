/* SPDX-License-Identifier: MIT */
/*
 * descriptors.c - the body with a TUN and two UDP sockets
 *
 * Buffers are made once and are as large as whatever can come. What is never
 * filled is never touched, and so costs no memory.
 *
 * Waiting is poll(2) on what the thread reads, on its own eventfd, and on one
 * that both threads watch and that stays readable once they are to end.
 */
#include "descriptors.h"

#include "state.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/**
 * boot_time() - Read the clock that counts suspend
 * @context:	Unused
 */
static uint64_t boot_time(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const struct body_calls calls = {
	.now = boot_time,
	.read_tun = tun_read,
	.write_tun = tun_write,
	.send = udp_send,
	.receive = udp_receive,
};

/**
 * lay_out() - Point the receive buffers to their memory
 * @descriptors: Body
 */
static void lay_out(struct descriptors *descriptors)
{
	struct message_buffers *buffers;
	struct msghdr *header;
	int i;

	for (i = 0; i < BODY_RECEIPTS; i++) {
		buffers = &descriptors->receive_buffers[i];
		header = &descriptors->receives[i].msg_hdr;
		buffers->piece.iov_base =
			descriptors->receipts + (size_t)i * RECEIPT_BYTES;
		buffers->piece.iov_len = RECEIPT_BYTES;
		header->msg_iov = &buffers->piece;
		header->msg_iovlen = 1;
		header->msg_name = &buffers->name;
		header->msg_control = buffers->control;
	}
}

/**
 * descriptors_create() - Make the body of a pump
 * @pump:	Pump; gets it
 * Returns NULL without memory.
 */
struct descriptors *descriptors_create(struct pump *pump)
{
	struct descriptors *descriptors = calloc(1, sizeof(*descriptors));

	if (!descriptors)
		return NULL;
	descriptors->pump = pump;
	descriptors->tun = pump->config.tun;
	descriptors->udp[FAMILY4] = pump->config.udp4;
	descriptors->udp[FAMILY6] = pump->config.udp6;
	descriptors->vnet_bytes = pump->config.vnet_header_bytes;
	descriptors->stop_fd = pump->stop_fd;
	descriptors->frames = malloc((size_t)BODY_FRAMES * FRAME_BYTES);
	descriptors->receipts = malloc((size_t)BODY_RECEIPTS * RECEIPT_BYTES);
	if (!descriptors->frames || !descriptors->receipts) {
		descriptors_free(descriptors);
		return NULL;
	}
	lay_out(descriptors);
	pump->body.calls = &calls;
	pump->body.context = descriptors;
	return descriptors;
}

/**
 * descriptors_free() - Free a body; the descriptors are the caller's
 * @descriptors: Body that no thread uses
 */
void descriptors_free(struct descriptors *descriptors)
{
	if (!descriptors)
		return;
	free(descriptors->frames);
	free(descriptors->receipts);
	free(descriptors);
}

/**
 * descriptors_begin_tx() - Prepare what has to belong to the thread itself
 * @descriptors: Body
 */
void descriptors_begin_tx(struct descriptors *descriptors)
{
	struct pump *pump = descriptors->pump;

	descriptors->reads_rows = false;
	memset(descriptors->is_stuck, 0, sizeof(descriptors->is_stuck));
	descriptors->uses_uring =
		!(pump->config.without & PUMP_WITHOUT_URING) &&
		uring_init(&descriptors->uring, BODY_FRAMES,
			   descriptors->tun) == 0;
	offload_note(pump, PUMP_USES_URING, descriptors->uses_uring);
}

/**
 * descriptors_end_tx() - Undo descriptors_begin_tx()
 * @descriptors: Body
 */
void descriptors_end_tx(struct descriptors *descriptors)
{
	if (descriptors->uses_uring)
		uring_destroy(&descriptors->uring);
	descriptors->uses_uring = false;
	descriptors->reads_rows = false;
}

/**
 * wait_for() - Wait until one of some descriptors is ready
 * @fds:	Descriptors; -1 is none
 * @count:	Their number
 */
static void wait_for(struct pollfd *fds, nfds_t count)
{
	nfds_t i;

	for (i = 0; i < count; i++) {
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	/* Whatever ends the waiting, the next batch finds out. */
	(void)poll(fds, count, -1);
}

/**
 * descriptors_wait_tx() - Wait for packets, for the core, or for the end
 * @descriptors: Body
 * @reads_tun:	Whether there is a TUN still
 */
void descriptors_wait_tx(struct descriptors *descriptors, bool reads_tun)
{
	int wake_fd = descriptors->pump->wake_fd;
	struct pollfd fds[] = {
		{.fd = reads_tun ? descriptors->tun : -1},
		{.fd = wake_fd},
		{.fd = descriptors->stop_fd},
	};
	uint64_t count;

	wait_for(fds, 3);
	if (fds[1].revents & POLLIN)
		(void)!read(wake_fd, &count, sizeof(count));
}

/**
 * descriptors_wait_rx() - Wait for datagrams, or for the end
 * @descriptors: Body
 */
void descriptors_wait_rx(struct descriptors *descriptors)
{
	struct pollfd fds[] = {
		{.fd = descriptors->udp[FAMILY4]},
		{.fd = descriptors->udp[FAMILY6]},
		{.fd = descriptors->stop_fd},
	};
	int i;

	wait_for(fds, 3);
	for (i = 0; i < FAMILIES; i++) {
		descriptors->is_readable[i] = fds[i].revents != 0;
		/* Closed by mistake: ready for ever, and never with a datagram. */
		if (fds[i].revents & POLLNVAL)
			descriptors->udp[i] = -1;
	}
}
