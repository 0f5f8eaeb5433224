/* SPDX-License-Identifier: MIT */
/*
 * attach.c - becoming a session of a tunnel, which is started if need be
 *
 * Stages 3 and 4 of a front (front.c). Under the instance's lock it is either
 * found alive, and then must be what was asked for, or a controller builds it.
 * Whoever waits for a handshake does so without the lock.
 */
#include "attach.h"

#include "controller.h"
#include "die.h"
#include "front.h"
#include "runtime.h"
#include "tunnels.h"

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
		    "%s changed since the tunnel started; end it to apply "
		    "that: "
		    "wg-wrap down %s",
		    slash + 1, record->tunnel);
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
	    "tunnel \"%s\" runs %s %s; %s can't be applied to it; end it "
	    "first: wg-wrap down %s",
	    record->tunnel, value ? "with" : "without", running, given,
	    record->tunnel);
}

/**
 * is_for_controller() - Whether a controller knows a word of the user's
 * @arguments:	What the front made of the words
 * @word:	Word behind the subcommand
 */
static bool is_for_controller(const struct arguments *arguments,
			      const char *word)
{
	return word != arguments->tunnel && word != arguments->foreground &&
	       word != arguments->end_of_options;
}

/**
 * controller_words() - The words of a plain run that means the same
 * @front:	Run; if it is attached to a tunnel, with the record
 * Controllers that build or wait know no subcommands: NAME becomes the value
 * of -c, in front of the options that were given.
 */
static char *const *controller_words(const struct front *front)
{
	const struct arguments *arguments = &front->arguments;
	char **words, *const *word;
	size_t count = 0;

	if (arguments->verb == VERB_RUN)
		return front->argv;
	while (front->argv[count])
		count++;
	words = calloc(count + 3, sizeof(*words));
	if (!words)
		die_errno("can't start the controller");
	count = 0;
	words[count++] = front->argv[0];
	if (arguments->tunnel) {
		words[count++] = (char *)"-c";
		words[count++] = (char *)(arguments->verb == VERB_EXEC
						  ? front->record.config
						  : arguments->tunnel);
	}
	for (word = front->argv + 2; *word && word < arguments->command;
	     word++) {
		if (is_for_controller(arguments, *word))
			words[count++] = *word;
	}
	return words;
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
	if (front->arguments.verb != VERB_EXEC)
		check_same(front);
	sessions_register(front->instance.directory, &front->session);
	sessions_complete(&front->session, record->netns);
	instance_release_lock(&front->instance);
	if (record_is_usable(record->state) || front->arguments.no_wait ||
	    is_soon_connected(front))
		return true;
	fds.directory = front->instance.directory;
	controller_start(&controller, "connect", &fds, controller_words(front));
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
	controller_start(controller, "cold", &fds, controller_words(front));
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
 * die_unreachable() - Die because a pin lives that can't be reached
 * @front:	Run, with the record
 * @failure:	errno
 */
static _Noreturn void die_unreachable(const struct front *front, int failure)
{
	errno = failure;
	die_errno("can't open the tunnel's namespaces through its pin, process "
		  "%d; is it in another pid namespace?",
		  (int)front->record.pid);
}

/**
 * attach_to_own() - Attach to the tunnel of a located instance
 * @front:	Run, with the instance located
 */
void attach_to_own(struct front *front)
{
	struct instance *instance = &front->instance;
	int failure;

	instance_hold(instance);
	while (instance_find_record(instance)) {
		if (use_living(front))
			return;
		failure = errno;
		if (!instance_outlive(instance, front->record.pid))
			die_unreachable(front, failure);
	}
	build(front);
}

/**
 * attach_to_running() - Attach to a tunnel that runs, and start none
 * @front:	Run
 * @name:	What the tunnel is called
 */
void attach_to_running(struct front *front, const char *name)
{
	static struct tunnel tunnel;
	int failure = 0;

	if (tunnels_find(name, &tunnel)) {
		front->instance = tunnel.instance;
		if (instance_hold_found(&front->instance) &&
		    instance_find_record(&front->instance)) {
			if (use_living(front))
				return;
			failure = errno;
			if (!instance_outlive(&front->instance,
					      front->record.pid))
				die_unreachable(front, failure);
		}
	}
	die(STATUS_SETUP,
	    "no tunnel \"%s\" is running (wg-wrap up %s starts it)", name,
	    name);
}
