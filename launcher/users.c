/* SPDX-License-Identifier: MIT */
/*
 * users.c - the processes that use a tunnel
 *
 * A process uses it if it is in its network namespace, as all commands are, or
 * if it has a session's file open, as a front has that still waits, and as a
 * program has that went on into namespaces of its own. An engine doesn't, which
 * is known by its parent: the pin may start one at any moment.
 *
 * Pids are taken from /proc and may be anybody's a moment later. So before a
 * signal is sent the process is opened, then looked at once more.
 */
#include "users.h"

#include "die.h"
#include "process.h"
#include "sessions.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	SESSIONS_MAX = 1024,
	SHOWN_MAX = 8,
	PATIENCE_MS = 5000,
	KILLED_MS = 10000,
	WATCHED_MAX = 64,
};

struct users {
	ino_t netns;
	pid_t pin;
	struct session_id sessions[SESSIONS_MAX];
	int session_count;
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
 * may_be_session() - Whether a descriptor is worth a look at its file
 * @list:	/proc/PID/fd
 * @number:	The descriptor
 * A file of a network that has gone away would hold us for ever, and the lock
 * with us; the link's text is there without it.
 */
static bool may_be_session(int list, const char *number)
{
	char path[PATH_MAX];
	ssize_t len = readlinkat(list, number, path, sizeof(path) - 1);

	if (len < 0)
		return false;
	path[len] = '\0';
	return strstr(path, "/sessions/") != NULL;
}

/**
 * has_open() - Whether a process has a session's file open
 * @proc:	Open /proc
 * @pid:	The process, as /proc spells it
 * @session:	The session
 */
static bool has_open(int proc, const char *pid,
		     const struct session_id *session)
{
	struct dirent *entry;
	bool is_found = false;
	struct stat file;
	char path[64];
	DIR *list;
	int fd;

	snprintf(path, sizeof(path), "%.16s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	list = fdopendir(fd);
	if (!list) {
		close(fd);
		return false;
	}
	while (!is_found && (entry = readdir(list))) {
		is_found = entry->d_name[0] != '.' &&
			   may_be_session(fd, entry->d_name) &&
			   fstatat(fd, entry->d_name, &file, 0) == 0 &&
			   file.st_dev == session->device &&
			   file.st_ino == session->inode;
	}
	closedir(list);
	return is_found;
}

/**
 * is_user() - Whether a process uses the tunnel
 * @users:	Users
 * @proc:	Open /proc
 * @pid:	The process, as /proc spells it
 */
static bool is_user(const struct users *users, int proc, const char *pid)
{
	bool is_found;
	int i;

	if (pid[0] < '1' || pid[0] > '9' ||
	    (pid_t)strtol(pid, NULL, 10) == getpid())
		return false;
	is_found = process_lives_in(proc, pid, users->netns);
	for (i = 0; !is_found && i < users->session_count; i++)
		is_found = has_open(proc, pid, &users->sessions[i]);
	return is_found &&
	       !process_is_pins(proc, pid, users->pin, users->netns);
}

/**
 * look() - See which sessions there are
 * @users:	Gets them
 * @directory:	State directory
 * @record:	The tunnel's record
 */
static void look(struct users *users, int directory,
		 const struct record *record)
{
	int sessions = sessions_directory(directory);

	users->netns = record->netns;
	users->pin = record->pid;
	users->session_count =
		sessions < 0 ? -1
			     : sessions_list(sessions, record->netns,
					     users->sessions, SESSIONS_MAX);
	if (users->session_count < 0)
		die_errno("can't list the sessions of \"%s\"", record->tunnel);
	close(sessions);
	if (users->session_count > SESSIONS_MAX)
		users->session_count = SESSIONS_MAX;
}

/**
 * open_proc() - Open the list of processes
 */
static DIR *open_proc(void)
{
	DIR *proc = opendir("/proc");

	if (!proc)
		die_errno("can't list processes");
	return proc;
}

/**
 * put_sessions() - Name the process that stands for each session
 * @users:	Users, with at least one session
 * @text:	Gets the list
 * @size:	Room
 * That is the one that the session was named for, or one that it left.
 */
static void put_sessions(const struct users *users, char *text, size_t size)
{
	DIR *proc = open_proc();
	struct dirent *entry;
	char pid[16];
	int i;

	for (i = 0; i < users->session_count && i < SHOWN_MAX; i++) {
		const struct session_id *session = &users->sessions[i];

		snprintf(pid, sizeof(pid), "%d", (int)session->pid);
		if (has_open(dirfd(proc), pid, session)) {
			process_put(dirfd(proc), pid, text, size);
			continue;
		}
		rewinddir(proc);
		while ((entry = readdir(proc))) {
			if (entry->d_name[0] >= '1' &&
			    entry->d_name[0] <= '9' &&
			    has_open(dirfd(proc), entry->d_name, session)) {
				process_put(dirfd(proc), entry->d_name, text,
					    size);
				break;
			}
		}
	}
	closedir(proc);
}

/**
 * put_inhabitants() - Name the processes inside, where no session is left
 * @users:	Users
 * @text:	Gets the list
 * @size:	Room
 * Returns how many there are.
 */
static int put_inhabitants(const struct users *users, char *text, size_t size)
{
	DIR *proc = open_proc();
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(proc))) {
		if (!is_user(users, dirfd(proc), entry->d_name))
			continue;
		if (count < SHOWN_MAX)
			process_put(dirfd(proc), entry->d_name, text, size);
		count++;
	}
	closedir(proc);
	return count;
}

