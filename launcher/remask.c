/* SPDX-License-Identifier: MIT */
/*
 * remask.c - mount masks again as soon as the host's services destroy them
 *
 * A service that starts again removes its directory in /run and makes a new one,
 * and the mask is gone with the old one. Every run that joins mends that, but the
 * programs that are inside already would ask the host meanwhile. So the pin
 * watches for directories of these names and has a child mend the masks at once:
 * before the service has bound its socket, as a rule.
 *
 * The pin itself never leaves the host's namespaces. The child enters the
 * tunnel's user and mount namespaces and not the network's, where it would count
 * as an inhabitant.
 */
#include "remask.h"

#include "buses.h"
#include "die.h"
#include "fds.h"
#include "join.h"
#include "masks.h"
#include "runtime.h"

#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* Directories that hold those of the daemons; /var/run is mostly a link. */
static const char *const parents[] = {"/run", "/run/systemd", "/var/run",
				      "/var/run/systemd"};

/* What can appear there; the second parent of each pair is one of them. */
static const char *const names[] = {"nscd", "resolve", "avahi-daemon",
				    "systemd", "dbus"};

enum {
	PARENTS = sizeof(parents) / sizeof(*parents),
	NAMES = sizeof(names) / sizeof(*names),
	EVENTS_MAX_BYTES = 4096,
};

/**
 * watch_one() - Watch a directory, if it is there
 * @remask:	Watch
 * @path:	The directory
 * Watching one again changes nothing.
 */
static void watch_one(const struct remask *remask, const char *path)
{
	inotify_add_watch(remask->events, path,
			  IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

/**
 * watch_buses() - Watch a runtime directory for sockets of D-Bus
 * @remask:	Watch
 * @runtime:	The directory
 */
static void watch_buses(const struct remask *remask, const char *runtime)
{
	char path[PATH_MAX];

	watch_one(remask, runtime);
	if (snprintf(path, sizeof(path), "%s/systemd", runtime) <
	    (int)sizeof(path))
		watch_one(remask, path);
}

/**
 * watch_parents() - Watch all parents that there are
 * @remask:	Watch
 */
static void watch_parents(const struct remask *remask)
{
	char usual[32];
	int i;

	for (i = 0; i < PARENTS; i++)
		watch_one(remask, parents[i]);
	if (!remask->hides_buses)
		return;
	snprintf(usual, sizeof(usual), "/run/user/%u", geteuid());
	watch_buses(remask, usual);
	watch_buses(remask, remask->runtime);
}

/**
 * remask_watch() - Be told when a daemon's directory appears
 * @remask:	Gets the watch
 * @directory:	State directory
 * @options:	The tunnel's
 */
void remask_watch(struct remask *remask, int directory,
		  const struct options *options)
{
	char *slash;
	int levels;

	remask->hides_buses = options_value(options, BUSES_OPTION) != NULL;
	runtime_path(directory, remask->runtime);
	for (levels = 0; levels < 2; levels++) {
		slash = strrchr(remask->runtime, '/');
		if (slash)
			*slash = '\0';
	}
	remask->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (remask->events >= 0)
		watch_parents(remask);
}

/**
 * last_part() - A name without its directory
 * @path:	Path
 */
static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/**
 * is_daemons() - Is an event about a directory of a daemon's, or a bus?
 * @remask:	Watch
 * @event:	The event
 * Where events were lost it may have been.
 */
static bool is_daemons(const struct remask *remask,
		       const struct inotify_event *event)
{
	int i;

	if ((event->mask & IN_Q_OVERFLOW) != 0)
		return true;
	for (i = 0; event->len > 0 && i < NAMES; i++) {
		if (strcmp(event->name, names[i]) == 0)
			return true;
	}
	for (i = 0; event->len > 0 && remask->hides_buses && i < BUSES_SOCKETS;
	     i++) {
		if (strcmp(event->name, last_part(buses_sockets[i])) == 0)
			return true;
	}
	return false;
}

/**
 * mend() - Be the child that mounts the masks
 * @remask:	Watch
 * First of all it lets go of what makes the tunnel live: a mount can take its
 * time, and the pin may end meanwhile.
 */
static _Noreturn void mend(const struct remask *remask)
{
	static const int table[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
				    PIN_USER_NS, PIN_MNT_NS};
	enum { USER_NS = 3, MNT_NS = 4 };

	fds_place(table, sizeof(table) / sizeof(*table));
	if (setns(USER_NS, CLONE_NEWUSER) != 0 ||
	    setns(MNT_NS, CLONE_NEWNS) != 0)
		die_errno("can't enter the tunnel's mount namespace");
	umask(022);
	masks_refresh(remask->hides_buses);
	_exit(0);
}

/**
 * remask_heed() - Take note of the events, and have masks mended if need be
 * @remask:	Watch
 * The child isn't waited for here: whoever waits for children reaps it.
 */
void remask_heed(const struct remask *remask)
{
	_Alignas(struct inotify_event) char buffer[EVENTS_MAX_BYTES];
	const struct inotify_event *event;
	bool is_needed = false;
	ssize_t got, at;

	while ((got = read(remask->events, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < got;
		     at += (ssize_t)sizeof(*event) + (ssize_t)event->len) {
			event = (const void *)(buffer + at);
			is_needed = is_needed || is_daemons(remask, event);
		}
	}
	if (!is_needed)
		return;
	watch_parents(remask);
	/* Without a process to spare the next run that joins mends them. */
	if (fork() == 0)
		mend(remask);
}
