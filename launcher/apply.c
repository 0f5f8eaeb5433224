/* SPDX-License-Identifier: MIT */
/*
 * apply.c - another configuration for a tunnel that lives
 *
 * The controller starts it with the same descriptors as a pin, on the host. The
 * tunnel's pin stays, and so do namespaces, TUN and whoever is inside:
 *
 * 1. A child enters the namespaces and changes addresses, routes and MTU.
 * 2. The pin is handed the engine's configuration, the names of its endpoints,
 *    and the host's sockets if there are new ones, and replaces the engine.
 *
 * In between packets wait or are lost, as they are in a network. A failure in 1
 * leaves the engine as it was; the next try does all of it again.
 */
#include "apply.h"

#include "configuration.h"
#include "daemon.h"
#include "die.h"
#include "fds.h"
#include "hostnames.h"
#include "join.h"
#include "orders.h"
#include "plan.h"
#include "record.h"
#include "rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the controller hands over, by number; the lock is there for its sake. */
enum {
	IN_READY = 1,
	IN_PLAN = 3,
	IN_CONFIGURATION = 4,
	IN_DIRECTORY = 6,
	IN_UDP4 = 7,
	IN_UDP6 = 8,
	IN_END,
};

/**
 * is_socket() - Whether a descriptor is a socket
 * @fd:		Descriptor
 */
static bool is_socket(int fd)
{
	struct stat file;

	return fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode);
}

/**
 * change_network() - Step 1
 * @namespaces:	The tunnel's
 * @plan:	Plan
 */
static void change_network(struct namespaces *namespaces,
			   const struct plan *plan)
{
	int status = 0;
	pid_t child = fork();

	if (child < 0)
		die_errno("can't create a process");
	if (child == 0) {
		join_enter(namespaces);
		rtnl_reconfigure(plan);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			die_errno("can't wait for the new addresses");
	}
	/* It has said why. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		_exit(STATUS_SETUP);
}

/**
 * apply_main() - Apply a plan to the tunnel of a state directory
 */
_Noreturn void apply_main(void)
{
	static struct record record;
	struct namespaces namespaces;
	char answer[ORDER_ANSWER_MAX];
	int fds[ORDER_MAX_FDS], file;
	bool has_sockets;
	struct plan plan;

	fds_close_from(IN_END);
	daemon_settle(APPLY_NAME);
	fds[0] = configuration_seal(IN_CONFIGURATION);
	plan_read(IN_PLAN, &plan);
	if (plan.is_quiet)
		be_quiet();
	file = openat(IN_DIRECTORY, "pin", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		die_errno("can't open the tunnel's record");
	record_read(file, &record);
	if (!join_open(record.pid, record.netns, &namespaces))
		die_errno("can't open the tunnel's namespaces");
	/* From here on it isn't the tunnel of the file that it was started with,
	 * even if this is interrupted and the file is put back. */
	record_forget_stamp(file);
	change_network(&namespaces, &plan);
	fds[1] = hostnames_seal(&plan.names);
	fds[2] = IN_UDP4;
	fds[3] = IN_UDP6;
	has_sockets = is_socket(IN_UDP4) || is_socket(IN_UDP6);
	order_give(IN_DIRECTORY, "configure", fds, has_sockets ? 4 : 2, answer);
	if (write(IN_READY, "ready\n", 6) < 0)
		_exit(STATUS_SETUP);
	_exit(0);
}
