/* SPDX-License-Identifier: MIT */
/* test_census.c - when a tunnel is found to be used by nobody */
#include "census.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>

/* No namespace has this inode: inodes of /proc begin far higher. */
enum { NETNS = 7 };

static char directory[64];
static int state;

static void begin_lingering(struct census *census, long long linger_ms)
{
	int lock;

	strcpy(directory, "/tmp/test-census-XXXXXX");
	CHECK(mkdtemp(directory) != NULL);
	state = open(directory, O_RDONLY | O_DIRECTORY);
	lock = openat(state, "lock", O_RDWR | O_CREAT, 0600);
	CHECK(lock >= 0);
	close(lock);
	census_prepare(census, state, NETNS, linger_ms);
}

static void begin(struct census *census)
{
	begin_lingering(census, 0);
}

static void end(struct census *census)
{
	close(census->lock);
	close(census->sessions);
	close(census->events);
	CHECK(unlinkat(state, "lock", 0) == 0);
	CHECK(unlinkat(state, "sessions", AT_REMOVEDIR) == 0);
	CHECK(rmdir(directory) == 0);
	close(state);
}

static void test_nobody(void)
{
	struct census census;

	begin(&census);
	CHECK(census_finds_nobody(&census, 1000));
	CHECK(census.again_at == NEVER);
	end(&census);
}

static void test_shortage(void)
{
	struct rlimit before, none;
	struct census census;

	begin(&census);
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	none = before;
	none.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK(!census_finds_nobody(&census, 1000));
	CHECK(census.again_at > 1000 && census.again_at < 2000);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	CHECK(census_finds_nobody(&census, 2000));
	end(&census);
}

/*
 * A session whose file is closed once more than it was opened, as seen from the
 * census: the event has come, and the lock is still held.
 */
static void test_event_before_unlock(void)
{
	struct census census;
	int session;

	begin(&census);
	session = openat(census.sessions, "1", O_RDWR | O_CREAT, 0600);
	CHECK(session >= 0 && flock(session, LOCK_EX) == 0);
	CHECK(dprintf(session, "%d\n", NETNS) > 0);
	CHECK(!census_finds_nobody(&census, 1000));
	CHECK(census.again_at == NEVER);
	close(openat(census.sessions, "1", O_WRONLY));
	census_session_ended(&census);
	CHECK(!census_finds_nobody(&census, 2000));
	CHECK(census.again_at > 2000 && census.again_at < 2100);
	CHECK(flock(session, LOCK_UN) == 0);
	CHECK(census_finds_nobody(&census, census.again_at));
	close(session);
	end(&census);
}

static void test_doubt_ends(void)
{
	struct census census;
	long long now = 1000;
	int session, count;

	begin(&census);
	session = openat(census.sessions, "1", O_RDWR | O_CREAT, 0600);
	CHECK(session >= 0 && flock(session, LOCK_EX) == 0);
	CHECK(dprintf(session, "%d\n", NETNS) > 0);
	census_session_ended(&census);
	for (count = 0; now != NEVER && count < 100; count++) {
		CHECK(!census_finds_nobody(&census, now));
		CHECK(census.again_at > now);
		now = census.again_at;
	}
	CHECK(count < 20);
	CHECK(unlinkat(census.sessions, "1", 0) == 0);
	close(session);
	end(&census);
}

/* A command may be over before the pin has looked for the first time. */
static void test_short_session(void)
{
	struct census census;
	int session;

	begin_lingering(&census, 60000);
	session = openat(census.sessions, "1", O_RDWR | O_CREAT, 0600);
	CHECK(session >= 0 && dprintf(session, "%d\n", NETNS) > 0);
	close(session);
	census_session_ended(&census);
	CHECK(!census_finds_nobody(&census, 1000));
	CHECK(census.again_at == 61000);
	CHECK(census_finds_nobody(&census, 61000));
	end(&census);
}

static void test_dead_starter(void)
{
	struct census census;

	begin_lingering(&census, 60000);
	close(openat(census.sessions, "1", O_RDWR | O_CREAT, 0600));
	census_session_ended(&census);
	CHECK(census_finds_nobody(&census, 1000));
	end(&census);
}

int main(void)
{
	TEST("a tunnel without sessions and processes is found unused",
	     test_nobody);
	TEST("while nobody can be counted a tunnel goes on", test_shortage);
	TEST("a session whose close is told before its lock is free is asked "
	     "for again",
	     test_event_before_unlock);
	TEST("a session that lives on is asked for ever more seldom, then no "
	     "more",
	     test_doubt_ends);
	TEST("a tunnel lingers after a session that came and went unseen",
	     test_short_session);
	TEST("a tunnel doesn't linger for a front that died before it was a "
	     "session",
	     test_dead_starter);
	return report();
}
