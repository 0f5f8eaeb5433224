/* SPDX-License-Identifier: MIT */
/*
 * dialogue.c - what a front and its controller tell each other
 *
 * The controller gets the user's own words and reads them anew. Over a socket it
 * is told first which options the tunnel gets, as lines, since those may come
 * from elsewhere; what it answers depends on its role.
 */
#include "dialogue.h"

#include "controller.h"
#include "die.h"
#include "front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* All options, one a line. */
enum {
	OPTION_LINE_MAX = OPTION_NAME_MAX + OPTION_VALUE_MAX + 16,
	OPTION_LINES_MAX = OPTIONS_MAX * OPTION_LINE_MAX + 2,
};

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
 * put_words() - Compose the words of a plain run that means the same
 * @front:	Run of a subcommand
 * @words:	Where they go, with room for two more than the run has
 * Controllers that build or wait know no subcommands: NAME becomes the value
 * of -c, in front of the options that were given.
 */
static void put_words(const struct front *front, char **words)
{
	const struct arguments *arguments = &front->arguments;
	char *const *word;
	size_t count = 0;

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
	words[count] = NULL;
}

/**
 * dialogue_start() - Start a controller
 * @front:	Run; if it is attached to a tunnel, with the record
 * @role:	The controller's role
 * @fds:	Descriptors
 * @controller:	Gets the controller
 */
void dialogue_start(const struct front *front, const char *role,
		    const struct controller_fds *fds,
		    struct controller *controller)
{
	size_t count = 0;
	char **words;

	if (front->arguments.verb == VERB_RUN) {
		controller_start(controller, role, fds, front->argv);
		return;
	}
	while (front->argv[count])
		count++;
	words = calloc(count + 3, sizeof(*words));
	if (!words)
		die_errno("can't start the controller");
	put_words(front, words);
	controller_start(controller, role, fds, words);
	free(words);
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
 * dialogue_begin() - Start a controller that builds or changes the tunnel
 * @front:	Run, with the lock held
 * @role:	Its role
 * @options:	Options of the tunnel
 * @controller:	Gets the controller
 * Returns the front's end of the conversation.
 */
int dialogue_begin(const struct front *front, const char *role,
		   const struct options *options, struct controller *controller)
{
	struct controller_fds fds = {.lock = front->instance.lock,
				     .directory = front->instance.directory};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		die_errno("can't create a socket for the controller");
	tell_options(pair[0], options);
	fds.conversation = pair[1];
	dialogue_start(front, role, &fds, controller);
	close(pair[1]);
	return pair[0];
}

/**
 * dialogue_hear() - Hear what a controller says until it hangs up
 * @conversation:	Socket to the controller
 * @text:	Gets it, NUL-terminated; what doesn't fit is lost
 * @size:	Room
 */
void dialogue_hear(int conversation, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size - 1) {
		got = read(conversation, text + len, size - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	text[len] = '\0';
}
