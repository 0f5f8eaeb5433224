/* SPDX-License-Identifier: MIT */
/* queue.h - messages from one thread to one other, bounded */
#ifndef WG_WRAP_PUMP_QUEUE_H
#define WG_WRAP_PUMP_QUEUE_H

#include "pump.h"

#include <stdatomic.h>
#include <stdint.h>

struct queue {
	uint8_t *bytes;
	/* A power of two. */
	uint32_t size;
	/* Bytes ever written, and ever read; each on its writer's line. */
	struct {
		_Alignas(64) _Atomic uint64_t count;
	} written, read;
};

int queue_init(struct queue *queue, uint32_t size);
void queue_destroy(struct queue *queue);
uint32_t queue_room(const struct queue *queue);
struct pump_message *queue_reserve(struct queue *queue, uint32_t payload);
void queue_publish(struct queue *queue, struct pump_message *message,
		   uint32_t payload);
const struct pump_message *queue_peek(struct queue *queue);
void queue_pop(struct queue *queue, const struct pump_message *message);

#endif
