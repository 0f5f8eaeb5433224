/* SPDX-License-Identifier: MIT */
/*
 * keep.c - a tunnel's life, from the engine's first start to its end
 *
 * One loop waits for everything: signals, the engine's words (hear.c), orders
 * (obey.c), the end of sessions and of processes inside, and the nearest of a
 * few deadlines.
 *
 *   starting   The engine has READY_MS to say that it is. Until then whoever
 *              wants the tunnel waits, so any failure ends it, with a message.
 *   running    A dead engine is started again, however often (service.c).
 *              Whenever a session ends, and once at the beginning, since
 *              the first front may be dead already, it is counted who is left.
 *              Nobody, for as long as the plan says: ending.
 *   ending     The engine is asked to stop, then made to. TUN and host sockets
 *              close before `pin` is unlocked: a successor's port is free.
 */
#include "keep.h"

#include "die.h"
#include "instance.h"
#include "keeper.h"
#include "pin.h"
#include "plan.h"
#include "record.h"
#include "runtime.h"
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STOP_MS = 1000,
};

enum {
	WATCH_SIGNALS,
	WATCH_SESSIONS,
	WATCH_CHANNEL,
	WATCH_MASKS,
	WATCH_OUTSIDE,
	WATCH_LISTENER = WATCH_OUTSIDE + OUTSIDE_WATCHES,
	WATCH_INHABITANTS = WATCH_LISTENER + ORDERS_WATCHED,
	WATCHES = WATCH_INHABITANTS + CENSUS_WATCHED_MAX,
};

/**
 * now_ms() - Milliseconds on a clock that never goes back
 */
static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/**
 * fail_start() - End a tunnel that didn't come to be, and say why
 * @keep:	Keeper
 * @why:	What happened
 * The log stays, and so does `lock` with whoever started this.
 */
static _Noreturn void fail_start(struct keep *keep, const char *why)
{
	char path[PATH_MAX];

	engine_signal(&keep->service.engine, SIGKILL);
	if (keep->service.engine.pid > 0)
		waitpid(keep->service.engine.pid, NULL, 0);
	instance_unlink_state(keep->tunnel.directory);
	runtime_path(keep->tunnel.directory, path);
	die(STATUS_SETUP, "%s; see %s/log", why, path);
}

/**
 * start_engine() - Start the engine, or plan to try again
 * @keep:	Keeper
 * @now:	Time
 */
static void start_engine(struct keep *keep, long long now)
{
	if (keep->phase != STARTING)
		service_start_again(&keep->service, now);
	else if (!service_start(&keep->service, now))
		fail_start(keep, "the engine could not be started");
}

/**
 * finish() - The engine is gone: close, remove, exit
 * @keep:	Keeper
 * @now:	Time
 * Returns only to wait for the lock a little longer. Past `end_by` it does
 * without: as long as this process lives nobody can start a successor, and a
 * front that joins meanwhile finds namespaces without a way out.
 */
static void finish(struct keep *keep, long long now)
{
	int fd;

	if (!census_lock(&keep->census, now) && now < keep->end_by) {
		keep->finish_at = keep->census.again_at;
		return;
	}
	for (fd = PIN_TUN; fd <= PIN_CONTROL; fd++)
		close(fd);
	/* Empty then, unless orphans of a killed pin are in it. */
	sessions_count(keep->census.sessions, keep->tunnel.netns);
	unlinkat(keep->tunnel.directory, "sessions", AT_REMOVEDIR);
	unlinkat(keep->tunnel.directory, "log", 0);
	instance_unlink_state(keep->tunnel.directory);
	_exit(0);
}

/**
 * keep_end() - Stop the engine; the rest follows when it is gone
 * @keep:	Keeper
 * @now:	Time
 */
void keep_end(struct keep *keep, long long now)
{
	keep->phase = ENDING;
	keep->service.start_at = NEVER;
	keep->service.ready_by = now + STOP_MS;
	keep->end_by = now + STOP_MS;
	/* If it is free, so that nobody joins a tunnel that ends. */
	census_lock(&keep->census, now);
	if (keep->service.engine.pid > 0)
		engine_signal(&keep->service.engine, SIGTERM);
	else
		finish(keep, now);
}

/**
 * count() - End the tunnel if nobody uses it
 * @keep:	Keeper
 * @now:	Time
 */
static void count(struct keep *keep, long long now)
{
	if (keep->phase == RUNNING && census_finds_nobody(&keep->census, now))
		keep_end(keep, now);
}

/**
 * on_engine_end() - The engine is gone
 * @keep:	Keeper
 * @now:	Time
 */
static void on_engine_end(struct keep *keep, long long now)
{
	unsigned int pause_ms = service_ended(&keep->service, now);

	switch (keep->phase) {
	case STARTING:
		fail_start(keep, "the engine did not start");
	case RUNNING:
		if (!keep_replace(keep, now))
			service_put_off(&keep->service, now, pause_ms);
		break;
	case ENDING:
		finish(keep, now);
		break;
	}
}

/**
 * on_signals() - A child ended, or this process is to end
 * @keep:	Keeper
 * @now:	Time
 */
