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
 *		nobody until there is a pin.
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

#include "arguments.h"
#include "caps.h"
#include "command.h"
#include "controller.h"
#include "die.h"
#include "instance.h"
#include "join.h"
#include "profile.h"
#include "record.h"
#include "runtime.h"
#include "sessions.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the front waits by itself for a handshake under way. */
enum { PATIENCE_MS = 500 };

/* An option in a message. */
enum { OPTION_TEXT_MAX = OPTION_NAME_MAX + OPTION_VALUE_MAX + 4 };

/* All options for the controller, one a line. */
enum { OPTION_LINES_MAX = OPTIONS_MAX * (OPTION_TEXT_MAX + 8) };

/* One run; each stage fills in what the later ones need. */
struct front {
	char **argv;
	struct arguments arguments;
	char *shell[2]; /* the command where none is given */
	char *const *command;
	struct profile profile;
	struct instance instance;
	struct session session;
	struct record record;
	struct namespaces namespaces;
};

/**
 * look() - Stage 1: what is asked
 * @front:	Run, with argv
 * @argc:	Number of words in argv
 */
static void look(struct front *front, int argc)
{
	struct arguments *arguments = &front->arguments;
	const char *shell = getenv("SHELL");

	arguments_parse(argc, front->argv, arguments);
	if (arguments->is_controllers)
		controller_become(front->argv);
	front->shell[0] = (char *)(shell && *shell ? shell : "/bin/sh");
	front->command =
		*arguments->command ? arguments->command : front->shell;
	command_check(front->command[0], front->argv[1]);
	if (!profile_find(arguments->config, &front->profile))
		controller_become(front->argv);
	if (geteuid() == 0 && getenv("SUDO_UID") && !arguments->is_quiet)
		warn("running as root; wg-wrap doesn't need it, and the "
		     "command will be root too");
}

/**
 * put_option() - Write an option as the user would
 * @text:	Where it goes, OPTION_TEXT_MAX bytes
 * @name:	Name
 * @value:	Value, or ""
 */
static void put_option(char *text, const char *name, const char *value)
{
	snprintf(text, OPTION_TEXT_MAX, "--%s%s%s", name, *value ? " " : "",
		 value);
}

/**
 * check_same() - Refuse a living tunnel that isn't what was asked for
 * @front:	Run, with the record
 */
static void check_same(const struct front *front)
{
	const struct record *record = &front->record;
	const char *slash = strrchr(front->profile.path, '/'), *value;
	char given[OPTION_TEXT_MAX], running[OPTION_TEXT_MAX + 16];
	const struct option_value *option;

	if (strcmp(record->stamp, front->profile.stamp) != 0)
		die(STATUS_SETUP,
		    "%s changed since the tunnel started; it takes effect when "
		    "the last session ends",
		    slash + 1);
	option = options_differ(&front->arguments.options, &record->options);
	if (!option)
		return;
	put_option(given, option->name, option->value);
	value = options_value(&record->options, option->name);
	if (value)
		put_option(running, option->name, value);
	else
		snprintf(running, sizeof(running), "--%s", option->name);
	die(STATUS_SETUP,
	    "tunnel \"%s\" runs %s %s; %s can't be applied to it; end its "
	    "sessions first",
	    record->tunnel, value ? "with" : "without", running, given);
}

/**
 * await_controller() - Wait until the controller says go on, or end with it
 * @front:	Run, registered
 * @controller:	Controller
 */
static void await_controller(struct front *front, struct controller *controller)
{
	int status = controller_wait(controller);

	if (status == 0)
		return;
	sessions_withdraw(front->instance.directory, &front->session);
	exit(status);
}

/**
 * is_soon_connected() - Wait for the handshake without a controller
 * @front:	Run, attached to a tunnel that starts
 * Most handshakes take a fraction of this time, and many fronts may wait for
 * one at once: each would start Node for nothing. Only a controller can say
 * why there is none, and only it knows how long the user wants to wait.
 */
static bool is_soon_connected(const struct front *front)
{
	if (front->arguments.has_connect_timeout)
		return false;
	return record_await_usable(front->instance.record, PATIENCE_MS);
}

/**
 * use_living() - Stage 4 for a tunnel that lives
 * @front:	Run, with the lock held and the record open
 * Returns false, with errno and nothing changed, if its pin can't be reached.
 */
static bool use_living(struct front *front)
{
	struct controller_fds fds = {.lock = -1, .conversation = -1};
	struct record *record = &front->record;
	struct controller controller;

	record_read(front->instance.record, record);
	if (!join_open(record->pid, record->netns, &front->namespaces))
		return false;
	check_same(front);
	sessions_register(front->instance.directory, &front->session);
	sessions_complete(&front->session, record->netns);
	instance_release_lock(&front->instance);
	if (record_is_usable(record->state) || front->arguments.no_wait ||
	    is_soon_connected(front))
		return true;
	fds.directory = front->instance.directory;
	controller_start(&controller, "connect", &fds, front->argv);
	await_controller(front, &controller);
	return true;
}

