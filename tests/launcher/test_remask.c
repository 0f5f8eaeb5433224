/* SPDX-License-Identifier: MIT */
/* test_remask.c - the child that mends masks, with us as its pin */
#include "remask.h"

#include "join.h"
#include "pin.h"

#include "../setup/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

enum { LIMIT_MS = 20000 };

/* Fills a pipe, so that whoever writes to it waits. */
static void fill(int end)
{
	static const char bytes[4096];

	CHECK(fcntl(end, F_SETFL, O_NONBLOCK) == 0);
	while (write(end, bytes, sizeof(bytes)) > 0)
		;
	CHECK(errno == EAGAIN && fcntl(end, F_SETFL, 0) == 0);
}

/* An event of a directory that is called as a daemon's. */
static int make_event(void)
{
	char directory[] = "/tmp/test-remask-XXXXXX", path[64];
	int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	CHECK(events >= 0 && mkdtemp(directory) != NULL);
	CHECK(inotify_add_watch(events, directory, IN_CREATE) >= 0);
	snprintf(path, sizeof(path), "%s/nscd", directory);
	CHECK(mkdir(path, 0700) == 0);
	CHECK(rmdir(path) == 0 && rmdir(directory) == 0);
	return events;
}

/*
 * The child fails, for what we have is no namespace, and then waits in its
 * message: as long as it lives, it has open what it wants to have open.
 */
static void test_descriptors(void)
{
	int messages[2], lives[2], stderr_copy = dup(STDERR_FILENO);
	struct remask remask = {.events = make_event()};
	int null = open("/dev/null", O_RDWR);
	struct pollfd life = {.events = POLLIN};
	char bytes[4096];
	int status;

	CHECK(pipe(messages) == 0 && pipe(lives) == 0);
	CHECK(dup2(null, PIN_USER_NS) >= 0 && dup2(null, PIN_MNT_NS) >= 0);
	CHECK(dup2(lives[1], PIN_TUN) >= 0 && close(lives[1]) == 0);
	fill(messages[1]);
	fflush(stderr);
	CHECK(dup2(messages[1], STDERR_FILENO) >= 0);
	close(messages[1]);
	remask_heed(&remask);
	dup2(stderr_copy, STDERR_FILENO);
	close(stderr_copy);
	/* Our end; the child's is gone, or will never be. */
	close(PIN_TUN);
	life.fd = lives[0];
	CHECK(poll(&life, 1, LIMIT_MS) == 1);
	CHECK(waitpid(-1, &status, WNOHANG) == 0);
	while (read(messages[0], bytes, sizeof(bytes)) > 0)
		;
	CHECK(wait(&status) > 0 && WIFEXITED(status) &&
	      WEXITSTATUS(status) != 0);
	close(messages[0]);
	close(lives[0]);
	close(PIN_USER_NS);
	close(PIN_MNT_NS);
	close(null);
	close(remask.events);
}

int main(void)
{
	TEST("whoever mends masks holds nothing of the tunnel's meanwhile",
	     test_descriptors);
	return report();
}
