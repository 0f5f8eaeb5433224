/* SPDX-License-Identifier: MIT */
/*
 * pin.c - the launcher as a daemon, one a tunnel
 *
 * The controller starts it with everything that takes privileges of the host:
 * its sockets, its lock, the plan. It becomes a tunnel's keeper so:
 *
 * 1. inherit	Descriptors 0 to 8 and nothing else. The numbers that others
 *		rely on are occupied before anything is opened, so that nothing
 *		else gets them.
 * 2. read	The engine's configuration, which goes straight into a sealed
 *		memfd, and the plan. One that is refused ends it here, and so
 *		does the death of a controller that hasn't written all.
 * 3. detach	A daemon of its own session. The process that the controller
 *		started stays until the daemon is ready, for its exit status.
 *		The daemon's stderr is still the user's.
 * 4. build	Namespaces and TUN, then control socket, log and record. The
 *		record comes last: a locked record means a tunnel.
 *		From then on a filter refuses what is never needed (filter.c).
 * 5. keep	The engine, and the wait for its readiness (keep.c).
 * 6. announce	exit 0 of the first process, and "ready" to the controller, who
 *		believes either: the first process may be dead, and this one may
 *		die in between. Then the starter's lock is let go, and what the
 *		environment may have told is forgotten.
 *
 * The pin stays in the host's namespaces and stays dumpable: fronts open the
 * namespaces through its descriptors. It holds no secret but the memfd, whose
 * text it doesn't keep, and nothing of its starter's: no terminal, no pipe, no
 * directory.
 */
#include "pin.h"

#include "caps.h"
#include "configuration.h"
#include "daemon.h"
#include "die.h"
#include "engine.h"
#include "fds.h"
#include "filter.h"
#include "join.h"
#include "keep.h"
#include "plan.h"
#include "record.h"
#include "runtime.h"
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

/* What the controller hands over, by number. */
enum {
	IN_READY = 1,
	IN_PLAN = 3,
	IN_CONFIGURATION = 4,
	IN_LOCK = 5,
	IN_DIRECTORY = 6,
	IN_UDP4 = 7,
	IN_UDP6 = 8,
	IN_END,
};

enum {
	BACKLOG = 16,
	/* Where the first process's pipe is kept until the daemon is ready. */
	STATUS_FD = IN_END,
};

/**
 * move() - Give a descriptor its number for life
 * @from:	Descriptor, which is closed
 * @to:	Number
 */
static void move(int from, int to)
{
	if (dup3(from, to, O_CLOEXEC) < 0)
		die_errno("can't arrange the pin's descriptors");
	close(from);
}

/**
 * inherit() - Stage 1: descriptors, signals, limits
 */
static void inherit(void)
{
	int fd, number;

	fds_close_from(IN_END);
	for (fd = IN_PLAN; fd < IN_END; fd++) {
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
			die(STATUS_SETUP,
			    "internal: the pin lacks descriptor %d", fd);
	}
	for (number = STATUS_FD; number <= PIN_CONTROL; number++) {
		if (dup3(STDIN_FILENO, number, O_CLOEXEC) < 0)
			die_errno("can't arrange the pin's descriptors");
	}
	daemon_settle(PIN_NAME);
}

/**
 * build_namespaces() - Stage 4, first part
 * @plan:	Plan
 * Returns the inode of the network namespace.
 */
static ino_t build_namespaces(const struct plan *plan)
{
	struct setup_result result;
	char path[PATH_MAX], *key, *at;
	struct stat netns;

	runtime_path(IN_DIRECTORY, path);
	key = strrchr(path, '/');
	at = key ? strchr(key, '@') : NULL;
	if (!key || !at)
		die(STATUS_SETUP, "internal: %s is no state directory", path);
	*key++ = '\0';
	*at = '\0';
	setup_run(plan, path, key, &result);
	if (fstat(result.net_ns, &netns) != 0)
		die_errno("can't examine the tunnel's network namespace");
	move(result.tun, PIN_TUN);
	move(result.user_ns, PIN_USER_NS);
	move(result.mnt_ns, PIN_MNT_NS);
	move(result.net_ns, PIN_NET_NS);
	return netns.st_ino;
}

