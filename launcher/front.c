/* SPDX-License-Identifier: MIT */
/*
 * front.c - the user's process, until it is the command
 *
 * 1. look	What is asked: a command, from which configuration? Whatever
 *		this file doesn't understand makes it the controller. Nothing
 *		may be changed yet, and a command that can't run ends it here.
 * 2. locate	Which instance? Inside that very tunnel already: straight to 7.
 * 3. hold	The instance's lock. A tunnel lives: 4. None does: a controller
 *		builds one. The lock stays held until the pin is ready and this
 *		process is a session. If it dies before, the lock is free, and
 *		the pin finds nobody and ends; a session file would be left to
 *		nobody until there is a pin. (3 and 4 are in attach.c.)
 * 4. register	A locked session file, the tunnel's namespaces opened and
 *		checked, the file completed. Only then the lock is released: a
 *		pin counts under the lock and sees either nothing or all of it.
 *		Waiting for the handshake comes after, so that the starters of
 *		one tunnel wait side by side.
 * 5. join	Namespaces, masks, working directory. Capabilities mustn't be
 *		dropped before the masks are in order.
 * 6. lock down	No capability, no_new_privs. All descriptors of ours but the
 *		session's are closed before: from here on any process inside may
 *		trace this one.
 * 7. become	The command: pid, terminal, signals, limits, umask and inherited
 *		descriptors are the caller's, untouched.
 */
#include "front.h"

#include "abstract.h"
#include "attach.h"
#include "buses.h"
#include "caps.h"
#include "command.h"
#include "controller.h"
#include "die.h"
#include "down.h"
#include "programs.h"
#include "up.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/**
 * care_of() - What is done about commands that work outside of the tunnel
 * @arguments:	The user's arguments
 */
static struct programs_care care_of(const struct arguments *arguments)
{
	return (struct programs_care){.is_quiet = arguments->is_quiet,
				      .is_strict = arguments->is_strict,
				      .is_isolated = arguments->is_isolated};
}

/**
 * look() - Stage 1: what is asked
 * @front:	Run, with its arguments
 */
static void look(struct front *front)
{
	struct arguments *arguments = &front->arguments;
	const char *shell = getenv("SHELL");

	front->shell[0] = (char *)(shell && *shell ? shell : "/bin/sh");
	front->command =
		*arguments->command ? arguments->command : front->shell;
	command_check(front->command[0], front->argv[1]);
	if (arguments->verb != VERB_UP)
		programs_check_daemon(front->command, care_of(arguments));
	if (arguments->verb == VERB_RUN &&
	    !profile_find(arguments->config, &front->profile))
		controller_become(front->argv);
	if (geteuid() == 0 && getenv("SUDO_UID") && !arguments->is_quiet)
		warn("running as root; wg-wrap doesn't need it, and the "
		     "command will be root too");
}

/**
 * wipe() - Take a variable out of the environment, and out of memory
 * @name:	Its name
 * Until execve() the text would still be in /proc/PID/environ, which programs
 * inside may read as soon as this process has no capability.
 */
static void wipe(const char *name)
{
	char *value = getenv(name);

	if (value)
		explicit_bzero(value, strlen(value));
	if (unsetenv(name) != 0)
		die_errno("can't set the command's environment");
}

/**
 * forget_secrets() - Keep a configuration as text from the command
 */
static void forget_secrets(void)
{
	wipe("WG_WRAP_CONFIG_TEXT");
	wipe("WG_WRAP_CONFIG_BASE64");
}

/**
 * tell_environment() - Tell the command where it is, and no secret
 * @front:	Run
 */
static void tell_environment(const struct front *front)
{
	if (setenv("WG_WRAP", "1", 1) != 0 ||
	    setenv("WG_WRAP_TUNNEL", front->record.tunnel, 1) != 0)
		die_errno("can't set the command's environment");
	forget_secrets();
}

/**
 * keep_apart() - Keep the command apart from what runs outside
 * @front:	Run; gets another command, if need be
 * @netns:	Inode of the tunnel's network namespace
 * @config:	Real path of its configuration
 */
static void keep_apart(struct front *front, ino_t netns, const char *config)
{
	const struct programs_place where = {.netns = netns, .config = config};

	front->command = programs_keep_apart(front->command, &where,
					     care_of(&front->arguments));
}

/**
 * become() - Stages 5 to 7
 * @front:	Run, attached
 */
static _Noreturn void become(struct front *front)
{
	bool hides_buses =
		options_value(&front->record.options, BUSES_OPTION) != NULL;

	if (front->arguments.is_verbose)
		warn("joined tunnel \"%s\" (pin %d)", front->record.tunnel,
		     (int)front->record.pid);
	keep_apart(front, front->record.netns, front->record.config);
	if (!front->arguments.is_quiet)
		abstract_warn(!hides_buses);
	instance_close(&front->instance);
	tell_environment(front);
	join_keep_directory(&front->namespaces, hides_buses,
			    front->arguments.is_quiet);
	caps_drop_all();
	sessions_bequeath(&front->session);
	command_become(front->command);
}

/**
 * front_main() - Run a command inside a tunnel, or say whether it is to live
 * @argc:	Number of words
 * @argv:	The user's command line
 */
_Noreturn void front_main(int argc, char **argv)
{
	struct front front = {.argv = argv};

	arguments_parse(argc, argv, &front.arguments);
	if (front.arguments.is_controllers)
		controller_become(argv);
	if (front.arguments.verb == VERB_DOWN)
		down_main(&front.arguments);
	if (front.arguments.verb == VERB_UP)
		up_main(&front);
	look(&front);
	if (front.arguments.verb == VERB_EXEC) {
		attach_to_running(&front, front.arguments.tunnel);
		become(&front);
	}
	instance_locate(front.profile.path, &front.instance);
	if (instance_is_around_us(&front.instance)) {
		keep_apart(&front, front.instance.caller_netns,
			   front.profile.path);
		forget_secrets();
		command_become(front.command);
	}
	attach_to_own(&front);
	become(&front);
}
