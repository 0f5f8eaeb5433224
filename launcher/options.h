/* SPDX-License-Identifier: MIT */
/* options.h - what a tunnel was started with, by name */
#ifndef WG_WRAP_OPTIONS_H
#define WG_WRAP_OPTIONS_H

#include <stdbool.h>

enum {
	OPTIONS_MAX = 16,
	OPTION_NAME_MAX = 32,
	OPTION_VALUE_MAX = 255,
};

/* The value is as the user typed it, and empty for a switch. */
struct option_value {
	const char *name;
	const char *value;
};

/* Strings belong to whoever gave them. No name is in it twice. */
struct options {
	unsigned int count;
	struct option_value list[OPTIONS_MAX];
};

/*
 * Adds an option, or replaces its value. Returns false for one too many, and
 * for what no line of a plan or a record can hold.
 */
bool options_set(struct options *options, const char *name, const char *value);

/* The same for the text "NAME VALUE", which is cut in two. */
bool options_set_text(struct options *options, char *text);

/* Returns the value, or NULL without such an option. */
const char *options_value(const struct options *options, const char *name);

/* Returns the first of the given ones that a tunnel runs without, or NULL. */
const struct option_value *options_differ(const struct options *given,
					  const struct options *running);

/* The environment's value for an option: WG_WRAP_ and its name. */
const char *options_variable(const char *option);

#endif
