/* SPDX-License-Identifier: MIT */
/*
 * sessions.c - who uses a tunnel
 *
 * A session is a file in sessions/ that a front creates and locks, both under
 * the state directory's lock. The command inherits the open file, and its
 * children do, so the kernel gives the lock up when the last of them is gone,
 * whatever they died of. The file's name is the front's pid, for people. Its
 * text is the inode of the network namespace: what a killed pin left running
 * lives on in another namespace than its successor's and isn't its to count.
 *
 * A program that closes all descriptors, as daemons do, gives its session up
 * while it still runs inside. Hence the second question, asked only when no
 * session is left: which processes have this network namespace?
 *
 * Whoever counts opens the files for reading only. The last close of a file
 * open for writing is the event by which the pin learns of a session's end, and
 * a pin that raised it by counting would count for ever.
 */
#include "sessions.h"

#include "die.h"
#include "process.h"
#include "runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* Files of one pid: numbers come round while they are in use. */
	NAME_ATTEMPTS = 64,
	/* A session's descriptor stays out of the way of the command's own. */
	HIGH_FD = 100,
};

/**
 * sessions_directory() - Open sessions/, which is created if need be
 * @directory:	State directory
 * Returns a descriptor, or -1 with errno.
 */
int sessions_directory(int directory)
{
	mode_t mask = umask(077);
	int made = mkdirat(directory, "sessions", 0700), failure = errno;

	umask(mask);
	errno = failure;
	if (made != 0 && errno != EEXIST)
		return -1;
	return openat(directory, "sessions",
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/**
 * is_abandoned() - Whether nobody holds a session's lock
 * @sessions:	Open sessions/
 * @name:	Name in it
 * @netns:	Gets the inode in the file, 0 if there is none yet
 * Returns false for what can't be opened: it is left alone.
 */
static bool is_abandoned(int sessions, const char *name, ino_t *netns)
{
	int fd = openat(sessions, name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char text[32];
	bool is_free;
	ssize_t len;

	*netns = 0;
	if (fd < 0)
		return false;
	is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
	len = pread(fd, text, sizeof(text) - 1, 0);
	if (len > 0) {
		text[len] = '\0';
		*netns = (ino_t)strtoull(text, NULL, 10);
	}
	close(fd);
	return is_free;
}

/**
 * create_file() - Create a session's file under the first free name
 * @sessions:	Open sessions/
 * @name:	Gets the name
 * Returns the descriptor, or -1 with errno. What a session that ended left
 * under the name is removed; one that lives on keeps it.
 */
static int create_file(int sessions, char name[SESSION_NAME_MAX])
{
	unsigned int attempt;
	ino_t netns;
	int fd;

	for (attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
		snprintf(name, SESSION_NAME_MAX, attempt ? "%d.%u" : "%d",
			 (int)getpid(), attempt);
		if (is_abandoned(sessions, name, &netns))
			unlinkat(sessions, name, 0);
		fd = openat(sessions, name,
			    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/**
 * sessions_register() - Make this process a session
 * @directory:	State directory, whose lock is held
 * @session:	Gets the session
 */
void sessions_register(int directory, struct session *session)
{
	int sessions = sessions_directory(directory), fd, failure;
	mode_t mask;

	if (sessions < 0)
		runtime_die(directory, "create a session");
	mask = umask(077);
	fd = create_file(sessions, session->name);
	failure = errno;
	umask(mask);
	errno = failure;
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		runtime_die(directory, "create a session");
	close(sessions);
	session->fd = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
	/* A low limit on descriptors is no reason to fail. */
	if (session->fd < 0)
		session->fd = fd;
	else
		close(fd);
}

/**
 * sessions_complete() - Say which namespace a session lives in
 * @session:	Session
 * @netns:	Inode of the network namespace
 * Until then the session isn't counted, so this happens under the lock.
 */
void sessions_complete(const struct session *session, ino_t netns)
{
	if (dprintf(session->fd, "%llu\n", (unsigned long long)netns) < 0)
		die_errno("can't write the session's file");
}

/**
 * sessions_withdraw() - Remove a session that never came to be
 * @directory:	State directory
 * @session:	Session
 */
void sessions_withdraw(int directory, const struct session *session)
{
	int sessions = sessions_directory(directory);

	if (sessions < 0)
		return;
	unlinkat(sessions, session->name, 0);
	close(sessions);
}

/**
 * sessions_bequeath() - Let the session outlive execve()
 * @session:	Session
 */
void sessions_bequeath(const struct session *session)
{
	if (fcntl(session->fd, F_SETFD, 0) != 0)
		die_errno("can't pass the session on");
}

/**
 * sessions_list() - List the sessions of a namespace, and remove dead ones
 * @sessions:	Open sessions/
 * @netns:	Inode of the network namespace
 * @ids:	Gets the first of them, may be NULL
 * @max:	Room there
 * Returns how many there are, which may be more than @max, or -1 if it can't be
 * told, for want of descriptors or memory.
 */
int sessions_list(int sessions, ino_t netns, struct session_id *ids, int max)
{
	int copy = openat(sessions, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	struct stat file;
	ino_t its_netns;
	int count = 0;
	DIR *list;

	/* ENOENT: a session manager removed the directory at logout. */
	if (copy < 0)
		return errno == ENOENT ? 0 : -1;
	list = fdopendir(copy);
	if (!list) {
		close(copy);
		return -1;
	}
	while ((entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		if (is_abandoned(sessions, entry->d_name, &its_netns)) {
			unlinkat(sessions, entry->d_name, 0);
			continue;
		}
		if (its_netns != netns)
			continue;
		if (fstatat(sessions, entry->d_name, &file,
			    AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (count < max)
			ids[count] = (struct session_id){
				file.st_dev, file.st_ino,
				(pid_t)strtol(entry->d_name, NULL, 10)};
		count++;
	}
	closedir(list);
	return count;
}

/**
 * sessions_count() - Count the sessions of a namespace, and remove dead ones
 * @sessions:	Open sessions/
 * @netns:	Inode of the network namespace
 * Returns -1 if it can't be told.
 */
int sessions_count(int sessions, ino_t netns)
{
	return sessions_list(sessions, netns, NULL, 0);
}

/**
 * sessions_inhabitants() - Find the processes in a network namespace
 * @netns:	Inode of the namespace
 * @pin:	The tunnel's pin, whose children don't count: they are its engines
 * @pids:	Gets the first of them
 * @max:	Room there
 * Returns how many there are, which may be more than @max, or -1 as above.
 */
int sessions_inhabitants(ino_t netns, pid_t pin, pid_t *pids, int max)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	if (!proc)
		return -1;
	while ((entry = readdir(proc))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
		    !process_lives_in(dirfd(proc), entry->d_name, netns) ||
		    process_is_pins(dirfd(proc), entry->d_name, pin, netns))
			continue;
		if (count < max)
			pids[count] = (pid_t)strtol(entry->d_name, NULL, 10);
		count++;
	}
	closedir(proc);
	return count;
}
