/* SPDX-License-Identifier: MIT */
/*
 * queue.c - messages from one thread to one other, bounded
 *
 * A ring of bytes without a lock: the writer alone moves one end, the reader
 * alone the other. A message lies in one piece, so that it can be filled in and
 * read where it is; where it doesn't fit before the end of the ring, a filler
 * goes there, and the message to the beginning. Lengths are multiples of 8.
 */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* enum pump_message_kind begins at 1. */
	KIND_FILLER = 0,
};

/**
 * queue_init() - Make a queue
 * @queue:	Queue
 * @size:	Bytes, a power of two
 * Returns 0 or -ENOMEM.
 */
int queue_init(struct queue *queue, uint32_t size)
{
	queue->bytes = malloc(size);
	if (!queue->bytes)
		return -ENOMEM;
	queue->size = size;
	atomic_init(&queue->written.count, 0);
	atomic_init(&queue->read.count, 0);
	return 0;
}

/**
 * queue_destroy() - Free a queue, and wipe what packets are in it
 * @queue:	Queue
 */
void queue_destroy(struct queue *queue)
{
	if (queue->bytes)
		explicit_bzero(queue->bytes, queue->size);
	free(queue->bytes);
	queue->bytes = NULL;
}

/**
 * message_bytes() - Room that a message takes
 * @payload:	Bytes behind its header
 */
static uint32_t message_bytes(uint32_t payload)
{
	return ((uint32_t)sizeof(struct pump_message) + payload + 7) &
	       (uint32_t)~7;
}

/**
 * queue_room() - How many bytes are free at least; for the writer
 * @queue:	Queue
 */
uint32_t queue_room(const struct queue *queue)
{
	uint64_t written = atomic_load_explicit(&queue->written.count,
						memory_order_relaxed);
	uint64_t read =
		atomic_load_explicit(&queue->read.count, memory_order_acquire);

	return queue->size - (uint32_t)(written - read);
}

/**
 * queue_reserve() - Take room for one message; for the writer
 * @queue:	Queue
 * @payload:	Bytes behind its header, at most PACKET_BYTES_MAX
 * Returns a header of zeros to be filled in, or NULL if the queue is full. Not
 * to be followed by another one before queue_publish().
 */
struct pump_message *queue_reserve(struct queue *queue, uint32_t payload)
{
	uint64_t written = atomic_load_explicit(&queue->written.count,
						memory_order_relaxed);
	uint32_t at = (uint32_t)written & (queue->size - 1);
	uint32_t bytes = message_bytes(payload), left = queue->size - at;
	uint32_t filler = bytes > left ? left : 0;
	struct pump_message *message;

	if (queue_room(queue) < filler + bytes)
		return NULL;
	if (filler > 0) {
		message = (struct pump_message *)(queue->bytes + at);
		message->bytes = filler;
		message->kind = KIND_FILLER;
		atomic_store_explicit(&queue->written.count, written + filler,
				      memory_order_release);
		at = 0;
	}
	message = (struct pump_message *)(queue->bytes + at);
	memset(message, 0, sizeof(*message));
	return message;
}

/**
 * queue_publish() - Give a filled message to the reader
 * @queue:	Queue
 * @message:	From queue_reserve()
 * @payload:	As there, or less
 */
void queue_publish(struct queue *queue, struct pump_message *message,
		   uint32_t payload)
{
	message->bytes = message_bytes(payload);
	message->payload_bytes = payload;
	/* Sequentially consistent: what follows asks if the reader sleeps. */
	atomic_fetch_add(&queue->written.count, message->bytes);
}

/**
 * queue_peek() - Look at the oldest message; for the reader
 * @queue:	Queue
 * Returns NULL if there is none.
 */
const struct pump_message *queue_peek(struct queue *queue)
{
	const struct pump_message *message;
	uint64_t read;

	for (;;) {
		read = atomic_load_explicit(&queue->read.count,
					    memory_order_relaxed);
		if (atomic_load(&queue->written.count) == read)
			return NULL;
		message = (const struct pump_message *)(queue->bytes +
							(read &
							 (queue->size - 1)));
		if (message->kind != KIND_FILLER)
			return message;
		queue_pop(queue, message);
	}
}

/**
 * queue_pop() - Give the room of the oldest message back
 * @queue:	Queue
 * @message:	As queue_peek() gave it; not to be looked at afterwards
 */
void queue_pop(struct queue *queue, const struct pump_message *message)
{
	atomic_fetch_add_explicit(&queue->read.count, message->bytes,
				  memory_order_release);
}
