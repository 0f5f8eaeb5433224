/* SPDX-License-Identifier: MIT */
/*
 * workers.c - the cipher of one batch on several cores
 *
 * Where a machine has cores to spare, tx and rx have workers. They do nothing
 * but ChaCha20-Poly1305: counters are given, windows moved and packets put in
 * line by tx and rx alone, before and after. A batch is handed out in chunks, of
 * which its owner takes too, and goes on when all of it is done. So whatever a
 * worker is held up by, no packet overtakes another one.
 *
 *	ticket	jobs of the batch | next job
 *	done	how many jobs of it are
 *
 * A chunk is taken by moving the ticket on. A worker that does so late that the
 * ticket is another batch's takes a chunk of that: nothing else was looked at. The owner changes
 * jobs only while all of them are done. OpenSSL's contexts aren't shared: each
 * hand has one of its own for each keypair.
 *
 * Small batches aren't worth waking anybody for.
 */
#include "workers.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CHUNK = 4,
	/* What a job costs besides its bytes, in bytes, and from where on waking
	 * others costs less than they save. */
	JOB_BYTES = 512,
	SHARED_BYTES = 16 * 1024,
	/* For a few microseconds, as long as a chunk takes. */
	SPINS = 200,
};

/**
 * futex() - Wait on a word while it has a value, or wake those who do
 * @word:	Word
 * @operation:	FUTEX_WAIT_PRIVATE or FUTEX_WAKE_PRIVATE
 * @value:	The value, or how many to wake
 */
static void futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
	/* Whatever ends the waiting, the caller looks again. */
	(void)syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

/**
 * relax() - Tell the processor that this is a loop that waits
 */
static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/**
 * run_jobs() - Seal or open some packets
 * @workers:	Workers
 * @hand:	Whose contexts to use
 * @jobs:	Jobs
 * @count:	Their number
 */
static void run_jobs(const struct workers *workers, uint32_t hand,
		     struct job *jobs, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct job *job = &jobs[i];
		struct aead *aead = &job->hands[hand];

		job->has_worked = workers->seals
					  ? aead_seal(aead, job->counter,
						      job->bytes, job->len)
					  : aead_open(aead, job->counter,
						      job->bytes, job->len);
	}
}

/**
 * take_part() - Take chunks until none is left
 * @workers:	Workers
 * @hand:	Who takes them
 */
static void take_part(struct workers *workers, uint32_t hand)
{
	uint32_t ticket = atomic_load(&workers->ticket), count, next, size;

	for (;;) {
		count = ticket >> 16;
		next = ticket & 0xffff;
		if (next >= count)
			return;
		size = count - next < CHUNK ? count - next : CHUNK;
		if (!atomic_compare_exchange_weak(&workers->ticket, &ticket,
						  ticket + size))
			continue;
		run_jobs(workers, hand, workers->jobs + next, size);
		if (atomic_fetch_add(&workers->done, size) + size == count &&
		    atomic_load(&workers->is_awaited))
			futex(&workers->done, FUTEX_WAKE_PRIVATE, 1);
		ticket = atomic_load(&workers->ticket);
	}
}

/**
 * worker_thread() - Take part in every batch until the end
 * @argument:	Worker
 */
static void *worker_thread(void *argument)
{
	const struct worker *worker = argument;
	struct workers *workers = worker->workers;
	uint32_t calls;

	for (;;) {
		calls = atomic_load(&workers->calls);
		if (atomic_load(&workers->is_ending))
			return NULL;
		take_part(workers, worker->hand);
		atomic_fetch_add(&workers->sleepers, 1);
		futex(&workers->calls, FUTEX_WAIT_PRIVATE, calls);
		atomic_fetch_sub(&workers->sleepers, 1);
	}
}

/**
 * workers_begin() - Begin their threads
 * @workers:	Gets them
 * @count:	How many there should be; none is enough
 * @seals:	Whether they seal or open
 * Where there can't be as many there are fewer.
 */
void workers_begin(struct workers *workers, uint32_t count, bool seals)
{
	struct worker *worker;

	workers->seals = seals;
	atomic_store(&workers->is_ending, false);
	for (workers->count = 0; workers->count < count; workers->count++) {
		worker = &workers->members[workers->count];
		worker->workers = workers;
		worker->hand = workers->count + 1;
		if (pthread_create(&worker->thread, NULL, worker_thread,
				   worker) != 0)
			break;
	}
}

/**
 * workers_end() - End their threads and wait for them
 * @workers:	Workers without a batch
 */
void workers_end(struct workers *workers)
{
	uint32_t i;

	atomic_store(&workers->is_ending, true);
	atomic_fetch_add(&workers->calls, 1);
	futex(&workers->calls, FUTEX_WAKE_PRIVATE, INT_MAX);
	for (i = 0; i < workers->count; i++)
		pthread_join(workers->members[i].thread, NULL);
	workers->count = 0;
}

/**
 * await() - Wait until the whole batch is done
 * @workers:	Workers
 * @count:	Jobs of the batch
 */
static void await(struct workers *workers, uint32_t count)
{
	uint32_t done, spins;

	for (spins = 0; spins < SPINS; spins++) {
		if (atomic_load(&workers->done) == count)
			return;
		relax();
	}
	atomic_store(&workers->is_awaited, true);
	while ((done = atomic_load(&workers->done)) != count)
		futex(&workers->done, FUTEX_WAIT_PRIVATE, done);
	atomic_store(&workers->is_awaited, false);
}

/**
 * is_worth_sharing() - Whether others could be of help
 * @jobs:	Jobs
 * @count:	Their number
 */
static bool is_worth_sharing(const struct job *jobs, uint32_t count)
{
	uint32_t bytes = 0, i;

	for (i = 0; i < count && bytes < SHARED_BYTES; i++)
		bytes += jobs[i].len + JOB_BYTES;
	return bytes >= SHARED_BYTES;
}

/**
 * workers_run() - Do a batch
 * @workers:	Workers
 * @jobs:	Jobs, which get their results
 * @count:	Their number, at most WORKERS_JOBS
 */
void workers_run(struct workers *workers, struct job *jobs, uint32_t count)
{
	if (workers->count == 0 || !is_worth_sharing(jobs, count)) {
		run_jobs(workers, 0, jobs, count);
		return;
	}
	workers->jobs = jobs;
	atomic_store(&workers->done, 0);
	atomic_store(&workers->ticket, count << 16);
	atomic_fetch_add(&workers->calls, 1);
	if (atomic_load(&workers->sleepers) > 0)
		futex(&workers->calls, FUTEX_WAKE_PRIVATE, INT_MAX);
	take_part(workers, 0);
	await(workers, count);
}
