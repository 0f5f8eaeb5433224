/* SPDX-License-Identifier: MIT */
/*
 * controller.c - starting the controller, and becoming it
 *
 * For subcommands, help and mistakes the front becomes the controller. For a
 * tunnel that must be built, or waited for, the controller is a child in the
 * front's own process group: ^C ends both, as it would end one program. The
 * front installs no handler and blocks nothing meanwhile, since the command is
 * to find everything as the caller left it. However the front dies, its child
 * is terminated: it holds the lock and the caller's stderr, and could go on for
 * as long as a silent resolver lets it.
 */
#include "controller.h"

#include "coredump.h"
#include "die.h"
#include "fds.h"
#include "installation.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/**
 * forget_node() - Take Node's own variables out of this process's environment
 * They are for the command: in the controller an option or a debugger of the
 * caller's would end it, or wait for somebody to attach.
 */
static void forget_node(void)
{
	char **from, **to = environ;

	if (!environ)
		return;
	for (from = environ; *from; from++) {
		if (strncmp(*from, "NODE_", 5) != 0)
			*to++ = *from;
	}
	*to = NULL;
}

/*
 * A wrapped program may send a signal to any process of its user's, and Node
 * opens its debugger on SIGUSR1: to every user of this machine, since all can
 * connect to its loopback. It can't listen at this address.
 */
static const char no_debugger[] = "--inspect-port=0.0.0.1:1024";

/**
 * execute() - Become the controller
 * @role:	Its role
 * @argv:	The user's command line
 */
static _Noreturn void execute(const char *role, char *const *argv)
{
	char node[PATH_MAX], script[PATH_MAX];
	size_t count = 0;
	char **words;

	installation_find_node(node);
	installation_find_script("controller.js", script);
	while (argv[count])
		count++;
	/* Four words in place of the program's name, and NULL. */
	words = calloc(count + 5, sizeof(*words));
	if (!words)
		die_errno("can't start the controller");
	words[0] = (char *)"node";
	words[1] = (char *)no_debugger;
	words[2] = script;
	words[3] = (char *)role;
	if (count > 1)
		memcpy(words + 4, argv + 1, (count - 1) * sizeof(*words));
	forget_node();
	coredump_forbid();
	execv(node, words);
	die_errno("can't execute %s", node);
}

/**
 * controller_become() - Give the whole run to the controller
 * @argv:	The user's command line
 */
_Noreturn void controller_become(char *const *argv)
{
	execute("cli", argv);
}

/**
 * run_child() - What the forked child does
 * @role:	Role
 * @fds:	Descriptors
 * @argv:	The user's command line
 * @front:	Pid of the front
 */
static _Noreturn void run_child(const char *role,
				const struct controller_fds *fds,
				char *const *argv, pid_t front)
{
	int null = fds_dev_null();
	int table[] = {null,
		       STDERR_FILENO,
		       STDERR_FILENO,
		       fds->lock >= 0 ? fds->lock : null,
		       fds->directory,
		       fds->conversation >= 0 ? fds->conversation : null};

	if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0UL, 0UL, 0UL) != 0)
		die_errno("can't tie the controller to its front");
	if (getppid() != front)
		_exit(STATUS_SETUP);
	fds_place(table, sizeof(table) / sizeof(table[0]));
	execute(role, argv);
}

/**
 * controller_start() - Start a controller as a child
 * @controller:	Gets the child
 * @role:	Role
 * @fds:	Descriptors; they stay open here
 * @argv:	The user's command line
 */
void controller_start(struct controller *controller, const char *role,
		      const struct controller_fds *fds, char *const *argv)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	pid_t front = getpid();

	/* A caller that ignores SIGCHLD would take the exit status away. */
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGCHLD, &action, &controller->child_action) != 0)
		die_errno("can't set SIGCHLD");
	controller->pid = fork();
	if (controller->pid < 0)
		die_errno("can't start the controller");
	if (controller->pid == 0)
		run_child(role, fds, argv, front);
}

/**
 * controller_wait() - Wait for the controller's end
 * @controller:	Controller
 * Returns 0, or the exit status that is now the front's; the reason has been
 * printed.
 */
int controller_wait(struct controller *controller)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(controller->pid, &status, 0);
	} while (pid < 0 && errno == EINTR);
	if (pid < 0)
		die_errno("can't wait for the controller");
	if (sigaction(SIGCHLD, &controller->child_action, NULL) != 0)
		die_errno("can't restore SIGCHLD");
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	warn("the controller was killed by signal %d", WTERMSIG(status));
	return STATUS_SETUP;
}
