/* SPDX-License-Identifier: MIT */
/*
 * process.c - what /proc tells of a process
 *
 * A pid may be another process's at any moment. What is read of one is a hint,
 * therefore, unless the order of the looks says otherwise, and what its
 * descriptors lead to is never touched: a file of a network that has gone away
 * would hold us for ever. The link's text is there without it.
 */
#include "process.h"

#include "join.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The name in it can be that of a kernel thread, which is longer than ours. */
enum { STAT_MAX = 256 };

/**
 * process_lives_in() - Whether a process, or a thread of it, has a network namespace
 * @proc:	Open /proc
 * @pid:	The process, as /proc spells it
 * @netns:	Inode of the namespace
 * A main thread that ended has no namespace left, though others may go on; its
 * threads are then asked one by one.
 */
bool process_lives_in(int proc, const char *pid, ino_t netns)
{
	char path[64];
	struct dirent *entry;
	struct stat link;
	bool is_found = false;
	DIR *threads;
	int fd;

	snprintf(path, sizeof(path), "%.16s/ns/net", pid);
	if (fstatat(proc, path, &link, 0) == 0)
		return link.st_ino == netns;
	if (errno == EACCES || errno == EPERM)
		return false;
	snprintf(path, sizeof(path), "%.16s/task", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	threads = fdopendir(fd);
	if (!threads) {
		close(fd);
		return false;
	}
	while (!is_found && (entry = readdir(threads))) {
		snprintf(path, sizeof(path), "%.16s/ns/net", entry->d_name);
		is_found = entry->d_name[0] != '.' &&
			   fstatat(fd, path, &link, 0) == 0 &&
			   link.st_ino == netns;
	}
	closedir(threads);
	return is_found;
}

/**
 * read_file() - Read the beginning of a file of a process
 * @proc:	Open /proc
 * @pid:	The process, as /proc spells it
 * @name:	The file
 * @text:	Where it goes, with a NUL; empty if there is nothing to read
 * @size:	Room there
 */
static void read_file(int proc, const char *pid, const char *name, char *text,
		      size_t size)
{
	ssize_t got = -1;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%.16s/%s", pid, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, size - 1);
		close(fd);
	}
	text[got > 0 ? got : 0] = '\0';
}

/**
 * process_parse_parent() - Find the parent in a text of /proc/PID/stat
 * @stat:	"PID (NAME) STATE PARENT ...", or what there is of it
 * The name is the process's own choice, and may have parentheses; nothing after
 * it has.
 */
pid_t process_parse_parent(const char *stat)
{
	const char *after = strrchr(stat, ')');
	unsigned long parent;
	char *end;

	if (!after || after[1] != ' ' || after[2] == '\0' || after[3] != ' ' ||
	    after[4] < '0' || after[4] > '9')
		return 0;
	parent = strtoul(after + 4, &end, 10);
	return *end == ' ' && parent <= 0x7fffffff ? (pid_t)parent : 0;
}

/**
 * process_is_pin() - Whether a process is a tunnel's pin
 * @pid:	The process
 * @netns:	Inode of the tunnel's network namespace
 * A pin has that at a number of its own, from before it is recorded to its end.
 */
bool process_is_pin(pid_t pid, ino_t netns)
{
	char path[64], link[64], expected[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid,
		 (int)PIN_NET_NS);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return false;
	link[len] = '\0';
	snprintf(expected, sizeof(expected), "net:[%llu]",
		 (unsigned long long)netns);
	return strcmp(link, expected) == 0;
}

/**
 * process_is_pins() - Whether a process is a child of a tunnel's pin
 * @proc:	Open /proc
 * @pid:	The process, as /proc spells it
 * @pin:	Recorded pid of the pin
 * @netns:	Inode of the tunnel's network namespace
 * First the parent, then the look who that is: a pin that is still there has had
 * its pid all the time.
 */
bool process_is_pins(int proc, const char *pid, pid_t pin, ino_t netns)
{
	char text[STAT_MAX];

	read_file(proc, pid, "stat", text, sizeof(text));
	return process_parse_parent(text) == pin &&
	       (pin == getpid() || process_is_pin(pin, netns));
}

/**
 * process_put() - Append a process to a list
 * @proc:	Open /proc
 * @pid:	The process, as /proc spells it
 * @text:	The list, of @size bytes
 * @size:	Room
 * Its name is its own choice: nothing of it may reach a terminal unseen.
 */
void process_put(int proc, const char *pid, char *text, size_t size)
{
	char name[PROCESS_NAME_MAX + 1], *byte;
	size_t len;

	read_file(proc, pid, "comm", name, sizeof(name));
	/* The kernel ends it with a newline; any other one is the name's. */
	len = strlen(name);
	if (len > 0 && name[len - 1] == '\n')
		name[len - 1] = '\0';
	for (byte = name; *byte; byte++) {
		if (*byte < ' ' || *byte > '~')
			*byte = '?';
	}
	len = strlen(text);
	snprintf(text + len, size - len, "%s%.16s %s", len > 0 ? ", " : "", pid,
		 name);
}
