/* SPDX-License-Identifier: MIT */
/*
 * fit.c - is a living tunnel the one that was asked for?
 *
 * It is if it has the options that were given, and if the configuration reads
 * as it did. Most files are untouched, which four numbers tell; what has become
 * of another one only a controller can tell, and apply.
 *
 * Nothing of that is passed over in silence: a difference is an error, unless
 * --restart asks for it to be applied. What can't be applied to a tunnel that
 * lives takes a fresh one, and that takes a tunnel that nobody uses.
 */
#include "fit.h"

#include "controller.h"
#include "dialogue.h"
#include "die.h"
#include "front.h"
#include "users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An option in a message. */
enum { OPTION_TEXT_MAX = OPTION_NAME_MAX + OPTION_VALUE_MAX + 4 };

/* What a controller can't apply: a few names of keys. */
enum { KEYS_MAX = 128 };

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
 * refuse_option() - Die for an option that the tunnel doesn't have
 * @record:	The tunnel's record
 * @option:	The option
 */
static _Noreturn void refuse_option(const struct record *record,
				    const struct option_value *option)
{
	const char *value = options_value(&record->options, option->name);
	char given[OPTION_TEXT_MAX], running[OPTION_TEXT_MAX];

	put_option(given, option->name, option->value);
	put_option(running, option->name, value ? value : "");
	die(STATUS_SETUP,
	    "tunnel \"%s\" runs %s %s; %s can't be applied to it. Use "
	    "--restart, or end it: wg-wrap down %s",
	    record->tunnel, value ? "with" : "without", running, given,
	    record->tunnel);
}

/**
 * check_unused() - Die if somebody uses a tunnel that is to be ended
 * @front:	Run, with the record
 * @why:	What it is to be ended for, as the beginning of a sentence
 */
static void check_unused(const struct front *front, const char *why)
{
	if (users_count(front->instance.directory, &front->record) != 0)
		die(STATUS_SETUP,
		    "%s a fresh tunnel: end its sessions first (wg-wrap down "
		    "%s)",
		    why, front->record.tunnel);
}

/**
 * has_options() - Whether the tunnel has the options that were given
 * @front:	Run, with the record
 */
static bool has_options(const struct front *front)
{
	const struct option_value *option = options_differ(
		&front->arguments.options, &front->record.options);
	char wanted[OPTION_TEXT_MAX], why[OPTION_TEXT_MAX + 16];

	if (!option)
		return true;
	if (!front->arguments.wants_restart)
		refuse_option(&front->record, option);
	put_option(wanted, option->name, option->value);
	snprintf(why, sizeof(why), "%s needs", wanted);
	check_unused(front, why);
	return false;
}

/**
 * has_configuration() - Whether the tunnel has the file's configuration
 * @front:	Run, with the record
 * The controller applies what is new, if it is asked to, and says which keys it
 * can't apply.
 */
static bool has_configuration(const struct front *front)
{
	char keys[KEYS_MAX], why[KEYS_MAX + 32];
	struct controller controller;
	int conversation, status;

	if (strcmp(front->record.stamp, front->profile.stamp) == 0)
		return true;
	conversation = dialogue_begin(front, "changed", &front->record.options,
				      &controller);
	dialogue_hear(conversation, keys, sizeof(keys));
	close(conversation);
	status = controller_wait(&controller);
	if (status != 0)
		exit(status);
	if (keys[0] == '\0')
		return true;
	snprintf(why, sizeof(why), "%s changed, which needs", keys);
	check_unused(front, why);
	return false;
}

/**
 * fit_is_asked_for() - Whether a living tunnel is what was asked for
 * @front:	Run, with the lock held and the record
 */
bool fit_is_asked_for(const struct front *front)
{
	return has_options(front) && has_configuration(front);
}
