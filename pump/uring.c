/* SPDX-License-Identifier: MIT */
/*
 * uring.c - many reads with one system call
 *
 * A read from a TUN gives one packet, and there is no call for several. With
 * io_uring(7) a row of reads is submitted at once. Each is marked not to wait:
 * so it is done, or refused with EAGAIN, while it is submitted, in order, and
 * nothing is ever under way when the call returns. What is read thereby is read
 * in the order of the queue, and to stop there is nothing to cancel.
 *
 * The ring knows the TUN by registration, which saves to look the descriptor up
 * each time. A row of one costs twice what read(2) does, and a row of 32 four
 * fifths: so it is for when there are many.
 *
 * Kernels whose TUN can't be read that way say EOPNOTSUPP; io_uring may be
 * switched off altogether, as in many containers, and by the filter of the pin,
 * which holds that it is worth less than what it would give to an engine that
 * has been taken over. Then packets are read one by one. The ring is set up by
 * the thread that uses it.
 */
#include "uring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/**
 * place() - A place in the kernel's memory
 * @uring:	Uring
 * @offset:	From the beginning of the rings
 */
static void *place(const struct uring *uring, uint32_t offset)
{
	return (uint8_t *)uring->rings + offset;
}

/**
 * map() - Map what the kernel made
 * @uring:	Uring
 * @params:	What the kernel says about it
 * Returns 0 or a negative errno.
 */
static int map(struct uring *uring, const struct io_uring_params *params)
{
	size_t submissions =
		params->sq_off.array + params->sq_entries * sizeof(uint32_t);
	size_t completions = params->cq_off.cqes +
			     params->cq_entries * sizeof(struct io_uring_cqe);

	if (!(params->features & IORING_FEAT_SINGLE_MMAP))
		return -ENOSYS;
	uring->rings_bytes =
		submissions > completions ? submissions : completions;
	uring->submissions_bytes =
		params->sq_entries * sizeof(struct io_uring_sqe);
	uring->rings =
		mmap(NULL, uring->rings_bytes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, uring->fd, IORING_OFF_SQ_RING);
	if (uring->rings == MAP_FAILED) {
		uring->rings = NULL;
		return -errno;
	}
	uring->submissions =
		mmap(NULL, uring->submissions_bytes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, uring->fd, IORING_OFF_SQES);
	if (uring->submissions == MAP_FAILED) {
		uring->submissions = NULL;
		return -errno;
	}
	uring->submission_tail = place(uring, params->sq_off.tail);
	uring->submission_mask = place(uring, params->sq_off.ring_mask);
	uring->submission_array = place(uring, params->sq_off.array);
	uring->completion_head = place(uring, params->cq_off.head);
	uring->completion_tail = place(uring, params->cq_off.tail);
	uring->completion_mask = place(uring, params->cq_off.ring_mask);
	uring->completions = place(uring, params->cq_off.cqes);
	return 0;
}

/**
 * uring_init() - Set a ring up
 * @uring:	Uring
 * @entries:	Most reads at once
 * @fd:		To read from
 * Returns 0 or a negative errno.
 */
int uring_init(struct uring *uring, uint32_t entries, int fd)
{
	struct io_uring_params params;
	int failure;

	memset(uring, 0, sizeof(*uring));
	memset(&params, 0, sizeof(params));
	uring->entries = entries;
	uring->fd = (int)syscall(SYS_io_uring_setup, entries, &params);
	if (uring->fd < 0)
		return -errno;
	failure = map(uring, &params);
	if (failure == 0 && syscall(SYS_io_uring_register, uring->fd,
				    IORING_REGISTER_FILES, &fd, 1) != 0)
		failure = -errno;
	if (failure != 0)
		uring_destroy(uring);
	return failure;
}

/**
 * uring_destroy() - Give a ring back
 * @uring:	Uring
 */
void uring_destroy(struct uring *uring)
{
	if (uring->submissions)
		munmap(uring->submissions, uring->submissions_bytes);
	if (uring->rings)
		munmap(uring->rings, uring->rings_bytes);
	if (uring->fd >= 0)
		close(uring->fd);
	uring->fd = -1;
}

/**
 * submit() - Write down a row of reads
 * @uring:	Uring
 * @buffers:	Where to
 * @stride:	Distance and size of the buffers
 * @count:	Their number
 */
static void submit(struct uring *uring, uint8_t *buffers, uint32_t stride,
		   uint32_t count)
{
	struct io_uring_sqe *entries = uring->submissions, *entry;
	uint32_t tail = *uring->submission_tail, at, i;

	for (i = 0; i < count; i++) {
		at = tail++ & *uring->submission_mask;
		entry = &entries[at];
		memset(entry, 0, sizeof(*entry));
		entry->opcode = IORING_OP_READ;
		/* The first registered one. */
		entry->fd = 0;
		entry->flags = IOSQE_FIXED_FILE;
		entry->addr =
			(uint64_t)(uintptr_t)(buffers + (size_t)i * stride);
		entry->len = stride;
		entry->rw_flags = RWF_NOWAIT;
		entry->user_data = i;
		uring->submission_array[at] = at;
	}
	atomic_store_explicit((_Atomic uint32_t *)uring->submission_tail, tail,
			      memory_order_release);
}

/**
 * collect() - Read the results that are there
 * @uring:	Uring
 * @results:	Gets them
 * @count:	Its length
 * Returns how many there were.
 */
static uint32_t collect(struct uring *uring, int32_t *results, uint32_t count)
{
	const struct io_uring_cqe *entries = uring->completions, *entry;
	uint32_t head = *uring->completion_head, tail, found = 0;

	tail = atomic_load_explicit((_Atomic uint32_t *)uring->completion_tail,
				    memory_order_acquire);
	for (; head != tail; head++, found++) {
		entry = &entries[head & *uring->completion_mask];
		if (entry->user_data < count)
			results[entry->user_data] = entry->res;
	}
	atomic_store_explicit((_Atomic uint32_t *)uring->completion_head, head,
			      memory_order_release);
	return found;
}

/**
 * uring_read() - Read several times
 * @uring:	Uring
 * @buffers:	Where to
 * @stride:	Distance and size of the buffers
 * @count:	Their number, at most the entries
 * @results:	Gets the result of each: bytes, or a negative errno
 * Returns 0 or a negative errno; then nothing was read.
 */
int uring_read(struct uring *uring, uint8_t *buffers, uint32_t stride,
	       uint32_t count, int32_t *results)
{
	uint32_t submitted = 0, found = 0;
	long result;

	submit(uring, buffers, stride, count);
	while (found < count) {
		result = syscall(SYS_io_uring_enter, uring->fd,
				 count - submitted, count - found,
				 IORING_ENTER_GETEVENTS, NULL, 0);
		if (result >= 0)
			submitted += (uint32_t)result;
		else if (errno != EINTR && errno != EAGAIN && errno != EBUSY)
			return -errno;
		found += collect(uring, results, count);
	}
	return 0;
}
