/* SPDX-License-Identifier: MIT */
/*
 * instance.c - a tunnel's identity, its state directory and its lock
 *
 * An instance is a configuration file as seen from one network namespace: the
 * same file used on the host and inside another tunnel makes two tunnels, since
 * their datagrams take different ways.
 *
 * Every change of state happens under `lock`, which is never unlinked: two
 * processes that lock a name, one of them an unlinked file, would exclude
 * nobody. Whether a tunnel lives is told by the lock that its pin holds on
 * `pin`, never by a pid: kernels drop locks with their holders, whatever the
 * death, and a reboot leaves none.
 */
#include "instance.h"

#include "die.h"
#include "etc.h"
#include "masks.h"
#include "runtime.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * How often a state directory may vanish between being found and being locked;
 * a session manager does that once, at logout.
 */
enum { HOLD_ATTEMPTS = 8 };

/* A killed process closes its files in far less. */
enum { END_MS = 2000 };

/* The set-up child's note inside: three short lines. */
enum { INSIDE_MAX = 4096 };

/**
 * instance_locate() - Find out which instance a configuration is from here
 * @config:	Real path of the configuration
 * @instance:	Gets the result; nothing is locked yet
 */
void instance_locate(const char *config, struct instance *instance)
{
	struct blake2s hash;
	struct stat netns;

	if (stat("/proc/self/ns/net", &netns) != 0)
		die_errno("can't examine /proc/self/ns/net; /proc is needed");
	blake2s_start(&hash);
	blake2s_update(&hash, config, strlen(config));
	blake2s_finish_hex(&hash, instance->hash);
	instance->caller_netns = netns.st_ino;
	instance->runtime = runtime_open();
	instance->directory = -1;
	instance->lock = -1;
	instance->record = -1;
}

/**
 * read_note() - Read the set-up child's note on the tunnel around us
 * @runtime:	Directory of all state directories
 * Returns NULL if there is none. The view of /etc is read-only, so the note
 * there can't be changed by programs inside. The other one is the user's to
 * change, and counts where there is no such view; and only in a mask, for
 * elsewhere it would be a forgery.
 */
static char *read_note(int runtime)
{
	size_t len;
	char *text = text_read(-1, ETC_OWN "/inside", INSIDE_MAX, &len);

	if (text || !masks_is_state(runtime))
		return text;
	return text_read(runtime, "inside", INSIDE_MAX, &len);
}

/**
 * instance_is_around_us() - Whether we are inside this very tunnel already
 * @instance:	Instance
 * The set-up child left the key and the namespace's inode. Both must match: an
 * inner namespace that a program made for itself shows the same file, but is not
 * the tunnel. Believing a forgery would run the command without a tunnel.
 */
bool instance_is_around_us(const struct instance *instance)
{
	bool is_our_netns = false, is_our_key = false;
	char *text = read_note(instance->runtime), *line, *rest = text;

	while (text && (line = strsep(&rest, "\n"))) {
		if (strncmp(line, "netns ", 6) == 0)
			is_our_netns = strtoull(line + 6, NULL, 10) ==
				       instance->caller_netns;
		else if (strncmp(line, "key ", 4) == 0)
			is_our_key = strcmp(line + 4, instance->hash) == 0;
	}
	free(text);
	return is_our_netns && is_our_key;
}

/**
 * is_linked() - Whether an open file still has a name
 * @fd:	Open file or directory
 */
static bool is_linked(int fd)
{
	struct stat file;

	return fstat(fd, &file) == 0 && file.st_nlink > 0;
}

/**
 * open_lock() - Open the lock of a state directory
 * @directory:	State directory
 * Returns the descriptor, or -1 if the directory was removed.
 */