/**
 * hear_ready() - Wait for the controller's word that the pin is ready
 * @conversation:	Socket to the controller
 * Returns false if it ended without.
 */
static bool hear_ready(int conversation)
{
	static const char word[] = "ready\n";
	char heard[sizeof(word)];
	size_t len = 0;
	ssize_t got;

	while (len < sizeof(word) - 1) {
		got = read(conversation, heard + len, sizeof(word) - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		len += (size_t)got;
	}
	return memcmp(heard, word, len) == 0;
}

/**
 * tell_options() - Tell the controller which options the tunnel gets
 * @conversation:	Socket to the controller
 * @options:	Options
 * It fits into the socket's buffer, so nobody has to read it yet.
 */
static void tell_options(int conversation, const struct options *options)
{
	char text[OPTION_LINES_MAX] = "";
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < options->count; i++) {
		snprintf(text + len, sizeof(text) - len, "option %s %s\n",
			 options->list[i].name, options->list[i].value);
		len += strlen(text + len);
	}
	/* An empty line ends them; the text has room for it. */
	text[len++] = '\n';
	if (write(conversation, text, len) != (ssize_t)len)
		die_errno("can't write to the controller's socket");
}

/**
 * begin_building() - Start the controller that builds the tunnel
 * @front:	Run, with the lock held
 * @controller:	Gets the controller
 * Returns the front's end of the conversation.
 */
static int begin_building(struct front *front, struct controller *controller)
{
	struct controller_fds fds = {.lock = front->instance.lock,
				     .directory = front->instance.directory};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		die_errno("can't create a socket for the controller");
	tell_options(pair[0], &front->arguments.options);
	fds.conversation = pair[1];
	controller_start(controller, "cold", &fds, front->argv);
	close(pair[1]);
	return pair[0];
}

/**
 * take_built() - Stage 4 for the tunnel that was built for us
 * @front:	Run, with the lock held
 * Returns false if it is gone already.
 */
static bool take_built(struct front *front)
{
	struct record *record = &front->record;

	if (!instance_find_record(&front->instance))
		return false;
	record_read(front->instance.record, record);
	if (!join_open(record->pid, record->netns, &front->namespaces))
		return false;
	sessions_register(front->instance.directory, &front->session);
	sessions_complete(&front->session, record->netns);
	instance_release_lock(&front->instance);
	return true;
}

/**
 * build() - Stages 3 and 4 where no tunnel lives
 * @front:	Run, with the lock held
 */
static void build(struct front *front)
{
	struct instance *instance = &front->instance;
	struct controller controller;
	char path[PATH_MAX];
	int conversation, status;

	conversation = begin_building(front, &controller);
	if (!hear_ready(conversation)) {
		status = controller_wait(&controller);
		if (status != 0)
			exit(status);
		die(STATUS_SETUP, "the controller ended without a tunnel");
	}
	if (!take_built(front)) {
		kill(controller.pid, SIGTERM);
		runtime_path(instance->directory, path);
		die(STATUS_SETUP, "the tunnel ended at once; see %s/log", path);
	}
	await_controller(front, &controller);
	close(conversation);
}

/**
 * get_tunnel() - Stages 3 and 4
 * @front:	Run, with the instance located
 */
static void get_tunnel(struct front *front)
{
	struct instance *instance = &front->instance;
	int failure;

	instance_hold(instance);
	while (instance_find_record(instance)) {
		if (use_living(front))
			return;
		failure = errno;
		if (!instance_outlive(instance, front->record.pid)) {
			errno = failure;
			die_errno("can't open the tunnel's namespaces through "
				  "its pin, process %d; is it in another pid "
				  "namespace?",
				  (int)front->record.pid);
		}
	}
	build(front);
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
 * tell_environment() - Tell the command where it is, and no secret
 * @front:	Run
 */
static void tell_environment(const struct front *front)
{
	if (setenv("WG_WRAP", "1", 1) != 0 ||
	    setenv("WG_WRAP_TUNNEL", front->record.tunnel, 1) != 0)
		die_errno("can't set the command's environment");
	wipe("WG_WRAP_CONFIG_TEXT");
	wipe("WG_WRAP_CONFIG_BASE64");
}

/**
 * front_main() - Run a command inside a tunnel
 * @argc:	Number of words
 * @argv:	The user's command line
 */
_Noreturn void front_main(int argc, char **argv)
{
	struct front front = {.argv = argv};

	look(&front, argc);
	instance_locate(front.profile.path, &front.instance);
	if (instance_is_around_us(&front.instance))
		command_become(front.command);
	get_tunnel(&front);
	if (front.arguments.is_verbose)
		warn("joined tunnel \"%s\" (pin %d)", front.record.tunnel,
		     (int)front.record.pid);
	instance_close(&front.instance);
	tell_environment(&front);
	join_keep_directory(&front.namespaces, front.arguments.is_quiet);
	caps_drop_all();
	sessions_bequeath(&front.session);
	command_become(front.command);
}
