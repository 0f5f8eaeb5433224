/* SPDX-License-Identifier: MIT */
/*
 * up.c - wg-wrap up: a tunnel without a command
 *
 * It attaches as any run does, so that there is one way to start a tunnel and to
 * wait for it. Then the pin is told to hold the tunnel, while the session still
 * lives; a tunnel that didn't connect is never held, and ends with the session.
 *
 * With --foreground nobody is told: the tunnel lives as long as this process is
 * a session of it. That is for service managers, which get its state from here.
 */
#include "up.h"

#include "attach.h"
#include "controller.h"
#include "daemon.h"
#include "die.h"
#include "front.h"
#include "notify.h"
#include "orders.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WATCH_PIN, WATCH_SIGNALS, WATCH_RECORD, WATCHES };

/* What a service manager shows. */
static const char *const states[RECORD_STATES] = {
	[RECORD_STARTING] = "waiting for a handshake",
	[RECORD_CONNECTED] = "connected",
	[RECORD_STALE] = "connected, but no peer answers",
	[RECORD_FAILED] = "failed: the engine ends again and again",
};

/**
 * tell_state() - Tell the service manager if the state has changed
 * @record:	Open record
 * @told:	State that was told last
 * @is_ready:	Whether it was told that the tunnel is ready
 */
static void tell_state(int record, enum record_state *told, bool *is_ready)
{
	enum record_state state = record_state(record);

	if (state == *told)
		return;
	*told = state;
	if (!*is_ready && record_is_usable(state)) {
		*is_ready = true;
		notify("READY=1\nSTATUS=%s\n", states[state]);
	} else {
		notify("STATUS=%s\n", states[state]);
	}
}

/**
 * watch_record() - Be told when the record changes
 * @record:	Open record
 */
static int watch_record(int record)
{
	char path[64];
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", record);
	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY) < 0)
		die_errno("can't watch the tunnel's record; raise "
			  "fs.inotify.max_user_instances and "
			  "fs.inotify.max_user_watches");
	return fd;
}

/**
 * stay() - Be the session that keeps the tunnel
 * @front:	Attached run
 */
static _Noreturn void stay(struct front *front)
{
	static const int signals[] = {SIGTERM, SIGINT, 0};
	enum record_state told = RECORD_STARTING;
	struct pollfd watches[WATCHES] = {0};
	int record = front->instance.record, i;
	bool is_ready = false;
	char events[512];

	watches[WATCH_PIN].fd =
		(int)syscall(SYS_pidfd_open, front->record.pid, 0);
	watches[WATCH_SIGNALS].fd = daemon_watch_signals(signals);
	watches[WATCH_RECORD].fd = watch_record(record);
	for (i = 0; i < WATCHES; i++)
		watches[i].events = POLLIN;
	while (watches[WATCH_PIN].fd >= 0) {
		tell_state(record, &told, &is_ready);
		if (poll(watches, WATCHES, -1) < 0) {
			if (errno == EINTR)
				continue;
			die_errno("can't wait for events");
		}
		if (watches[WATCH_SIGNALS].revents != 0) {
			notify("STOPPING=1\n");
			_exit(0);
		}
		if (watches[WATCH_PIN].revents != 0)
			break;
		while (read(watches[WATCH_RECORD].fd, events, sizeof(events)) >
		       0)
			;
	}
	notify("STOPPING=1\nSTATUS=the tunnel has ended\n");
	die(STATUS_SETUP, "tunnel \"%s\" has ended", front->record.tunnel);
}

/**
 * leave() - End well at a signal while there is nothing to undo
 * @number:	Signal
 * The kernel lets the lock and the session go, and ends a controller.
 */
static void leave(int number)
{
	(void)number;
	_exit(0);
}

/**
 * up_main() - Keep a tunnel without a command
 * @front:	Run, with its arguments
 */
_Noreturn void up_main(struct front *front)
{
	const struct arguments *arguments = &front->arguments;
	char answer[ORDER_ANSWER_MAX];

	if (!profile_find(arguments->tunnel ? arguments->tunnel
					    : arguments->config,
			  &front->profile))
		controller_become(front->argv);
	instance_locate(front->profile.path, &front->instance);
	if (instance_is_around_us(&front->instance))
		die(STATUS_SETUP,
		    "this is inside that very tunnel; it is up until its last "
		    "command ends");
	if (arguments->foreground) {
		if (signal(SIGTERM, leave) == SIG_ERR ||
		    signal(SIGINT, leave) == SIG_ERR)
			die_errno("can't wait for signals");
		notify("STATUS=%s\n", states[RECORD_STARTING]);
	}
	attach_to_own(front);
	if (arguments->foreground)
		stay(front);
	order_give(front->instance.directory, "hold", NULL, 0, answer);
	_exit(0);
}
