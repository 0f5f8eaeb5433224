/* SPDX-License-Identifier: MIT */
/*
 * tun.c - reads and writes of the TUN
 *
 * As many packets are read at once as seem to be there: one at first, twice as
 * many whenever all were, until enough bytes for one send have come together.
 * A read too many costs little, a system call for each packet much.
 */
#include "descriptors.h"

#include "state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	/* A batch isn't made longer than this by reading one by one. */
	BATCH_BYTES = 64 * 1024,
	/* From this length on packets are read by ones and twos. */
	LONG_BYTES = 16 * 1024,
};

/**
 * decode() - Split what was read into header and packet
 * @descriptors: Body
 * @bytes:	What was read
 * @len:	Its length
 * @frame:	Gets it; of length 0 if there is no packet
 */
static void decode(const struct descriptors *descriptors, const uint8_t *bytes,
		   uint32_t len, struct frame *frame)
{
	uint32_t header = descriptors->vnet_bytes;

	memset(frame, 0, sizeof(*frame));
	frame->packet = bytes + header;
	if (len <= header)
		return;
	frame->len = len - header;
	if (header >= VNET_BYTES)
		memcpy(&frame->vnet, bytes, VNET_BYTES);
}

/**
 * read_singly() - Read packets one by one until there are none
 * @descriptors: Body
 * @frames:	Gets them
 * Returns their number, or a negative errno if there are none for that reason.
 */
static int read_singly(struct descriptors *descriptors,
		       struct frame frames[BODY_FRAMES])
{
	uint32_t total = 0;
	uint8_t *buffer;
	ssize_t len;
	int count = 0;

	while (count < BODY_FRAMES && total < BATCH_BYTES) {
		buffer = descriptors->frames + (size_t)count * FRAME_BYTES;
		len = read(descriptors->tun, buffer, FRAME_BYTES);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			break;
		if (len <= 0)
			return count > 0 ? count : len < 0 ? -errno : -ENODEV;
		decode(descriptors, buffer, (uint32_t)len, &frames[count++]);
		total += (uint32_t)len;
	}
	return count;
}

/**
 * read_together() - Read several packets with one system call
 * @descriptors: Body with a ring
 * @frames:	Gets them
 * Returns their number, or a negative errno.
 */
static int read_together(struct descriptors *descriptors,
			 struct frame frames[BODY_FRAMES])
{
	int32_t results[BODY_FRAMES];
	uint32_t i, wanted = descriptors->reads;
	bool is_long = false;
	int count = 0, failure;

	failure = uring_read(&descriptors->uring, descriptors->tun,
			     descriptors->frames, FRAME_BYTES, wanted, results);
	if (failure != 0)
		return failure;
	for (i = 0; i < wanted; i++) {
		if (results[i] == -EAGAIN || results[i] == -EINTR)
			continue;
		if (results[i] <= 0 && count == 0)
			return results[i] < 0 ? results[i] : -ENODEV;
		if (results[i] <= 0)
			break;
		is_long = is_long || results[i] > LONG_BYTES;
		decode(descriptors,
		       descriptors->frames + (size_t)i * FRAME_BYTES,
		       (uint32_t)results[i], &frames[count++]);
	}
	if (is_long)
		descriptors->reads = 2;
	else if ((uint32_t)count == wanted && wanted < BODY_FRAMES)
		descriptors->reads = wanted * 2;
	else if ((uint32_t)count < wanted / 4)
		descriptors->reads = wanted / 2;
	return count;
}

/**
 * tun_read() - Read a batch of packets
 * @context:	Body
 * @frames:	Gets them
 * Returns their number, 0 if there are none, or a negative errno.
 */
int tun_read(void *context, struct frame frames[BODY_FRAMES])
{
	struct descriptors *descriptors = context;
	int count;

	if (descriptors->uses_uring) {
		count = read_together(descriptors, frames);
		if (count >= 0 || count == -EBADFD || count == -ENODEV)
			return count;
		/* This kernel's TUN can't be read so; what waits, waits. */
		descriptors_end_tx(descriptors);
		offload_note(descriptors->pump, PUMP_USES_URING, false);
	}
	return read_singly(descriptors, frames);
}

/**
 * tun_write() - Write a packet or super-packet
 * @context:	Body
 * @pieces:	virtio_net_hdr and what follows
 * @count:	Their number
 * Returns 0 or a negative errno.
 */
int tun_write(void *context, const struct iovec *pieces, int count)
{
	struct descriptors *descriptors = context;
	ssize_t written;

	if (descriptors->vnet_bytes == 0) {
		pieces++;
		count--;
	}
	do
		written = writev(descriptors->tun, pieces, count);
	while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : 0;
}
