/* SPDX-License-Identifier: MIT */
/*
 * tun.c - reads and writes of the TUN
 *
 * Packets are read one by one until there are none, or enough bytes for one send
 * have come together. When a whole batch of short ones was there, the next batch
 * is likely to be, too, and is read with one system call, if io_uring is allowed.
 * That goes on until there are fewer, or long ones: super-packets come with one
 * system call as they are, and the last of few would be waited for.
 */
#include "descriptors.h"

#include "state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	/* A batch isn't made longer than this by reading one by one. */
	BATCH_BYTES = 64 * 1024,
	/* With longer ones, a row of reads would be more than a batch. */
	SHORT_BYTES = BATCH_BYTES / BODY_FRAMES,
	/* A row in which fewer were read is the last. */
	ROW_MIN = BODY_FRAMES * 3 / 4,
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
 * read_row() - Read a batch of packets with one system call
 * @descriptors: Body with a ring
 * @frames:	Gets them
 * Returns their number, or a negative errno.
 */
static int read_row(struct descriptors *descriptors,
		    struct frame frames[BODY_FRAMES])
{
	int32_t results[BODY_FRAMES];
	bool are_short = true;
	int count = 0, i;

	i = uring_read(&descriptors->uring, descriptors->frames, FRAME_BYTES,
		       BODY_FRAMES, results);
	if (i != 0)
		return i;
	for (; i < BODY_FRAMES; i++) {
		if (results[i] == -EAGAIN || results[i] == -EINTR)
			continue;
		if (results[i] <= 0 && count == 0)
			return results[i] < 0 ? results[i] : -ENODEV;
		if (results[i] <= 0)
			break;
		are_short = are_short && results[i] <= SHORT_BYTES;
		decode(descriptors,
		       descriptors->frames + (size_t)i * FRAME_BYTES,
		       (uint32_t)results[i], &frames[count++]);
	}
	descriptors->reads_rows = are_short && count >= ROW_MIN;
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

	if (descriptors->reads_rows) {
		count = read_row(descriptors, frames);
		if (count >= 0 || count == -EBADFD || count == -ENODEV)
			return count;
		/* This kernel's TUN can't be read so; what waits, waits. */
		descriptors_end_tx(descriptors);
		offload_note(descriptors->pump, PUMP_USES_URING, false);
	}
	count = read_singly(descriptors, frames);
	/* All of it in the bytes of one send: so they are short. */
	descriptors->reads_rows =
		descriptors->uses_uring && count == BODY_FRAMES;
	return count;
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