/**
 * bind_control() - Bind the engine's control socket
 * An address holds 107 characters, so a longer path goes through /proc.
 */
static void bind_control(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die_errno("can't create the control socket");
	snprintf(address.sun_path, sizeof(address.sun_path),
		 "/proc/self/fd/%d/control.sock", IN_DIRECTORY);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		runtime_die(IN_DIRECTORY, "bind the control socket");
	move(fd, PIN_CONTROL);
}

/**
 * open_log() - Create the engine's log, in place of the last one
 * Returns the descriptor.
 */
static int open_log(void)
{
	int fd;

	unlinkat(IN_DIRECTORY, "log", 0);
	fd = openat(IN_DIRECTORY, "log",
		    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		runtime_die(IN_DIRECTORY, "create the log");
	return fd;
}

/**
 * enter() - Take the engine's child into the tunnel
 * CAP_NET_ADMIN is all that it keeps, as an ambient capability: that shields
 * it from the command, which has the same uid, from its first instruction.
 */
static void enter(void)
{
	struct namespaces namespaces = {{PIN_USER_NS, PIN_MNT_NS, PIN_NET_NS}};

	join_enter(&namespaces);
	caps_keep_net_admin();
}

/**
 * forget_environment() - Overwrite the environment, also for /proc
 * It can hold a whole configuration.
 */
static void forget_environment(void)
{
	char **variable;

	for (variable = environ; *variable; variable++)
		explicit_bzero(*variable, strlen(*variable));
	*environ = NULL;
}

/**
 * announce() - Stage 6: tell the controller, and let its things go
 * A controller that is gone needs to be told nothing.
 */
static void announce(void)
{
	daemon_report(STATUS_FD);
	if (write(IN_READY, "ready\n", 6) < 0 && errno != EPIPE)
		warn("can't tell the controller that the tunnel is ready");
	if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0 ||
	    dup2(STDIN_FILENO, STDERR_FILENO) < 0)
		die_errno("can't detach from the starter's stderr");
	close(IN_LOCK);
	forget_environment();
}

/**
 * pin_main() - Be the pin of a tunnel that is to be built
 */
_Noreturn void pin_main(void)
{
	static const int signals[] = {SIGCHLD, SIGTERM, 0};
	struct engine_program program = {.settle = enter};
	struct keep_tunnel tunnel = {.directory = IN_DIRECTORY,
				     .announce = announce};
	struct plan plan;

	inherit();
	move(configuration_seal(IN_CONFIGURATION), PIN_CONFIGURATION);
	plan_read(IN_PLAN, &plan);
	close(IN_PLAN);
	if (plan.is_quiet)
		be_quiet();
	move(daemon_detach("the pin"), STATUS_FD);
	/*
	 * Cleaners of temporary files leave a locked directory alone. One that
	 * is at it just now goes on without this tunnel's files: they are new.
	 */
	if (flock(IN_DIRECTORY, LOCK_SH | LOCK_NB) != 0 && errno != EWOULDBLOCK)
		die_errno("can't lock the state directory");
	program.node = plan.node;
	program.node_options = plan.node_options;
	program.node_option_count = plan.node_option_count;
	program.script = plan.engine;
	tunnel.plan = &plan;
	tunnel.program = &program;
	tunnel.netns = build_namespaces(&plan);
	filter_install();
	move(IN_UDP4, PIN_UDP4);
	move(IN_UDP6, PIN_UDP6);
	/* From here on files are made on the host. */
	umask(077);
	bind_control();
	tunnel.log = open_log();
	tunnel.signals = daemon_watch_signals(signals);
	tunnel.record = record_create(IN_DIRECTORY, &plan, tunnel.netns);
	keep_run(&tunnel);
}