static int open_lock(int directory)
{
	mode_t mask = umask(077);
	int fd = openat(directory, "lock",
			O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int failure = errno;

	umask(mask);
	errno = failure;
	if (fd < 0 && errno != ENOENT)
		runtime_die(directory, "open the lock");
	return fd;
}

/**
 * instance_hold_found() - Take the lock of a state directory that may vanish
 * @instance:	Instance with its open directory, not held
 * Returns false, with the directory closed, if it did.
 */
bool instance_hold_found(struct instance *instance)
{
	int lock = open_lock(instance->directory), locked;

	if (lock >= 0) {
		do {
			locked = flock(lock, LOCK_EX);
		} while (locked != 0 && errno == EINTR);
		if (locked != 0)
			die_errno("can't lock the state directory");
		if (is_linked(instance->directory) && is_linked(lock)) {
			instance->lock = lock;
			return true;
		}
		close(lock);
	}
	close(instance->directory);
	instance->directory = -1;
	return false;
}

/**
 * instance_hold() - Open the state directory and take its lock
 * @instance:	Located instance
 * Waits for whoever starts or ends the same tunnel at the moment.
 */
void instance_hold(struct instance *instance)
{
	char key[HASH_DIGITS + 24];
	int attempt;

	snprintf(key, sizeof(key), "%s@%llu", instance->hash,
		 (unsigned long long)instance->caller_netns);
	for (attempt = 0; attempt < HOLD_ATTEMPTS; attempt++) {
		instance->directory =
			runtime_subdirectory(instance->runtime, key);
		if (instance->directory >= 0 && instance_hold_found(instance))
			return;
		close(instance->runtime);
		instance->runtime = runtime_open();
	}
	die(STATUS_SETUP, "the state directory is removed again and again");
}

/**
 * instance_unlink_state() - Remove the files that say that a tunnel lives
 * @directory:	State directory, whose lock is held
 */
void instance_unlink_state(int directory)
{
	unlinkat(directory, "control.sock", 0);
	unlinkat(directory, "order.sock", 0);
	unlinkat(directory, "about", 0);
	unlinkat(directory, "about.new", 0);
	unlinkat(directory, "pin.new", 0);
	unlinkat(directory, "pin", 0);
}

/**
 * instance_find_record() - Find the record of the living tunnel
 * @instance:	Held instance; gets the open record
 * Returns false if there is no living tunnel. What a killed pin left is removed
 * then, so that a new one finds an empty place.
 */
bool instance_find_record(struct instance *instance)
{
	int fd = openat(instance->directory, "pin",
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	/* A link is nobody's record, and goes with what is stale. */
	if (fd < 0 && errno != ENOENT && errno != ELOOP)
		runtime_die(instance->directory, "open the tunnel's record");
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			die_errno("can't lock the tunnel's record");
		instance->record = fd;
		return true;
	}
	if (fd >= 0)
		close(fd);
	instance_unlink_state(instance->directory);
	return false;
}

/**
 * instance_outlive() - Wait for the end of a pin that is being killed
 * @instance:	Held instance with a record, and without one afterwards
 * @pin:	Pid of the pin
 * A process is over as a pid only after its locks are gone. Returns false if
 * this one is alive and well.
 */
bool instance_outlive(struct instance *instance, pid_t pin)
{
	struct pollfd end = {.events = POLLIN};
	bool is_over;

	end.fd = (int)syscall(SYS_pidfd_open, pin, 0);
	if (end.fd >= 0) {
		poll(&end, 1, END_MS);
		close(end.fd);
	}
	is_over = flock(instance->record, LOCK_EX | LOCK_NB) == 0;
	close(instance->record);
	instance->record = -1;
	return is_over;
}

/**
 * instance_release_lock() - Let others start or end the same tunnel
 * @instance:	Held instance
 * The lock is given up by name, not by closing: a controller or a pin in its
 * start may share the open file.
 */
void instance_release_lock(struct instance *instance)
{
	if (instance->lock < 0)
		return;
	if (flock(instance->lock, LOCK_UN) != 0)
		die_errno("can't release the lock");
	close(instance->lock);
	instance->lock = -1;
}

/**
 * instance_close() - Close what is still open of an instance
 * @instance:	Instance
 */
void instance_close(struct instance *instance)
{
	instance_release_lock(instance);
	if (instance->record >= 0)
		close(instance->record);
	if (instance->directory >= 0)
		close(instance->directory);
	close(instance->runtime);
	instance->record = -1;
	instance->directory = -1;
	instance->runtime = -1;
}
