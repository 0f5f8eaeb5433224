/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - from somebody's child to a process of its own
 *
 *	first process ──► process in the middle ──► daemon
 *
 * The daemon is no leader of its session, so it can't get a terminal any more.
 * Until it reports, its stderr is still its starter's, and the first process
 * waits: whoever started it learns by one exit status whether it came to be. A
 * daemon that is orphaned by the process in the middle comes back to the first
 * one, so that its end is seen, too.
 */
#include "daemon.h"

#include "coredump.h"
#include "die.h"
#include "fds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/**
 * daemon_settle() - Undo what the starter made of signals and limits
 * @name:	The process's name in lists, as far as it goes
 */
void daemon_settle(const char *name)
{
	sigset_t none;
	int number;

	for (number = 1; number < NSIG; number++)
		/* Those that can't be set, or aren't there, need no reset. */
		signal(number, SIG_DFL);
	sigemptyset(&none);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		die_errno("can't reset signals");
	coredump_forbid();
	prctl(PR_SET_NAME, name, 0UL, 0UL, 0UL);
	umask(022);
}

/**
 * hear() - Read what fits into one write to a pipe
 * @status:	Pipe
 * @data:	Where it goes
 * @size:	Bytes of it
 */
static bool hear(int status, void *data, size_t size)
{
	ssize_t got;

	do {
		got = read(status, data, size);
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)size;
}

/**
 * await() - What the first process does: wait, and exit as the daemon says
 * @who:	The daemon in a message
 * @status:	Pipe from the daemon, which writes its pid, and one byte when it is
 *		ready
 */
static _Noreturn void await(const char *who, int status)
{
	pid_t daemon = 0, pid;
	int end = 0;
	char byte;

	if (hear(status, &daemon, sizeof(daemon)) && hear(status, &byte, 1))
		_exit(0);
	/*
	 * First comes the process in the middle, then the daemon, and then
	 * whatever it leaves: its engine is killed whenever it ends.
	 */
	while ((pid = waitpid(-1, &end, 0)) > 0) {
		if (pid == daemon && WIFSIGNALED(end))
			die(STATUS_SETUP,
			    "%s was killed by signal %d before it was ready",
			    who, WTERMSIG(end));
	}
	/* A daemon that failed has said why. */
	_exit(STATUS_SETUP);
}

/**
 * daemon_detach() - Become a daemon
 * @who:	The daemon in a message
 * Returns the descriptor to report on.
 */
int daemon_detach(const char *who)
{
	int status[2];
	pid_t pid;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL) != 0)
		die_errno("can't wait for a daemon");
	if (pipe2(status, O_CLOEXEC) != 0)
		die_errno("can't create a pipe");
	pid = fork();
	if (pid < 0)
		die_errno("can't create a process");
	if (pid > 0) {
		/* Nothing of the daemon's may stay open here. */
		if (dup2(status[0], STDIN_FILENO) < 0)
			die_errno("can't wait for a daemon");
		close(STDOUT_FILENO);
		fds_close_from(STDERR_FILENO + 1);
		await(who, STDIN_FILENO);
	}
	close(status[0]);
	if (setsid() < 0 || chdir("/") != 0)
		die_errno("can't become a daemon");
	pid = fork();
	if (pid < 0)
		die_errno("can't create a process");
	if (pid > 0)
		_exit(0);
	pid = getpid();
	if (write(status[1], &pid, sizeof(pid)) < 0 && errno != EPIPE)
		die_errno("can't report a daemon");
	return status[1];
}

/**
 * daemon_report() - Let the first process exit well
 * @status:	What daemon_detach() returned; closed
 * A first process that is gone needs to be told nothing.
 */
void daemon_report(int status)
{
	if (write(status, "", 1) < 0 && errno != EPIPE)
		die_errno("can't report readiness");
	close(status);
}

/**
 * daemon_watch_signals() - Receive signals as data
 * @signals:	Their numbers, and 0
 * Returns the descriptor.
 */
int daemon_watch_signals(const int *signals)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		die_errno("can't wait for signals");
	return fd;
}
