/* SPDX-License-Identifier: MIT */
/*
 * test_shortage.c - a pump where there can't be as many threads as it wants
 *
 * Linked with: -Wl,--wrap=pthread_create
 */
#include "end.h"

#include "../setup/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* How many threads there may be, and are, besides the first one. */
static int limit;
static _Atomic int living;

struct life {
	void *(*body)(void *);
	void *argument;
};

static void *live(void *argument)
{
	struct life life = *(struct life *)argument;
	void *result;

	free(argument);
	result = life.body(life.argument);
	living--;
	return result;
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*body)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*body)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*body)(void *), void *argument)
{
	struct life *life;
	int failure;

	if (living >= limit)
		return EAGAIN;
	life = malloc(sizeof(*life));
	*life = (struct life){body, argument};
	living++;
	failure = __real_pthread_create(thread, attributes, live, life);
	if (failure)
		abort();
	return 0;
}

/* Starts a pump with three workers a side; tells how many it has then, or why it
 * has not started. */
static int start(int threads)
{
	struct pump_config config = {.bytes = sizeof(config),
				     .tun = -1,
				     .udp4 = -1,
				     .udp6 = -1,
				     .mtu = END_MTU,
				     .peers_max = END_PEERS,
				     .workers = 3};
	uint32_t size = sizeof(struct pump_activity) +
			END_PEERS * sizeof(struct pump_peer_activity);
	struct pump_activity *activity = calloc(1, size);
	struct pump *pump;
	int32_t failure;
	int result;

	pump = pump_open(&config, activity, size, &failure);
	CHECK(pump != NULL);
	limit = threads;
	result = pump_start(pump);
	if (result == 0) {
		result = (int)activity->workers;
		CHECK(pump_stop(pump) == 0);
	}
	close(pump_wake_fd(pump));
	pump_close(pump);
	free(activity);
	return result;
}

static void test_few(void)
{
	CHECK(start(8) == 6);
	CHECK(start(7) == 0);
	CHECK(start(2) == 0);
	CHECK(start(1) == -EAGAIN);
	CHECK(living == 0);
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	TEST("workers are done without where the two threads need the room",
	     test_few);
	return report();
}
