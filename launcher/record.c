/* SPDX-License-Identifier: MIT */
/*
 * record.c - the file `pin`: what a tunnel says of itself
 *
 * The lock on the file is the truth about the tunnel's life; its text is for
 * fronts that join, and for people. The pin writes it under another name, locks
 * it and renames it, so that whoever finds the file finds it whole and locked.
 * Only its first three lines change afterwards, in place: each of their values
 * has a fixed width, so a reader never sees half of one. The stamp becomes zeros
 * when the tunnel gets another configuration.
 */
#include "record.h"

#include "die.h"
#include "plan.h"
#include "runtime.h"
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
#include <time.h>
#include <unistd.h>

#define STATE_KEY    "state "
#define ENGINE_KEY   "engine "
#define RESTARTS_KEY "restarts "

enum {
	STATE_WIDTH = 9,
	NUMBER_WIDTH = 10,
	STATE_AT = sizeof(STATE_KEY) - 1,
	ENGINE_AT = STATE_AT + STATE_WIDTH + 1 + sizeof(ENGINE_KEY) - 1,
	RESTARTS_AT = ENGINE_AT + NUMBER_WIDTH + 1 + sizeof(RESTARTS_KEY) - 1,
};

static const char states[RECORD_STATES][STATE_WIDTH + 1] = {
	[RECORD_STARTING] = "starting_",
	[RECORD_CONNECTED] = "connected",
	[RECORD_STALE] = "stale____",
	[RECORD_FAILED] = "failed___",
};

/**
 * parse_state() - Read a state
 * @text:	Text, of which the first letters count
 * Returns RECORD_STATES for what is none.
 */
static enum record_state parse_state(const char *text)
{
	int state = 0;

