/* SPDX-License-Identifier: MIT */
/*
 * census.c - is anybody left in the tunnel?
 *
 * A tunnel that is held needs nobody. Otherwise it is asked at the beginning,
 * since the first front may be dead already, then
 * whenever a session ends, and whenever a process ends that was all that was
 * left. It is answered under `lock`, since a front that registers holds it.
 *
 * The lock is never waited for: a front that was stopped in the middle would
 * stop the pin. No event tells that a lock has become free, so where it is
 * taken the question is put off for a moment.
 *
 * The kernel tells of a session's close just before it gives up its lock. Who
 * closes may lose the processor in between, and no other event comes. So where
 * somebody seems to be left after a close, it is asked again, ever more seldom.
 */
#include "census.h"

#include "die.h"
#include "runtime.h"
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	FIRST_RETRY_MS = 10,
	LONGEST_RETRY_MS = 640,
	LONGEST_DOUBT_MS = 10240,
};

/**
 * watch_sessions() - Be told when the last holder of a session closes it
 * @sessions:	Open sessions/
 * Returns the descriptor.
 */
static int watch_sessions(int sessions)
{
	char path[64];
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", sessions);
	if (fd < 0 ||
	    inotify_add_watch(fd, path, IN_CLOSE_WRITE | IN_DELETE_SELF) < 0)
		die_errno("can't watch the sessions; raise "
			  "fs.inotify.max_user_instances and "
			  "fs.inotify.max_user_watches");
	return fd;
}

/**
 * census_prepare() - Open all that is needed to count
 * @census:	Census
 * @directory:	State directory
 * @netns:	Inode of the tunnel's network namespace
 * @linger_ms:	How long an unused tunnel is kept
 */