/**
 * users_tell_none() - Say who uses a tunnel
 * @directory:	State directory
 * @record:	The tunnel's record
 */
bool users_tell_none(int directory, const struct record *record)
{
	static struct users users;
	char list[SHOWN_MAX * (PROCESS_NAME_MAX + 24)] = "";
	const char *what = "session";
	int count;

	look(&users, directory, record);
	count = users.session_count;
	if (count > 0) {
		put_sessions(&users, list, sizeof(list));
	} else {
		what = "process";
		count = put_inhabitants(&users, list, sizeof(list));
	}
	if (count == 0)
		return true;
	warn("%d %s%s \"%s\" (%s%s); --kill ends %s", count, what,
	     count == 1	    ? " uses"
	     : *what == 'p' ? "es use"
			    : "s use",
	     record->tunnel, list, count > SHOWN_MAX ? ", ..." : "",
	     count == 1 ? "it" : "them");
	return false;
}

/**
 * users_count() - How many use a tunnel
 * @directory:	State directory
 * @record:	The tunnel's record
 */
int users_count(int directory, const struct record *record)
{
	int sessions = sessions_directory(directory), count;
	pid_t one;

	if (sessions < 0)
		return -1;
	count = sessions_count(sessions, record->netns);
	close(sessions);
	if (count == 0)
		count = sessions_inhabitants(record->netns, record->pid, &one,
					     1);
	return count;
}

/**
 * signal_one() - Send a process a signal, if it still is who it was
 * @users:	Users
 * @proc:	Open /proc
 * @pid:	The process, as /proc spells it
 * @number:	Signal, or 0 for none
 * Returns a descriptor that is readable at its end, or -1.
 */
static int signal_one(const struct users *users, int proc, const char *pid,
		      int number)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)strtol(pid, NULL, 10), 0);

	if (fd < 0 || number == 0)
		return fd;
	if (!is_user(users, proc, pid)) {
		close(fd);
		return -1;
	}
	syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
	/* Whoever was stopped is to hear it. */
	if (number == SIGTERM)
		syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
	return fd;
}

/**
 * signal_all() - Send every user a signal
 * @users:	Users
 * @number:	Signal, or 0 to look only
 * @ends:	Gets a descriptor each, -1 where there is none
 * Returns how many users there were.
 */
static int signal_all(const struct users *users, int number,
		      struct pollfd ends[WATCHED_MAX])
{
	DIR *proc = open_proc();
	struct dirent *entry;
	int count = 0, fd, i;

	for (i = 0; i < WATCHED_MAX; i++)
		ends[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	while ((entry = readdir(proc))) {
		if (!is_user(users, dirfd(proc), entry->d_name))
			continue;
		fd = signal_one(users, dirfd(proc), entry->d_name, number);
		if (count < WATCHED_MAX)
			ends[count].fd = fd;
		else if (fd >= 0)
			close(fd);
		count++;
	}
	closedir(proc);
	return count;
}

/**
 * await_one() - Wait until one of the users has ended
 * @ends:	Their descriptors, which are closed
 * @limit_ms:	How long at most
 */
static void await_one(struct pollfd ends[WATCHED_MAX], long long limit_ms)
{
	int i;

	poll(ends, WATCHED_MAX, (int)limit_ms);
	for (i = 0; i < WATCHED_MAX; i++) {
		if (ends[i].fd >= 0)
			close(ends[i].fd);
	}
}

/**
 * users_kill() - End everybody who uses a tunnel
 * @directory:	State directory
 * @record:	The tunnel's record
 * Once asked, a process may start others for its own end, and is left alone
 * with that. Once time is over whoever is there is killed, until nobody comes
 * after.
 */
void users_kill(int directory, const struct record *record)
{
	static struct users users;
	struct pollfd ends[WATCHED_MAX];
	long long patience = now_ms() + PATIENCE_MS;
	long long limit = patience + KILLED_MS, now;
	int number = SIGTERM, left;

	look(&users, directory, record);
	while ((left = signal_all(&users, number, ends)) > 0) {
		now = now_ms();
		if (now >= limit)
			die(STATUS_SETUP,
			    "%d processes that use \"%s\" don't end", left,
			    record->tunnel);
		await_one(ends, (now < patience ? patience : limit) - now);
		number = now_ms() < patience ? 0 : SIGKILL;
	}
}
