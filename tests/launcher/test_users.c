/* SPDX-License-Identifier: MIT */
/*
 * test_users.c - who uses a tunnel, as its end sees it
 *
 * A process stands in for the pin, with a child in a network namespace of its
 * own: its engine, if the record is the pin's.
 */
#include "users.h"

#include "join.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char directory[64];
static int state;

struct stand_in {
	pid_t pin;
	pid_t child;
	int child_fd; /* readable at its end */
	struct record record;
};

/* The child: goes into a namespace of its own, says so, and stays there. */
static void live_inside(int told)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 ||
	    write(told, "i", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

/* The pin: tells its child's pid, and reaps it. */
static void be_pin(int told, bool is_pin)
{
	int inside[2], netns;
	char path[64], byte;
	pid_t child;

	if (pipe(inside) != 0)
		_exit(1);
	child = fork();
	if (child == 0)
		live_inside(inside[1]);
	close(inside[1]);
	if (read(inside[0], &byte, 1) != 1)
		_exit(1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)child);
	netns = open(path, O_RDONLY);
	if (netns < 0 || (is_pin && dup2(netns, PIN_NET_NS) < 0) ||
	    write(told, &child, sizeof(child)) != sizeof(child))
		_exit(1);
	waitpid(child, NULL, 0);
	pause();
	_exit(0);
}

static void begin(struct stand_in *it, bool is_pin)
{
	struct stat netns;
	char path[64];
	int told[2];

	strcpy(directory, "/tmp/test-users-XXXXXX");
	CHECK(mkdtemp(directory) != NULL);
	state = open(directory, O_RDONLY | O_DIRECTORY);
	CHECK(pipe(told) == 0);
	it->pin = fork();
	if (it->pin == 0)
		be_pin(told[1], is_pin);
	close(told[1]);
	CHECK(read(told[0], &it->child, sizeof(it->child)) ==
	      sizeof(it->child));
	close(told[0]);
	it->child_fd = (int)syscall(SYS_pidfd_open, it->child, 0);
	CHECK(it->child_fd >= 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)it->child);
	CHECK(stat(path, &netns) == 0);
	it->record.pid = it->pin;
	it->record.netns = netns.st_ino;
	it->record.tunnel = "work";
}

/* Whether the child ends within so long. */
static bool ends(const struct stand_in *it, int limit_ms)
{
	struct pollfd child = {.fd = it->child_fd, .events = POLLIN};

	return poll(&child, 1, limit_ms) == 1;
}

static void end(struct stand_in *it)
{
	syscall(SYS_pidfd_send_signal, it->child_fd, SIGKILL, NULL, 0);
	close(it->child_fd);
	kill(it->pin, SIGKILL);
	waitpid(it->pin, NULL, 0);
	CHECK(unlinkat(state, "sessions", AT_REMOVEDIR) == 0);
	close(state);
	CHECK(rmdir(directory) == 0);
}

static void tell(const void *context)
{
	const struct stand_in *it = context;

	_exit(users_tell_none(state, &it->record) ? 0 : 1);
}

static void test_engine(void)
{
	static struct stand_in it;
	char said[256];

	begin(&it, true);
	CHECK(users_count(state, &it.record) == 0);
	CHECK(run_apart(tell, &it, said, sizeof(said)) == 0);
	CHECK_TEXT(said, "");
	users_kill(state, &it.record);
	CHECK(!ends(&it, 0));
	end(&it);
}

static void test_other(void)
{
	static struct stand_in it;
	char said[256], expected[256];

	begin(&it, false);
	CHECK(users_count(state, &it.record) == 1);
	CHECK(run_apart(tell, &it, said, sizeof(said)) == 1);
	snprintf(expected, sizeof(expected),
		 "wg-wrap: 1 process uses \"work\" (%d test_users); --kill "
		 "ends it\n",
		 (int)it.child);
	CHECK_TEXT(said, expected);
	users_kill(state, &it.record);
	CHECK(ends(&it, 10000));
	end(&it);
}

int main(void)
{
	TEST("an engine that the record doesn't name yet uses nothing",
	     test_engine);
	TEST("the child of a process that has only the pin's pid is a user",
	     test_other);
	return report();
}
