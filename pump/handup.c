/* SPDX-License-Identifier: MIT */
/*
 * handup.c - messages to TypeScript, bounded
 *
 * Each data thread has a queue of its own, so neither waits for the other, and
 * a flood of handshake messages fills only the queue of rx. The reader is woken
 * by one byte on a socket, but only after it found both queues empty and said
 * so; it looks once more after saying so, and the writer asks after writing.
 * Then either the reader sees the message, or the writer sees the wish.
 *
 * That the TUN is gone is told once, and nothing comes after it that would tell
 * it again. So it isn't in a queue, which may be full, but in a place of its own.
 */
#include "handup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* Some 300 packets of full size. */
	TX_QUEUE_BYTES = 1 << 19,
	/* Some 500 initiations. */
	RX_QUEUE_BYTES = 1 << 17,
};

/**
 * handup_init() - Make the queues and the socket
 * @handup:	Handup
 * Returns 0 or a negative errno; handup_destroy() is to be called either way.
 */
int handup_init(struct handup *handup)
{
	handup->wake[0] = handup->wake[1] = -1;
	atomic_init(&handup->is_awaited, true);
	atomic_init(&handup->is_watched, false);
	atomic_init(&handup->gone, 0);
	if (queue_init(&handup->queues[EPOCH_TX], TX_QUEUE_BYTES) != 0 ||
	    queue_init(&handup->queues[EPOCH_RX], RX_QUEUE_BYTES) != 0)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       handup->wake) != 0)
		return -errno;
	return 0;
}

/**
 * handup_destroy() - Free the queues, and close this end of the socket
 * @handup:	Handup
 */
void handup_destroy(struct handup *handup)
{
	queue_destroy(&handup->queues[EPOCH_TX]);
	queue_destroy(&handup->queues[EPOCH_RX]);
	if (handup->wake[0] >= 0)
		close(handup->wake[0]);
}

/**
 * handup_reserve() - Take room for one message
 * @handup:	Handup
 * @from:	The thread that this is
 * @len:	Bytes of payload at most
 * Returns NULL if there is no room.
 */
struct pump_message *handup_reserve(struct handup *handup,
				    enum epoch_reader from, uint32_t len)
{
	return queue_reserve(&handup->queues[from], len);
}

/**
 * wake() - Wake the reader if it sleeps
 * @handup:	Handup, in which there is something to be taken
 */
static void wake(struct handup *handup)
{
	ssize_t written;

	if (!atomic_exchange(&handup->is_awaited, false))
		return;
	do
		written = send(handup->wake[0], "", 1, MSG_NOSIGNAL);
	while (written < 0 && errno == EINTR);
	/* With no byte in it the socket has room, unless nobody reads it. */
}

/**
 * handup_publish() - Hand a message up, and wake the reader if it sleeps
 * @handup:	Handup
 * @from:	The thread that this is
 * @message:	From handup_reserve()
 * @len:	Bytes of payload
 */
void handup_publish(struct handup *handup, enum epoch_reader from,
		    struct pump_message *message, uint32_t len)
{
	queue_publish(&handup->queues[from], message, len);
	wake(handup);
}

/**
 * handup_message() - Hand a message up
 * @handup:	Handup
 * @from:	The thread that this is
 * @header:	Its kind and what belongs to it
 * @payload:	Copied
 * @len:	Its length
 * Returns false if there is no room.
 */
bool handup_message(struct handup *handup, enum epoch_reader from,
		    const struct pump_message *header, const void *payload,
		    uint32_t len)
{
	struct pump_message *message = handup_reserve(handup, from, len);

	if (!message)
		return false;
	*message = *header;
	if (len > 0)
		memcpy(message + 1, payload, len);
	handup_publish(handup, from, message, len);
	return true;
}

/**
 * handup_gone() - Say that the TUN is gone, however full the queues are
 * @handup:	Handup
 * @error:	Why, a positive errno
 */
void handup_gone(struct handup *handup, uint32_t error)
{
	atomic_store(&handup->gone, error);
	wake(handup);
}

/**
 * handup_active() - Say that there was a packet, if somebody wants to know
 * @handup:	Handup
 * @from:	The thread that this is
 */
void handup_active(struct handup *handup, enum epoch_reader from)
{
	struct pump_message header = {.kind = PUMP_ACTIVE,
				      .peer = (uint32_t)PUMP_NO_PEER};

	if (!atomic_load_explicit(&handup->is_watched, memory_order_relaxed) ||
	    !atomic_exchange(&handup->is_watched, false))
		return;
	/* A full queue wakes the reader just as well, who then looks anyway. */
	if (!handup_message(handup, from, &header, NULL, 0))
		atomic_store(&handup->is_watched, true);
}

/**
 * take_gone() - Make the message that the TUN is gone, if it is to be told
 * @handup:	Handup
 * @buffer:	Gets it; there is room for any message
 * Returns the number of bytes.
 */
static uint32_t take_gone(struct handup *handup, uint8_t *buffer)
{
	struct pump_message message = {
		.bytes = sizeof(message),
		.kind = PUMP_GONE,
		.peer = (uint32_t)PUMP_NO_PEER,
		.index = atomic_exchange(&handup->gone, 0),
	};

	if (message.index == 0)
		return 0;
	memcpy(buffer, &message, sizeof(message));
	return sizeof(message);
}

/**
 * take_from() - Copy whole messages out of one queue
 * @queue:	Queue
 * @buffer:	Gets them
 * @len:	Its size
 * Returns the number of bytes.
 */
static uint32_t take_from(struct queue *queue, uint8_t *buffer, uint32_t len)
{
	const struct pump_message *message;
	uint32_t taken = 0;

	while ((message = queue_peek(queue)) != NULL &&
	       message->bytes <= len - taken) {
		memcpy(buffer + taken, message, message->bytes);
		taken += message->bytes;
		queue_pop(queue, message);
	}
	return taken;
}

/**
 * handup_take() - Take messages; for the caller's thread
 * @handup:	Handup
 * @buffer:	Gets whole messages
 * @len:	Its size
 * Returns the number of bytes; at 0 the next message wakes the caller.
 */
uint32_t handup_take(struct handup *handup, uint8_t *buffer, uint32_t len)
{
	uint32_t taken;
	int round;

	for (round = 0; round < 2; round++) {
		taken = take_gone(handup, buffer);
		taken += take_from(&handup->queues[EPOCH_RX], buffer + taken,
				   len - taken);
		taken += take_from(&handup->queues[EPOCH_TX], buffer + taken,
				   len - taken);
		if (taken > 0) {
			atomic_store(&handup->is_awaited, false);
			return taken;
		}
		atomic_store(&handup->is_awaited, true);
	}
	return 0;
}
