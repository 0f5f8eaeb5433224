/* SPDX-License-Identifier: MIT */
/* test_sessions.c - who counts as a user of a tunnel, and who doesn't */
#include "sessions.h"

#include "../setup/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static char directory[64];
static int state, sessions;

static void begin(void)
{
	strcpy(directory, "/tmp/test-sessions-XXXXXX");
	CHECK(mkdtemp(directory) != NULL);
	state = open(directory, O_RDONLY | O_DIRECTORY);
	sessions = sessions_directory(state);
	CHECK(sessions >= 0);
}

/* Removes what a test left; it must be no more than said. */
static void end(int files_left)
{
	DIR *list = fdopendir(dup(sessions));
	struct dirent *entry;
	int files = 0;

	rewinddir(list);
	while ((entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		files++;
		unlinkat(sessions, entry->d_name, 0);
	}
	closedir(list);
	CHECK(files == files_left);
	close(sessions);
	CHECK(unlinkat(state, "sessions", AT_REMOVEDIR) == 0);
	close(state);
	CHECK(rmdir(directory) == 0);
}

static void test_life(void)
{
	struct session session;
	char name[SESSION_NAME_MAX];

	begin();
	sessions_register(state, &session);
	snprintf(name, sizeof(name), "%d", (int)getpid());
	CHECK_TEXT(session.name, name);
	CHECK(session.fd >= 100);
	CHECK(fcntl(session.fd, F_GETFD) == FD_CLOEXEC);
	/* Not before it says where it lives. */
	CHECK(sessions_count(sessions, 7) == 0);
	sessions_complete(&session, 7);
	CHECK(sessions_count(sessions, 7) == 1);
	CHECK(sessions_count(sessions, 8) == 0);
	sessions_bequeath(&session);
	CHECK(fcntl(session.fd, F_GETFD) == 0);
	close(session.fd);
	CHECK(sessions_count(sessions, 7) == 0);
	end(0);
}

static void test_inheritance(void)
{
	struct session session;
	int gate[2];
	pid_t child;
	char byte;

	begin();
	CHECK(pipe(gate) == 0);
	sessions_register(state, &session);
	sessions_complete(&session, 7);
	child = fork();
	if (child == 0) {
		close(gate[1]);
		/* Until the test closes its end. */
		_exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(session.fd);
	CHECK(sessions_count(sessions, 7) == 1);
	close(gate[1]);
	waitpid(child, NULL, 0);
	CHECK(sessions_count(sessions, 7) == 0);
	close(gate[0]);
	end(0);
}

/* The same pid comes round while children of its last owner live. */
static void test_names(void)
{
	struct session first, second, third;
	char name[SESSION_NAME_MAX];

	begin();
	sessions_register(state, &first);
	sessions_complete(&first, 7);
	sessions_register(state, &second);
	sessions_complete(&second, 7);
	snprintf(name, sizeof(name), "%d.1", (int)getpid());
	CHECK_TEXT(second.name, name);
	CHECK(sessions_count(sessions, 7) == 2);
	close(first.fd);
	sessions_register(state, &third);
	CHECK_TEXT(third.name, first.name);
	sessions_withdraw(state, &third);
	close(third.fd);
	CHECK(sessions_count(sessions, 7) == 1);
	close(second.fd);
	end(1);
}

static void test_hostile_files(void)
{
	begin();
	CHECK(symlinkat("/etc/passwd", sessions, "1") == 0);
	CHECK(mkfifoat(sessions, "2", 0600) == 0);
	CHECK(mkdirat(sessions, "3", 0700) == 0);
	CHECK(sessions_count(sessions, 7) == 0);
	CHECK(access("/etc/passwd", F_OK) == 0);
	CHECK(unlinkat(sessions, "3", AT_REMOVEDIR) == 0);
	end(1);
}

/* Whether a process is found in our own network namespace. */
static bool is_inhabitant(pid_t pid, pid_t pin)
{
	static pid_t pids[65536];
	struct stat here;
	int count, i;

	CHECK(stat("/proc/self/ns/net", &here) == 0);
	count = sessions_inhabitants(here.st_ino, pin, pids, 65536);
	CHECK(count > 0 && count <= 65536);
	for (i = 0; i < count; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

static void test_inhabitants(void)
{
	pid_t pids[1];

	CHECK(is_inhabitant(getpid(), 0));
	CHECK(sessions_inhabitants(1, 0, pids, 1) == 0);
}

/* Whichever of its engines that is, and it has no number in advance. */
static void test_engines(void)
{
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK(is_inhabitant(child, 0));
	CHECK(!is_inhabitant(child, getpid()));
	CHECK(is_inhabitant(getpid(), getpid()));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void)
{
	TEST("a session counts while it is open, in its own namespace",
	     test_life);
	TEST("a child that inherited a session keeps it", test_inheritance);
	TEST("a recycled pid gets a name of its own", test_names);
	TEST("links and pipes among the sessions do no harm",
	     test_hostile_files);
	TEST("processes are found by their network namespace",
	     test_inhabitants);
	TEST("children of the pin are no inhabitants", test_engines);
	return report();
}
