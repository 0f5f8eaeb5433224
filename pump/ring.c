/* SPDX-License-Identifier: MIT */
/*
 * ring.c - a pump between memory and memory, with a clock that is set
 *
 * Input waits in buffers of its own, as many as a batch may have. A buffer is
 * exactly as long as what is in it, so that a sanitizer sees a read beyond.
 * Output is appended to one buffer, from which it is taken in order.
 */
#include "ring.h"

#include "activity.h"
#include "body.h"
#include "rx.h"
#include "state.h"
#include "tx.h"

#include <errno.h>
#include <stdlib.h>

enum { OUTPUT_BYTES = 8 * 1024 * 1024 };

struct ring {
	uint64_t now;
	uint32_t vnet_bytes;
	struct pump_activity *activity;
	int frame_count, receipt_count;
	/* What is given now, and what was given and may still be looked at. */
	struct frame frames[BODY_FRAMES];
	struct receipt receipts[BODY_RECEIPTS];
	void *frame_memory[BODY_FRAMES], *receipt_memory[BODY_RECEIPTS];
	uint32_t written, taken;
	uint8_t output[OUTPUT_BYTES];
};

/**
 * ring_of() - The ring of a pump
 * @pump:	Pump that is attached
 */
static struct ring *ring_of(struct pump *pump)
{
	return pump->body.context;
}

/**
 * ring_now() - Read the clock
 * @context:	Ring
 */
static uint64_t ring_now(void *context)
{
	const struct ring *ring = context;

	return ring->now;
}

/**
 * ring_read() - Give the packets that wait
 * @context:	Ring
 * @frames:	Gets them
 */
static int ring_read(void *context, struct frame frames[BODY_FRAMES])
{
	struct ring *ring = context;
	int count = ring->frame_count;

	memcpy(frames, ring->frames, sizeof(ring->frames));
	ring->frame_count = 0;
	return count;
}

/**
 * ring_receive() - Give the datagrams that wait
 * @context:	Ring
 * @receipts:	Gets them
 */
static int ring_receive(void *context, struct receipt receipts[BODY_RECEIPTS])
{
	struct ring *ring = context;
	int count = ring->receipt_count;

	memcpy(receipts, ring->receipts, sizeof(ring->receipts));
	ring->receipt_count = 0;
	return count;
}

/**
 * append() - Take room for an output
 * @ring:	Ring
 * @payload:	Bytes behind its header
 * Returns NULL if there is no room.
 */
static struct ring_output *append(struct ring *ring, uint32_t payload)
{
	uint32_t bytes = ((uint32_t)sizeof(struct ring_output) + payload + 7) &
			 (uint32_t)~7;
	struct ring_output *output;

	if (bytes > OUTPUT_BYTES - ring->written)
		return NULL;
	output = (struct ring_output *)(ring->output + ring->written);
	memset(output, 0, bytes);
	output->bytes = bytes;
	output->payload_bytes = payload;
	ring->written += bytes;
	return output;
}

/**
 * ring_write() - Take a packet for the TUN
 * @context:	Ring
 * @pieces:	virtio_net_hdr and packet
 * @count:	Their number
 */
static int ring_write(void *context, const struct iovec *pieces, int count)
{
	struct ring *ring = context;
	struct ring_output *output;
	size_t len = 0;
	uint8_t *next;
	int i;

	for (i = 0; i < count; i++)
		len += pieces[i].iov_len;
	output = append(ring, (uint32_t)len);
	if (!output)
		return -ENOBUFS;
	output->kind = RING_PACKET;
	next = (uint8_t *)(output + 1);
	for (i = 0; i < count; i++) {
		memcpy(next, pieces[i].iov_base, pieces[i].iov_len);
		next += pieces[i].iov_len;
	}
	return 0;
}

/**
 * ring_send() - Take groups of datagrams
 * @context:	Ring
 * @groups:	Groups
 * @count:	Their number
 * @began:	Unused: nobody makes room meanwhile
 * What there is no room for is counted, as by a socket: small segments behind
 * long headers can make any number of bytes of one batch.
 */
static void ring_send(void *context, struct group *groups, int count,
		      uint64_t began)
{
	struct ring *ring = context;
	struct ring_output *output;
	int i;

	(void)began;
	for (i = 0; i < count; i++) {
		output = append(ring, groups[i].len);
		if (!output) {
			activity_error(ring->activity->udp_send_errors, ENOBUFS,
				       groups[i].count);
			continue;
		}
		output->kind = RING_DATAGRAMS;
		output->to = groups[i].to;
		output->tos = groups[i].tos;
		output->segment = groups[i].segment;
		memcpy(output + 1, groups[i].bytes, groups[i].len);
	}
}

