/* SPDX-License-Identifier: MIT */
/*
 * options.c - what a tunnel was started with, by name
 *
 * Some options belong to the tunnel and not to one command: its MTU, its name
 * servers. They go from the command line through the controller into the plan
 * and into the record, so that a run that joins can tell which of its own the
 * tunnel has. They are compared as they were typed: two spellings of one value
 * are refused rather than understood, since only the controller could do that.
 */
#include "options.h"

#include "value.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * is_name() - Is this what an option may be called?
 * @name:	Name without dashes in front
 */
static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len = strlen(name);

	return len >= 1 && len <= OPTION_NAME_MAX &&
	       strspn(name, allowed) == len && name[0] != '-';
}

/**
 * options_set() - Add an option, or replace its value
 * @options:	Options
 * @name:	Name without dashes in front
 * @value:	Value, or ""
 */
bool options_set(struct options *options, const char *name, const char *value)
{
	unsigned int i;

	if (!is_name(name) ||
	    (*value != '\0' && !value_is_plain(value, OPTION_VALUE_MAX)))
		return false;
	for (i = 0; i < options->count; i++) {
		if (strcmp(options->list[i].name, name) == 0)
			break;
	}
	if (i == OPTIONS_MAX)
		return false;
	if (i == options->count)
		options->count++;
	options->list[i] = (struct option_value){name, value};
	return true;
}

/**
 * options_set_text() - Add an option from a line of a plan or a record
 * @options:	Options
 * @text:	"NAME VALUE", of which the value may be empty
 */
bool options_set_text(struct options *options, char *text)
{
	char *space = strchr(text, ' ');

	if (!space)
		return false;
	*space = '\0';
	return options_set(options, text, space + 1);
}

/**
 * options_value() - Look an option up
 * @options:	Options
 * @name:	Name
 */
const char *options_value(const struct options *options, const char *name)
{
	unsigned int i;

	for (i = 0; i < options->count; i++) {
		if (strcmp(options->list[i].name, name) == 0)
			return options->list[i].value;
	}
	return NULL;
}

/**
 * options_differ() - Find an option that a tunnel doesn't have
 * @given:	Options of a run
 * @running:	Options of the tunnel; those that aren't given are passed over
 */
const struct option_value *options_differ(const struct options *given,
					  const struct options *running)
{
	unsigned int i;

	for (i = 0; i < given->count; i++) {
		const char *value = options_value(running, given->list[i].name);

		if (!value || strcmp(value, given->list[i].value) != 0)
			return &given->list[i];
	}
	return NULL;
}

/**
 * options_variable() - The environment's value for an option
 * @option:	Its name
 * Returns NULL for a variable that is not set, or empty, which is the same.
 */
const char *options_variable(const char *option)
{
	char name[64] = "WG_WRAP_", *letter;
	const char *value;

	snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s",
		 option);
	for (letter = name; *letter; letter++) {
		if (*letter >= 'a' && *letter <= 'z')
			*letter = (char)(*letter - 'a' + 'A');
		else if (*letter == '-')
			*letter = '_';
	}
	value = getenv(name);
	return value && *value ? value : NULL;
}
