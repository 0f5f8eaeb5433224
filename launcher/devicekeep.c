/* SPDX-License-Identifier: MIT */
/*
 * devicekeep.c - a device's life, from the engine's start to its end
 *
 *   starting   The engine has READY_MS to say that it is. Whoever started this
 *              waits, so any failure ends it, with a message. Then the engine
 *              is told how the link is, before anybody may configure it.
 *   running    What changes about the link is passed on: up, down, the MTU. The
 *              device ends when its interface or its socket is removed, on
 *              SIGTERM, SIGINT and SIGHUP, and when the engine dies: nobody
 *              but its owner knows its keys, so there is no starting it again.
 *   ending     The socket goes first, so that wg(8) finds it no more. The
 *              engine is asked to stop, then made to. The interface goes with
 *              the last descriptor of its TUN, at exit.
 */
#include "devicekeep.h"

#include "daemon.h"
#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	READY_MS = 10000,
	STOP_MS = 1000,
	LOOK_MS = 1000,
	/* An engine that talks without end doesn't keep us from the rest. */
	WORDS_A_TURN = 64,
};

static const long long never = LLONG_MAX;

enum {
	WATCH_SIGNALS,
	WATCH_CHANNEL,
	WATCH_LINK,
	WATCH_SOCKET,
	WATCH_TUN,
	WATCHES,
};

struct keep {
	struct devicekeep device;
	struct engine engine;
	struct link_state state;
	struct link_state told;
	int signals;
	int last_words; /* memfd, or -1 where the engine has a log */
	int status;	/* to exit with */
	enum { STARTING, RUNNING, ENDING } phase;
	long long look_at; /* look at the link again */
	long long end_by;  /* or else the engine is killed */
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
 * begin_end() - Stop the engine; the rest follows when it is gone
 * @keep:	Keeper
 * @status:	Status to exit with
 * @now:	Time
 */
static void begin_end(struct keep *keep, int status, long long now)
{
	if (keep->phase == ENDING)
		return;
	if (keep->phase == STARTING && status == 0)
		warn("%s: ended before it was ready", keep->device.name);
	keep->phase = ENDING;
	keep->status = status;
	keep->look_at = never;
	keep->end_by = now + STOP_MS;
	uapisocket_remove(&keep->device.socket);
	if (keep->engine.pid == 0)
		_exit(status);
	engine_signal(&keep->engine, SIGTERM);
}

/**
 * repeat_last_words() - Print what the engine wrote to its stderr
 * @keep:	Keeper
 */
static void repeat_last_words(const struct keep *keep)
{
	char words[2048];
	ssize_t len;

	if (keep->last_words < 0)
		return;
	len = pread(keep->last_words, words, sizeof(words), 0);
	if (len > 0)
		dprintf(STDERR_FILENO, "%.*s", (int)len, words);
}

/**
 * fail() - End because of the engine
 * @keep:	Keeper
 * @how:	What happened to it
 * @now:	Time
 */
static void fail(struct keep *keep, const char *how, long long now)
{
	if (keep->phase == STARTING)
		repeat_last_words(keep);
	warn("%s: the engine %s", keep->device.name, how);
	begin_end(keep, STATUS_SETUP, now);
	engine_signal(&keep->engine, SIGKILL);
}

/**
 * start_engine() - Start the engine
 * @keep:	Keeper
 * @now:	Time
 * In a daemon without a log its stderr is a file in memory, so that a failing
 * start can be explained and nothing is held open later.
 */
static void start_engine(struct keep *keep, long long now)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct engine_fds fds = {.output = keep->device.output,
				 .log = keep->device.log,
				 .tun = keep->device.link.tun,
				 .udp4 = null,
				 .udp6 = null,
				 .configuration = null,
				 .control = keep->device.socket.listener};

	if (null < 0)
		die_errno("can't open /dev/null");
	if (!keep->device.keeps_stderr) {
		keep->last_words = memfd_create("wg-wrap", MFD_CLOEXEC);
		if (keep->last_words < 0)
			die_errno("can't create a memfd");
		if (fcntl(keep->last_words, F_SETFL, O_APPEND) != 0)
			die_errno("can't append to a memfd");
		fds.log = keep->last_words;
	}
	if (!engine_start(&keep->engine, keep->device.program, &fds, now)) {
		uapisocket_remove(&keep->device.socket);
		die_errno("can't start the engine");
	}
	close(null);
	keep->end_by = now + READY_MS;
}

/**
 * tell_link() - Tell the engine what it doesn't know about the link
 * @keep:	Keeper
 * @now:	Time
 * What its channel doesn't take is told again a moment later.
 */
static void tell_link(struct keep *keep, long long now)
{
	char word[32];

	snprintf(word, sizeof(word), "mtu %u", keep->state.mtu);
	if (keep->state.mtu != keep->told.mtu &&
	    engine_tell(&keep->engine, word))
		keep->told.mtu = keep->state.mtu;
	if (keep->state.is_up != keep->told.is_up &&
	    engine_tell(&keep->engine, keep->state.is_up ? "up" : "down"))
		keep->told.is_up = keep->state.is_up;
	keep->look_at = never;
	if (keep->device.link.is_away || keep->state.mtu != keep->told.mtu ||
	    keep->state.is_up != keep->told.is_up)
		keep->look_at = now + LOOK_MS;
}

/**
 * look() - See how the link is
 * @keep:	Keeper
 * @now:	Time
 */
