/* SPDX-License-Identifier: MIT */
/*
 * tunnels.c - the user's running tunnels
 *
 * Found in the directory of all state directories, whatever namespace they were
 * started from. Whether a tunnel lives is told by the lock on its record, but
 * trying that lock would make a start that does the same at that moment take a
 * dead tunnel for a living one. So it is only looked whether the recorded
 * process holds the recorded network namespace; whoever goes on with what is
 * found takes the instance's lock and looks properly.
 */
#include "tunnels.h"

#include "die.h"
#include "process.h"
#include "profile.h"
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * tunnels_open() - Begin to look
 * @tunnels:	Gets the place
 */
void tunnels_open(struct tunnels *tunnels)
{
	int copy;

	tunnels->runtime = runtime_open();
	copy = openat(tunnels->runtime, ".",
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tunnels->list = copy >= 0 ? fdopendir(copy) : NULL;
	if (!tunnels->list)
		die_errno("can't list the state directories");
}

/**
 * tunnels_close() - End looking
 * @tunnels:	The place
 */
void tunnels_close(struct tunnels *tunnels)
{
	closedir(tunnels->list);
	close(tunnels->runtime);
}

/**
 * take() - Look at one state directory
 * @tunnels:	The place
 * @key:	Name of the directory
 * @tunnel:	Gets the tunnel
 * Returns false, with nothing open, if none lives there.
 */
static bool take(const struct tunnels *tunnels, const char *key,
		 struct tunnel *tunnel)
{
	struct instance *instance = &tunnel->instance;
	struct record *record = &tunnel->record;
	ssize_t len = -1;
	int fd;

	instance->directory =
		openat(tunnels->runtime, key,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (instance->directory < 0)
		return false;
	fd = openat(instance->directory, "pin",
		    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		len = pread(fd, record->text, RECORD_MAX, 0);
		close(fd);
	}
	record->text[len < 0 ? 0 : len] = '\0';
	if (len > 0 && record_parse(record) &&
	    process_is_pin(record->pid, record->netns)) {
		instance->runtime = fcntl(tunnels->runtime, F_DUPFD_CLOEXEC, 0);
		instance->lock = -1;
		instance->record = -1;
		return true;
	}
	close(instance->directory);
	return false;
}

/**
 * tunnels_next() - Find the next tunnel
 * @tunnels:	The place
 * @tunnel:	Gets the tunnel
 */
bool tunnels_next(struct tunnels *tunnels, struct tunnel *tunnel)
{
	struct dirent *entry;

	while ((entry = readdir(tunnels->list))) {
		if (strchr(entry->d_name, '@') &&
		    take(tunnels, entry->d_name, tunnel))
			return true;
	}
	return false;
}

/**
 * is_called() - Whether a tunnel is meant by a name
 * @record:	Its record
 * @name:	Name, or NULL for any
 * @path:	Real path that the name stands for, or NULL
 */
static bool is_called(const struct record *record, const char *name,
		      const char *path)
{
	if (!name)
		return true;
	return path ? strcmp(record->config, path) == 0
		    : strcmp(record->tunnel, name) == 0;
}

/**
 * refuse_two() - Die where a name could mean two tunnels
 * @name:	Name, or NULL
 * @one:	One of them
 * @other:	The other one
 */
static _Noreturn void refuse_two(const char *name, const struct record *one,
				 const struct record *other)
{
	if (!name)
		die(STATUS_SETUP,
		    "more than one tunnel is running (%s, %s); say which",
		    one->tunnel, other->tunnel);
	die(STATUS_SETUP,
	    "two tunnels are called \"%s\": %s and %s; give the path", name,
	    one->config, other->config);
}

/**
 * tunnels_find() - Find the tunnel that is called so
 * @name:	Name or path, or NULL
 * @tunnel:	Gets the tunnel
 * The same file can be used from two network namespaces; of these tunnels the
 * one that was found first is as good as the other.
 */
bool tunnels_find(const char *name, struct tunnel *tunnel)
{
	static struct tunnel other;
	struct profile profile;
	const char *path = NULL;
	struct tunnels tunnels;
	bool is_found = false;

	if (name && profile_is_path(name))
		/* A file that is gone can still be meant by its path. */
		path = profile_find(name, &profile) ? profile.path : name;
	tunnels_open(&tunnels);
	for (;;) {
		struct tunnel *candidate = is_found ? &other : tunnel;

		if (!tunnels_next(&tunnels, candidate))
			break;
		if (!is_called(&candidate->record, name, path)) {
			instance_close(&candidate->instance);
		} else if (!is_found) {
			is_found = true;
		} else {
			if (strcmp(tunnel->record.config,
				   other.record.config) != 0)
				refuse_two(name, &tunnel->record,
					   &other.record);
			instance_close(&other.instance);
		}
	}
	tunnels_close(&tunnels);
	return is_found;
}
