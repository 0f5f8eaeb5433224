/* SPDX-License-Identifier: MIT */
/*
 * epoch.c - when nobody can see any more what was taken out of a table
 *
 * Keypairs and tables are read by two threads without a lock, and taken out by
 * a third. Each reader has a counter that is odd while it is among the tables.
 * Whoever takes something out first makes it unreachable, and then waits for
 * each reader whose counter is odd to have left once: what the reader enters
 * for afterwards it looks up anew, and doesn't find it.
 *
 * Either the reader's count is seen odd, or the reader sees the table without
 * the thing: the accesses on both sides are sequentially consistent. The same
 * holds for is_awaited, so that a reader needs the lock only if it is awaited.
 */
#include "epoch.h"

/**
 * epoch_init() - Prepare
 * @epoch:	Epoch
 * Returns 0 or a positive errno.
 */
int epoch_init(struct epoch *epoch)
{
	int failure, i;

	for (i = 0; i < EPOCH_READERS; i++)
		atomic_init(&epoch->readers[i].count, 0);
	atomic_init(&epoch->is_awaited, 0);
	failure = pthread_mutex_init(&epoch->lock, NULL);
	if (failure)
		return failure;
	failure = pthread_cond_init(&epoch->left, NULL);
	if (failure)
		pthread_mutex_destroy(&epoch->lock);
	return failure;
}

/**
 * epoch_destroy() - Undo epoch_init()
 * @epoch:	Epoch
 */
void epoch_destroy(struct epoch *epoch)
{
	pthread_cond_destroy(&epoch->left);
	pthread_mutex_destroy(&epoch->lock);
}

/**
 * epoch_enter() - From here on things are looked up
 * @epoch:	Epoch
 * @reader:	Which of the threads this is
 */
void epoch_enter(struct epoch *epoch, enum epoch_reader reader)
{
	atomic_fetch_add(&epoch->readers[reader].count, 1);
}

/**
 * epoch_leave() - From here on nothing that was looked up is used
 * @epoch:	Epoch
 * @reader:	Which of the threads this is
 */
void epoch_leave(struct epoch *epoch, enum epoch_reader reader)
{
	atomic_fetch_add(&epoch->readers[reader].count, 1);
	if (!atomic_load(&epoch->is_awaited))
		return;
	pthread_mutex_lock(&epoch->lock);
	pthread_cond_broadcast(&epoch->left);
	pthread_mutex_unlock(&epoch->lock);
}

/**
 * epoch_synchronize() - Wait until what is unreachable isn't used either
 * @epoch:	Epoch
 * For one thread at a time, that is no reader.
 */
void epoch_synchronize(struct epoch *epoch)
{
	uint64_t count;
	int i;

	pthread_mutex_lock(&epoch->lock);
	atomic_store(&epoch->is_awaited, 1);
	for (i = 0; i < EPOCH_READERS; i++) {
		count = atomic_load(&epoch->readers[i].count);
		while (count % 2 != 0 &&
		       atomic_load(&epoch->readers[i].count) == count)
			pthread_cond_wait(&epoch->left, &epoch->lock);
	}
	atomic_store(&epoch->is_awaited, 0);
	pthread_mutex_unlock(&epoch->lock);
}