static void look(struct keep *keep, long long now)
{
	if (!link_look(&keep->device.link, &keep->state))
		begin_end(keep, 0, now);
	else if (keep->phase == RUNNING)
		tell_link(keep, now);
}

/**
 * on_ready() - The engine is wired up
 * @keep:	Keeper
 * @now:	Time
 */
static void on_ready(struct keep *keep, long long now)
{
	int null;

	if (keep->phase != STARTING)
		return;
	keep->phase = RUNNING;
	keep->end_by = never;
	look(keep, now);
	if (keep->device.report < 0 || keep->phase != RUNNING)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		die_errno("can't detach from the starter");
	if (!keep->device.keeps_stderr &&
	    (dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0))
		die_errno("can't detach from the starter");
	close(null);
	daemon_report(keep->device.report);
}

/**
 * on_channel() - The engine spoke, or hung up
 * @keep:	Keeper
 * @now:	Time
 * Not more words at once than WORDS_A_TURN; then it is called again, also for
 * those that were read already by engine_has_word().
 */
static void on_channel(struct keep *keep, long long now)
{
	enum engine_word word;
	unsigned int i;

	if (keep->last_words >= 0)
		engine_bound_log(keep->last_words);
	for (i = 0; i < WORDS_A_TURN; i++) {
		word = engine_listen(&keep->engine);
		if (word == ENGINE_SAYS_NOTHING)
			return;
		if (word == ENGINE_SAYS_READY)
			on_ready(keep, now);
		if (word != ENGINE_HANGS_UP)
			continue;
		/* Its end is told by a signal; only a mute one is ended. */
		close(keep->engine.channel);
		keep->engine.channel = -1;
		keep->end_by = now + STOP_MS;
		return;
	}
}

/**
 * on_signals() - The engine ended, or this process is to end
 * @keep:	Keeper
 * @now:	Time
 */
static void on_signals(struct keep *keep, long long now)
{
	struct signalfd_siginfo info;
	pid_t pid;

	while (read(keep->signals, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			begin_end(keep, 0, now);
	}
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		if (pid != keep->engine.pid)
			continue;
		engine_ended(&keep->engine, now);
		if (keep->phase == ENDING)
			_exit(keep->status);
		/* It ends by itself where its TUN has no interface any more. */
		look(keep, now);
		if (keep->phase != ENDING)
			fail(keep,
			     keep->phase == STARTING ? "did not start"
						     : "ended unexpectedly",
			     now);
	}
}

/**
 * on_deadlines() - Do what is due
 * @keep:	Keeper
 * @now:	Time
 */
static void on_deadlines(struct keep *keep, long long now)
{
	if (now >= keep->look_at)
		look(keep, now);
	if (now < keep->end_by)
		return;
	keep->end_by = never;
	if (keep->phase == ENDING)
		engine_signal(&keep->engine, SIGKILL);
	else
		fail(keep,
		     keep->phase == STARTING ? "did not start in time"
					     : "hung up",
		     now);
}

/**
 * await() - Wait for the next event
 * @keep:	Keeper
 * @watches:	Gets the events
 */
static void await(const struct keep *keep, struct pollfd watches[WATCHES])
{
	const struct devicekeep *device = &keep->device;
	bool is_ending = keep->phase == ENDING;
	const int fds[WATCHES] = {
		[WATCH_SIGNALS] = keep->signals,
		[WATCH_CHANNEL] = keep->engine.channel,
		[WATCH_LINK] = is_ending ? -1 : device->link.events,
		[WATCH_SOCKET] = is_ending ? -1 : device->socket.events,
		[WATCH_TUN] = is_ending ? -1 : device->link.tun,
	};
	long long next =
		keep->look_at < keep->end_by ? keep->look_at : keep->end_by;
	long long left = next == never ? -1 : next - now_ms();
	unsigned int i;

	if (next != never && left < 0)
		left = 0;
	if (engine_has_word(&keep->engine))
		left = 0;
	for (i = 0; i < WATCHES; i++) {
		watches[i].fd = fds[i];
		watches[i].events = POLLIN;
		watches[i].revents = 0;
	}
	/* Packets are the engine's: only the error of a deleted interface. */
	watches[WATCH_TUN].events = 0;
	if (poll(watches, WATCHES, (int)left) < 0 && errno != EINTR)
		die_errno("can't wait for events");
}

/**
 * devicekeep_run() - Keep a device until it is to end, then exit
 * @device:	What was made for it
 */
_Noreturn void devicekeep_run(const struct devicekeep *device)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, 0};
	struct keep keep = {.device = *device,
			    .last_words = -1,
			    .phase = STARTING,
			    .look_at = never,
			    .end_by = never};
	struct pollfd watches[WATCHES];
	long long now;

	keep.signals = daemon_watch_signals(signals);
	engine_prepare(&keep.engine);
	start_engine(&keep, now_ms());
	for (;;) {
		await(&keep, watches);
		now = now_ms();
		if (watches[WATCH_CHANNEL].revents != 0 ||
		    engine_has_word(&keep.engine))
			on_channel(&keep, now);
		if (watches[WATCH_SIGNALS].revents != 0)
			on_signals(&keep, now);
		if (keep.phase != ENDING && (watches[WATCH_LINK].revents != 0 ||
					     watches[WATCH_TUN].revents != 0))
			look(&keep, now);
		if (keep.phase != ENDING &&
		    watches[WATCH_SOCKET].revents != 0 &&
		    !uapisocket_is_there(&device->socket))
			begin_end(&keep, 0, now);
		on_deadlines(&keep, now);
	}
}