static const struct body_calls calls = {
	.now = ring_now,
	.read_tun = ring_read,
	.write_tun = ring_write,
	.send = ring_send,
	.receive = ring_receive,
};

int ring_attach(struct pump *pump)
{
	uint32_t without = pump->config.without;
	bool is_whole = pump->config.vnet_header_bytes == 0 ||
			(without & PUMP_WITHOUT_OFFLOAD) != 0;
	struct ring *ring;

	if (pump->runs)
		return -EBUSY;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->activity = pump->activity;
	ring->vnet_bytes = pump->config.vnet_header_bytes;
	pump->body = (struct body){
		.calls = &calls,
		.context = ring,
		.groups4 = !(without & PUMP_WITHOUT_SEGMENT),
		.groups6 = !(without & PUMP_WITHOUT_SEGMENT),
		.coalesces_tcp = !is_whole,
		.coalesces_udp = !is_whole,
	};
	pump_begin_workers(pump, pump->config.workers);
	pump->runs = true;
	return 0;
}

int ring_detach(struct pump *pump)
{
	struct ring *ring = ring_of(pump);
	int i;

	pump_end_workers(pump);
	for (i = 0; i < BODY_FRAMES; i++)
		free(ring->frame_memory[i]);
	for (i = 0; i < BODY_RECEIPTS; i++)
		free(ring->receipt_memory[i]);
	free(ring);
	pump->runs = false;
	return 0;
}

int ring_set_clock(struct pump *pump, uint64_t now_ms)
{
	ring_of(pump)->now = now_ms;
	return 0;
}

/**
 * copy() - Copy input into memory that is exactly as long
 * @memory:	Former input, freed; gets the copy
 * @bytes:	Input
 * @len:	Its length
 */
static void *copy(void **memory, const void *bytes, uint32_t len)
{
	free(*memory);
	*memory = malloc(len > 0 ? len : 1);
	if (!*memory)
		abort();
	if (len > 0)
		memcpy(*memory, bytes, len);
	return *memory;
}

int ring_give_packet(struct pump *pump, const void *frame, uint32_t bytes)
{
	struct ring *ring = ring_of(pump);
	int at = ring->frame_count;
	struct frame *next = &ring->frames[at];
	uint8_t *memory;

	if (at == BODY_FRAMES)
		return -ENOBUFS;
	if (bytes < ring->vnet_bytes)
		return -EINVAL;
	memory = copy(&ring->frame_memory[at], frame, bytes);
	memset(next, 0, sizeof(*next));
	next->packet = memory + ring->vnet_bytes;
	next->len = bytes - ring->vnet_bytes;
	if (ring->vnet_bytes >= VNET_BYTES)
		memcpy(&next->vnet, memory, VNET_BYTES);
	ring->frame_count++;
	return 0;
}

int ring_give_datagrams(struct pump *pump, const struct pump_endpoint *from,
			uint32_t ecn, uint32_t segment, const void *datagrams,
			uint32_t bytes)
{
	struct ring *ring = ring_of(pump);
	int at = ring->receipt_count;

	if (at == BODY_RECEIPTS)
		return -ENOBUFS;
	ring->receipts[at] = (struct receipt){
		.from = *from,
		.bytes = copy(&ring->receipt_memory[at], datagrams, bytes),
		.len = bytes,
		.segment = segment,
		.ecn = (uint8_t)(ecn & 3),
	};
	ring->receipt_count++;
	return 0;
}

int ring_step(struct pump *pump)
{
	tx_step(pump->tx, true);
	rx_step(pump->rx);
	return 0;
}

int ring_take(struct pump *pump, void *buffer, uint32_t bytes)
{
	struct ring *ring = ring_of(pump);
	const struct ring_output *output;

	if (ring->taken == ring->written) {
		ring->taken = ring->written = 0;
		return 0;
	}
	output = (const struct ring_output *)(ring->output + ring->taken);
	if (output->bytes > bytes)
		return -EINVAL;
	memcpy(buffer, output, output->bytes);
	ring->taken += output->bytes;
	return (int)output->bytes;
}
