/* SPDX-License-Identifier: MIT */
/* test_queue.c - messages come out as they went in, whatever their lengths */
#include "queue.h"

#include "../setup/test.h"

enum { SIZE = 4096, STEPS = 200000, LEN_MAX = 1500 };

static unsigned int next_random(void)
{
	static unsigned int state = 2463534242U;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* A message is its number, as often as its length says. */
static bool put(struct queue *queue, uint32_t number, uint32_t len)
{
	struct pump_message *message = queue_reserve(queue, len);

	if (!message)
		return false;
	message->kind = 1;
	message->index = number;
	memset(message + 1, (int)(number & 0xff), len);
	queue_publish(queue, message, len);
	return true;
}

static bool is_message(const struct pump_message *message, uint32_t number,
		       uint32_t len)
{
	const uint8_t *bytes = (const uint8_t *)(message + 1);
	uint32_t i;

	if (message->index != number || message->payload_bytes != len)
		return false;
	for (i = 0; i < len; i++)
		if (bytes[i] != (uint8_t)number)
			return false;
	return true;
}

static void test_random(void)
{
	static uint32_t lengths[STEPS];
	const struct pump_message *message;
	uint32_t put_in = 0, taken = 0, refused = 0, wrong = 0, step, bytes = 0;
	struct queue queue;

	CHECK(queue_init(&queue, SIZE) == 0);
	for (step = 0; step < STEPS; step++) {
		if (next_random() % 2) {
			lengths[put_in] = next_random() % LEN_MAX;
			if (put(&queue, put_in, lengths[put_in]))
				bytes += lengths[put_in++];
			else
				refused++;
			continue;
		}
		message = queue_peek(&queue);
		wrong += (message == NULL) != (put_in == taken);
		if (!message)
			continue;
		wrong += !is_message(message, taken, lengths[taken]);
		queue_pop(&queue, message);
		bytes -= lengths[taken++];
		wrong += bytes > SIZE;
	}
	CHECK(wrong == 0);
	CHECK(taken > STEPS / 4 && refused > 100);
	queue_destroy(&queue);
}

/* Nothing is lost of the room: what was full is as good as new. */
static void test_room(void)
{
	const struct pump_message *message;
	uint32_t round, count, first = 0;
	struct queue queue;

	CHECK(queue_init(&queue, SIZE) == 0);
	for (round = 0; round < 100; round++) {
		for (count = 0; put(&queue, count, 0); count++)
			;
		if (round == 0)
			first = count;
		CHECK(count + 1 >= first && first == SIZE / 72);
		while ((message = queue_peek(&queue)) != NULL)
			queue_pop(&queue, message);
	}
	queue_destroy(&queue);
}

int main(void)
{
	TEST("messages of any length come out in order, and whole",
	     test_random);
	TEST("a queue that was full takes as much again", test_room);
	return report();
}