static void on_signals(struct keep *keep, long long now)
{
	struct signalfd_siginfo info;
	pid_t pid;

	while (read(keep->tunnel.signals, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM && keep->phase == STARTING)
			fail_start(keep, "ended before the tunnel was ready");
		if (info.ssi_signo == SIGTERM && keep->phase == RUNNING)
			keep_end(keep, now);
	}
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		if (pid == keep->service.engine.pid)
			on_engine_end(keep, now);
		outside_child_ended(&keep->outside, pid);
	}
}

/**
 * on_deadlines() - Do what is due
 * @keep:	Keeper
 * @now:	Time
 */
static void on_deadlines(struct keep *keep, long long now)
{
	if (now >= keep->service.ready_by) {
		if (keep->phase == STARTING)
			fail_start(keep, "the engine did not start in time");
		engine_signal(&keep->service.engine, SIGKILL);
		keep->service.ready_by = NEVER;
	}
	if (now >= keep->service.start_at)
		start_engine(keep, now);
	if (now >= keep->finish_at)
		finish(keep, now);
	if (now >= keep->census.again_at)
		count(keep, now);
}

/**
 * until_next_ms() - How long poll() may wait
 * @keep:	Keeper
 * Returns -1 for as long as it takes.
 */
static int until_next_ms(const struct keep *keep)
{
	long long next = outside_next(&keep->outside), left;

	if (keep->service.ready_by < next)
		next = keep->service.ready_by;
	if (keep->service.start_at < next)
		next = keep->service.start_at;
	if (keep->finish_at < next)
		next = keep->finish_at;
	if (keep->orders.accept_at < next)
		next = keep->orders.accept_at;
	if (keep->phase == RUNNING && keep->census.again_at < next)
		next = keep->census.again_at;
	if (engine_has_word(&keep->service.engine))
		return 0;
	if (next == NEVER)
		return -1;
	left = next - now_ms();
	if (left < 0)
		return 0;
	return left < 0x7fffffff ? (int)left : 0x7fffffff;
}

/**
 * prepare() - Initialise the keeper
 * @keep:	Keeper
 * @tunnel:	What the pin has built
 */
static void prepare(struct keep *keep, const struct keep_tunnel *tunnel)
{
	keep->tunnel = *tunnel;
	remask_watch(&keep->masks, tunnel->directory, &tunnel->plan->options);
	keep->phase = STARTING;
	keep->finish_at = NEVER;
	keep->end_by = NEVER;
	keep->is_replacing = false;
	keep->is_replaced = false;
	service_prepare(&keep->service, &keep->tunnel);
	orders_open(&keep->orders, tunnel->directory);
	outside_open(&keep->outside, &keep->service.engine, tunnel->plan,
		     tunnel->log);
	census_prepare(&keep->census, tunnel->directory, tunnel->netns,
		       (long long)tunnel->plan->linger_ms);
}

/**
 * await() - Wait for the next event
 * @keep:	Keeper
 * @watches:	Gets the events
 * Returns whether a watched process inside has ended.
 */
static bool await(const struct keep *keep, struct pollfd watches[WATCHES])
{
	bool is_inhabitant = false;
	unsigned int i;

	memset(watches, 0, sizeof(*watches) * WATCHES);
	watches[WATCH_SIGNALS].fd = keep->tunnel.signals;
	watches[WATCH_SESSIONS].fd = keep->census.events;
	watches[WATCH_CHANNEL].fd = keep->service.engine.channel;
	watches[WATCH_MASKS].fd = keep->masks.events;
	orders_watch(&keep->orders, watches + WATCH_LISTENER);
	/* Nobody counts any more in a tunnel that ends. */
	for (i = WATCH_INHABITANTS; i < WATCHES; i++)
		watches[i].fd =
			keep->phase == ENDING
				? -1
				: keep->census
					  .inhabitants[i - WATCH_INHABITANTS];
	for (i = 0; i < WATCHES; i++)
		watches[i].events = POLLIN;
	outside_poll(&keep->outside, watches + WATCH_OUTSIDE);
	if (poll(watches, WATCHES, until_next_ms(keep)) < 0 && errno != EINTR)
		die_errno("can't wait for events");
	for (i = WATCH_INHABITANTS; i < WATCHES; i++)
		is_inhabitant = is_inhabitant || watches[i].revents != 0;
	return is_inhabitant;
}

/**
 * keep_run() - Keep a tunnel until nobody uses it, then exit
 * @tunnel:	What the pin has built
 */
_Noreturn void keep_run(const struct keep_tunnel *tunnel)
{
	struct pollfd watches[WATCHES];
	bool is_anybody_gone;
	struct keep keep;
	long long now;

	prepare(&keep, tunnel);
	start_engine(&keep, now_ms());
	for (;;) {
		is_anybody_gone = await(&keep, watches);
		now = now_ms();
		keep_obey(&keep, watches + WATCH_LISTENER, now);
		if (watches[WATCH_CHANNEL].revents != 0 ||
		    engine_has_word(&keep.service.engine))
			keep_hear(&keep, now);
		if (watches[WATCH_SIGNALS].revents != 0)
			on_signals(&keep, now);
		if (watches[WATCH_MASKS].revents != 0)
			remask_heed(&keep.masks);
		if (watches[WATCH_SESSIONS].revents != 0) {
			census_session_ended(&keep.census);
			is_anybody_gone = true;
		}
		outside_act(&keep.outside, watches + WATCH_OUTSIDE, now);
		if (is_anybody_gone)
			count(&keep, now);
		on_deadlines(&keep, now);
	}
}
