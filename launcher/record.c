/* SPDX-License-Identifier: MIT */
/*
 * record.c - the file `pin`: what a tunnel says of itself
 *
 * The lock on the file is the truth about the tunnel's life; its text is for
 * fronts that join, and for people. The pin writes it under another name, locks
 * it and renames it, so that whoever finds the file finds it whole and locked.
 * Only the state changes afterwards, in place: both its values have nine
 * letters, so a reader never sees half of one.
 */
#include "record.h"

#include "die.h"
#include "plan.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_KEY	"state "
#define STATE_STARTING	"starting_"
#define STATE_CONNECTED "connected"

_Static_assert(sizeof(STATE_STARTING) == sizeof(STATE_CONNECTED),
	       "the state is overwritten in place");

/**
 * parse_number() - Read a decimal number
 * @text:	Text, which must be digits only
 * @number:	Gets the number
 */
static bool parse_number(const char *text, unsigned long long *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

/**
 * take_line() - Take one line over into the record
 * @record:	Record
 * @key:	Key
 * @value:	Value
 * Lines that only people read are skipped.
 */
static bool take_line(struct record *record, const char *key, const char *value)
{
	unsigned long long number;

	if (strcmp(key, "state") == 0) {
		record->is_connected = strcmp(value, STATE_CONNECTED) == 0;
		return record->is_connected ||
		       strcmp(value, STATE_STARTING) == 0;
	}
	if (strcmp(key, "pid") == 0) {
		if (!parse_number(value, &number) || number == 0 ||
		    number > 0x7fffffff)
			return false;
		record->pid = (pid_t)number;
	} else if (strcmp(key, "netns") == 0) {
		if (!parse_number(value, &number) || number == 0)
			return false;
		record->netns = (ino_t)number;
	} else if (strcmp(key, "tunnel") == 0) {
		record->tunnel = value;
	} else if (strcmp(key, "stamp") == 0) {
		record->stamp = value;
	} else if (strcmp(key, "options") == 0) {
		record->options = value;
	}
	return true;
}

/**
 * record_parse() - Make sense of a record's text
 * @record:	Record with its text, NUL-terminated; the text is cut into lines
 * Returns false if it is no record, or an incomplete one.
 */
bool record_parse(struct record *record)
{
	char *line = record->text, *end, *value;

	record->is_connected = false;
	record->pid = 0;
	record->netns = 0;
	record->tunnel = NULL;
	record->stamp = NULL;
	record->options = NULL;
	if (strncmp(line, STATE_KEY, strlen(STATE_KEY)) != 0)
		return false;
	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			return false;
		*end = '\0';
		value = strchr(line, ' ');
		if (!value)
			return false;
		*value++ = '\0';
		if (!take_line(record, line, value))
			return false;
	}
	return record->pid != 0 && record->netns != 0 && record->tunnel &&
	       record->stamp && record->options;
}

/**
 * record_read() - Read the record of a living tunnel
 * @fd:	Open record
 * @record:	Gets the result
 */
void record_read(int fd, struct record *record)
{
	ssize_t len = pread(fd, record->text, RECORD_MAX, 0);

	if (len < 0)
		die_errno("can't read the tunnel's record");
	record->text[len] = '\0';
	if (!record_parse(record))
		die(STATUS_SETUP,
		    "the tunnel's record is damaged; end the tunnel's sessions "
		    "and start again");
}

/**
 * is_connected_now() - Whether the first handshake is complete
 * @fd:	Open record
 */
static bool is_connected_now(int fd)
{
	char state[sizeof(STATE_CONNECTED) - 1];

	return pread(fd, state, sizeof(state), (off_t)strlen(STATE_KEY)) ==
		       (ssize_t)sizeof(state) &&
	       memcmp(state, STATE_CONNECTED, sizeof(state)) == 0;
}

/**
 * record_await_connected() - Wait for the first handshake for a moment
 * @fd:		Open record
 * @limit_ms:	How long at most
 * Returns whether it is complete. The pin's death ends the wait too.
 */
bool record_await_connected(int fd, int limit_ms)
{
	struct pollfd change = {.events = POLLIN};
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	change.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (change.fd < 0)
		return is_connected_now(fd);
	/* First the watch, then the look: no change falls in between. */
	if (inotify_add_watch(change.fd, path, IN_MODIFY | IN_CLOSE_WRITE) >=
		    0 &&
	    !is_connected_now(fd))
		poll(&change, 1, limit_ms);
	close(change.fd);
	return is_connected_now(fd);
}

/**
 * record_create() - Write the record of this process's tunnel
 * @directory:	State directory
 * @plan:	Plan of the tunnel
 * @netns:	Inode of its network namespace
 * Returns the locked descriptor: the tunnel lives as long as it is open.
 */
int record_create(int directory, const struct plan *plan, ino_t netns)
{
	char text[RECORD_MAX], boot[64];
	int fd, len;

	if (text_read_line("/proc/sys/kernel/random/boot_id", boot,
			   sizeof(boot)) != 0)
		strcpy(boot, "-");
	len = snprintf(text, sizeof(text),
		       STATE_KEY STATE_STARTING "\npid %d\nboot %s\nnetns %llu"
						"\ntunnel %s\nconfig %s"
						"\nstamp %s\noptions %s\n",
		       (int)getpid(), boot, (unsigned long long)netns,
		       plan->tunnel, plan->config, plan->stamp, plan->options);
	if (len < 0 || len >= (int)sizeof(text))
		die(STATUS_SETUP, "the configuration's path is too long");
	fd = openat(directory, "pin.new",
		    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		die_errno("can't create the tunnel's record");
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		die_errno("can't lock the tunnel's record");
	if (write(fd, text, (size_t)len) != len)
		die_errno("can't write the tunnel's record");
	if (renameat(directory, "pin.new", directory, "pin") != 0)
		die_errno("can't put the tunnel's record in place");
	return fd;
}

/**
 * record_set_connected() - Note that the first handshake is complete
 * @fd:	Record
 */
void record_set_connected(int fd)
{
	if (pwrite(fd, STATE_CONNECTED, strlen(STATE_CONNECTED),
		   (off_t)strlen(STATE_KEY)) < 0)
		warn("can't update the tunnel's record");
}
