/* SPDX-License-Identifier: MIT */
/* uring.h - many reads with one system call */
#ifndef WG_WRAP_PUMP_URING_H
#define WG_WRAP_PUMP_URING_H

#include <stddef.h>
#include <stdint.h>

struct uring {
	int fd;
	uint32_t entries;
	/* The kernel's memory. */
	void *rings, *submissions;
	size_t rings_bytes, submissions_bytes;
	/* Places in it. */
	uint32_t *submission_tail, *submission_mask, *submission_array;
	uint32_t *completion_head, *completion_tail, *completion_mask;
	void *completions;
};

int uring_init(struct uring *uring, uint32_t entries, int fd);
void uring_destroy(struct uring *uring);
int uring_read(struct uring *uring, uint8_t *buffers, uint32_t stride,
	       uint32_t count, int32_t *results);

#endif
