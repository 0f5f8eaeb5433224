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

#include "die.h"
#include "join.h"
#include "masks.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* Directories that hold those of the daemons; /var/run is mostly a link. */
static const char *const parents[] = {"/run", "/run/systemd", "/var/run",
				      "/var/run/systemd"};

/* What can appear there; the second parent of each pair is one of them. */
static const char *const names[] = {"nscd", "resolve", "avahi-daemon",
				    "systemd"};

enum {
	PARENTS = sizeof(parents) / sizeof(*parents),
	NAMES = sizeof(names) / sizeof(*names),
	EVENTS_MAX_BYTES = 4096,
};

/**
 * watch_parents() - Watch all parents that there are
 * @events:	inotify descriptor
 * Watching one again changes nothing.
 */
static void watch_parents(int events)
{
	int i;

	for (i = 0; i < PARENTS; i++)
		inotify_add_watch(events, parents[i],
				  IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

/**
 * remask_watch() - Be told when a daemon's directory appears
 * Returns the descriptor, or -1 where the kernel has no watch to spare: then the
 * masks are mended by runs that join.
 */
int remask_watch(void)
{
	int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (events >= 0)
		watch_parents(events);
	return events;
}

/**
 * is_daemons() - Is an event about a directory of a daemon's?
 * @event:	The event
 * Where events were lost it may have been.
 */
static bool is_daemons(const struct inotify_event *event)
{
	int i;

	if ((event->mask & IN_Q_OVERFLOW) != 0)
		return true;
	for (i = 0; event->len > 0 && i < NAMES; i++) {
		if (strcmp(event->name, names[i]) == 0)
			return true;
	}
	return false;
}

/**
 * mend() - Be the child that mounts the masks
 */
static _Noreturn void mend(void)
{
	if (setns(PIN_USER_NS, CLONE_NEWUSER) != 0 ||
	    setns(PIN_MNT_NS, CLONE_NEWNS) != 0)
		die_errno("can't enter the tunnel's mount namespace");
	umask(022);
	masks_refresh();
	_exit(0);
}

/**
 * remask_heed() - Take note of the events, and have masks mended if need be
 * @events:	What remask_watch() returned
 * The child isn't waited for here: whoever waits for children reaps it.
 */
void remask_heed(int events)
{
	_Alignas(struct inotify_event) char buffer[EVENTS_MAX_BYTES];
	const struct inotify_event *event;
	bool is_needed = false;
	ssize_t got, at;

	while ((got = read(events, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < got;
		     at += (ssize_t)sizeof(*event) + (ssize_t)event->len) {
			event = (const void *)(buffer + at);
			is_needed = is_needed || is_daemons(event);
		}
	}
	if (!is_needed)
		return;
	watch_parents(events);
	/* Without a process to spare the next run that joins mends them. */
	if (fork() == 0)
		mend();
}