void census_prepare(struct census *census, int directory, ino_t netns,
		    long long linger_ms)
{
	unsigned int i;

	/* The starter's open file can't be used: it would share its lock. */
	census->lock =
		openat(directory, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (census->lock < 0)
		runtime_die(directory, "open the lock");
	census->sessions = sessions_directory(directory);
	if (census->sessions < 0)
		runtime_die(directory, "open the sessions");
	census->events = watch_sessions(census->sessions);
	census->netns = netns;
	census->linger_ms = linger_ms;
	census->is_held = false;
	census->had_session = false;
	census->retry_ms = FIRST_RETRY_MS;
	census->doubt_ms = 0;
	census->linger_until = NEVER;
	census->again_at = NEVER;
	for (i = 0; i < CENSUS_WATCHED_MAX; i++)
		census->inhabitants[i] = -1;
}

/**
 * census_lock() - Take the lock if it is free
 * @census:	Census
 * @now_ms:	Time
 * Returns false if it isn't; `again_at` is set then.
 */
bool census_lock(struct census *census, long long now_ms)
{
	if (flock(census->lock, LOCK_EX | LOCK_NB) == 0) {
		census->retry_ms = FIRST_RETRY_MS;
		census->again_at = NEVER;
		return true;
	}
	census->again_at = now_ms + census->retry_ms;
	census->retry_ms *= 2;
	if (census->retry_ms > LONGEST_RETRY_MS)
		census->retry_ms = LONGEST_RETRY_MS;
	return false;
}

/**
 * census_share_lock() - Share somebody's lock from now on
 * @census:	Census
 * @lock:	Open lock, which its owner holds; taken over
 * The lock belongs to the open file, so it is held until all who share it have
 * closed it, or one gives it up. Returns false if it is no lock of this tunnel.
 */
bool census_share_lock(struct census *census, int lock)
{
	struct stat mine, shared;

	if (fstat(census->lock, &mine) != 0 || fstat(lock, &shared) != 0 ||
	    mine.st_dev != shared.st_dev || mine.st_ino != shared.st_ino ||
	    flock(lock, LOCK_EX | LOCK_NB) != 0)
		return false;
	close(census->lock);
	census->lock = lock;
	return true;
}

/**
 * was_session() - Whether a closed file was a session's
 * @census:	Census
 * @name:	Its name in sessions/
 * A front that died before it was one has written nothing.
 */
static bool was_session(const struct census *census, const char *name)
{
	struct stat file;

	return fstatat(census->sessions, name, &file, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       file.st_size > 0;
}

/**
 * census_session_ended() - Take note of the events
 * @census:	Census
 * The time of lingering begins anew, even for a session that came and went
 * between two counts.
 */
void census_session_ended(struct census *census)
{
	_Alignas(struct inotify_event) char events[4096];
	const struct inotify_event *event;
	ssize_t got, at;

	while ((got = read(census->events, events, sizeof(events))) > 0) {
		for (at = 0; at < got;
		     at += (ssize_t)sizeof(*event) + (ssize_t)event->len) {
			event = (const void *)(events + at);
			if (event->len > 0 && was_session(census, event->name))
				census->had_session = true;
		}
	}
	census->linger_until = NEVER;
	census->doubt_ms = FIRST_RETRY_MS;
}

/**
 * forget_inhabitants() - Watch no process any more
 * @census:	Census
 */
static void forget_inhabitants(struct census *census)
{
	unsigned int i;

	for (i = 0; i < CENSUS_WATCHED_MAX; i++) {
		if (census->inhabitants[i] >= 0)
			close(census->inhabitants[i]);
		census->inhabitants[i] = -1;
	}
}

/**
 * find_inhabitants() - Look for processes inside, and watch for their end
 * @census:	Census, watching none
 * @now_ms:	Time
 * Returns how many there are, or -1 if it can't be told.
 */
static int find_inhabitants(struct census *census, long long now_ms)
{
	pid_t pids[CENSUS_WATCHED_MAX];
	int count, i;

	count = sessions_inhabitants(census->netns, getpid(), pids,
				     CENSUS_WATCHED_MAX);
	for (i = 0; i < count && i < CENSUS_WATCHED_MAX; i++) {
		census->inhabitants[i] =
			(int)syscall(SYS_pidfd_open, pids[i], 0);
		/* It ended just now, or can't be watched. */
		if (census->inhabitants[i] < 0)
			census->again_at = now_ms + LONGEST_RETRY_MS;
	}
	return count;
}

/**
 * is_anybody_there() - Whether anybody uses the tunnel
 * @census:	Census
 * @now_ms:	Time
 * Where that can't be told, somebody may: it is asked again.
 */
static bool is_anybody_there(struct census *census, long long now_ms)
{
	int count = sessions_count(census->sessions, census->netns);

	if (count == 0)
		count = find_inhabitants(census, now_ms);
	if (count < 0)
		census->again_at = now_ms + LONGEST_RETRY_MS;
	return count != 0;
}

/**
 * ask_again() - Don't take the answer for the last one after a close
 * @census:	Census
 * @now_ms:	Time
 */
static void ask_again(struct census *census, long long now_ms)
{
	if (census->doubt_ms == 0)
		return;
	if (now_ms + census->doubt_ms < census->again_at)
		census->again_at = now_ms + census->doubt_ms;
	census->doubt_ms *= 2;
	if (census->doubt_ms > LONGEST_DOUBT_MS)
		census->doubt_ms = 0;
}

/**
 * is_lingering() - Whether an unused tunnel is to be kept for now
 * @census:	Census
 * @now_ms:	Time
 * One that never had a session isn't: its starter died.
 */
static bool is_lingering(struct census *census, long long now_ms)
{
	if (!census->had_session || census->linger_ms == 0)
		return false;
	if (census->linger_until == NEVER)
		census->linger_until = now_ms + census->linger_ms;
	if (now_ms >= census->linger_until)
		return false;
	census->again_at = census->linger_until;
	return true;
}

/**
 * census_finds_nobody() - Whether the tunnel is to end
 * @census:	Census
 * @now_ms:	Time
 * Returns true with the lock held, and false without it.
 */
bool census_finds_nobody(struct census *census, long long now_ms)
{
	forget_inhabitants(census);
	if (census->is_held) {
		census->again_at = NEVER;
		return false;
	}
	if (!census_lock(census, now_ms))
		return false;
	if (is_anybody_there(census, now_ms)) {
		census->had_session = true;
		census->linger_until = NEVER;
		ask_again(census, now_ms);
	} else if (!is_lingering(census, now_ms)) {
		return true;
	}
	flock(census->lock, LOCK_UN);
	return false;
}