	while (state < RECORD_STATES &&
	       strncmp(text, states[state], STATE_WIDTH) != 0)
		state++;
	return (enum record_state)state;
}

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
static bool take_line(struct record *record, const char *key, char *value)
{
	unsigned long long number;

	if (strcmp(key, "state") == 0) {
		record->state = parse_state(value);
		return record->state != RECORD_STATES &&
		       value[STATE_WIDTH] == '\0';
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
	} else if (strcmp(key, "config") == 0) {
		record->config = value;
	} else if (strcmp(key, "stamp") == 0) {
		record->stamp = value;
	} else if (strcmp(key, "option") == 0) {
		return options_set_text(&record->options, value);
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

	record->state = RECORD_STARTING;
	record->pid = 0;
	record->netns = 0;
	record->tunnel = NULL;
	record->config = NULL;
	record->stamp = NULL;
	record->options.count = 0;
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
	       record->config && record->stamp;
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
 * record_state() - Read only the state
 * @fd:	Open record
 */
enum record_state record_state(int fd)
{
	char text[STATE_WIDTH + 1] = "";
	enum record_state state = RECORD_STATES;

	if (pread(fd, text, STATE_WIDTH, STATE_AT) == STATE_WIDTH)
		state = parse_state(text);
	return state == RECORD_STATES ? RECORD_STARTING : state;
}

/**
 * record_is_usable() - Whether a run need not wait for a handshake
 * @state:	State
 * A tunnel that was connected and is stale may be so for want of data.
 */
bool record_is_usable(enum record_state state)
{
	return state == RECORD_CONNECTED || state == RECORD_STALE;
}

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
 * is_closed() - Take the changes of a record, and look for the last one
 * @changes:	Watch of the record, which raises no events with a name
 * Returns whether the pin has closed the record. That other lines of it change
 * is of no interest.
 */
static bool is_closed(int changes)
{
	char events[16 * sizeof(struct inotify_event)];
	struct inotify_event event;
	bool is_last = false;
	ssize_t got, at;

	while ((got = read(changes, events, sizeof(events))) > 0) {
		for (at = 0; at < got; at += (ssize_t)sizeof(event)) {
			memcpy(&event, events + at, sizeof(event));
			if (event.mask & IN_CLOSE_WRITE)
				is_last = true;
		}
	}
	return is_last;
}

/**
 * record_await_usable() - Wait for the first handshake for a moment
 * @fd:		Open record
 * @limit_ms:	How long at most
 * Returns whether it is complete. The pin's death ends the wait too.
 */
bool record_await_usable(int fd, int limit_ms)
{
	long long deadline = now_ms() + limit_ms, left;
	struct pollfd change = {.events = POLLIN};
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	change.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (change.fd < 0)
		return record_is_usable(record_state(fd));
	/* First the watch, then the look: no change falls in between. */
	if (inotify_add_watch(change.fd, path, IN_MODIFY | IN_CLOSE_WRITE) < 0)
		limit_ms = 0;
	while (!record_is_usable(record_state(fd))) {
		left = deadline - now_ms();
		if (limit_ms == 0 || left <= 0 ||
		    poll(&change, 1, (int)left) == 0)
			break;
		if (is_closed(change.fd))
			break;
	}
	close(change.fd);
	return record_is_usable(record_state(fd));
}

/**
 * compose() - Compose a record's text
 * @text:	Where it goes, RECORD_MAX bytes
 * @plan:	Plan of the tunnel
 * @netns:	Inode of its network namespace
 * Returns its length. The plan's limits keep it below RECORD_MAX.
 */
static size_t compose(char *text, const struct plan *plan, ino_t netns)
{
	const struct option_value *option = plan->options.list;
	char boot[64];
	size_t len;
	unsigned int i;

	if (text_read_line("/proc/sys/kernel/random/boot_id", boot,
			   sizeof(boot)) != 0)
		strcpy(boot, "-");
	snprintf(text, RECORD_MAX,
		 STATE_KEY "%s\n" ENGINE_KEY "%010u\n" RESTARTS_KEY "%010u\n"
			   "pid %d\nboot %s\nnetns %llu\ntunnel %s\nconfig %s\n"
			   "stamp %s\nlinger %lu\n",
		 states[RECORD_STARTING], 0, 0, (int)getpid(), boot,
		 (unsigned long long)netns, plan->tunnel, plan->config,
		 plan->stamp, plan->linger_ms);
	len = strlen(text);
	for (i = 0; i < plan->options.count; i++, option++) {
		snprintf(text + len, RECORD_MAX - len, "option %s %s\n",
			 option->name, option->value);
		len += strlen(text + len);
	}
	return len;
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
	char text[RECORD_MAX];
	size_t len = compose(text, plan, netns);
	int fd;

	unlinkat(directory, "pin.new", 0);
	fd = openat(directory, "pin.new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd < 0)
		runtime_die(directory, "create the tunnel's record");
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		runtime_die(directory, "lock the tunnel's record");
	if (write(fd, text, len) != (ssize_t)len)
		runtime_die(directory, "write the tunnel's record");
	if (renameat(directory, "pin.new", directory, "pin") != 0)
		runtime_die(directory, "put the tunnel's record in place");
	return fd;
}

/**
 * overwrite() - Change a value in place
 * @fd:		Record
 * @text:	Value, as wide as the one before
 * @at:		Where it is
 */
static void overwrite(int fd, const char *text, off_t at)
{
	if (pwrite(fd, text, strlen(text), at) < 0)
		warn("can't update the tunnel's record");
}

/**
 * record_set_state() - Note the tunnel's state
 * @fd:		Record
 * @state:	State
 */
void record_set_state(int fd, enum record_state state)
{
	overwrite(fd, states[state], STATE_AT);
}

/**
 * record_set_engine() - Note which process is the engine
 * @fd:		Record
 * @engine:	Pid, or 0
 */
void record_set_engine(int fd, pid_t engine)
{
	char text[NUMBER_WIDTH + 1];

	snprintf(text, sizeof(text), "%010u", (unsigned int)engine);
	overwrite(fd, text, ENGINE_AT);
}

/**
 * record_set_restarts() - Note how often an engine was started again
 * @fd:		Record
 * @restarts:	How often
 */
void record_set_restarts(int fd, unsigned int restarts)
{
	char text[NUMBER_WIDTH + 1];

	snprintf(text, sizeof(text), "%010u", restarts);
	overwrite(fd, text, RESTARTS_AT);
}

/**
 * record_forget_stamp() - Let the file of the start not be taken for the tunnel's
 * @fd:		Record
 * Runs compare values from then on, also where that file is put back.
 */
void record_forget_stamp(int fd)
{
	static const char key[] = "\nstamp ";
	char text[RECORD_MAX + 1], *stamp, *digit;
	ssize_t len = pread(fd, text, RECORD_MAX, 0);

	text[len < 0 ? 0 : len] = '\0';
	stamp = strstr(text, key);
	if (!stamp)
		return;
	stamp += sizeof(key) - 1;
	stamp[strcspn(stamp, "\n")] = '\0';
	for (digit = stamp; *digit != '\0'; digit++) {
		if (*digit != ' ')
			*digit = '0';
	}
	overwrite(fd, stamp, stamp - text);
}
