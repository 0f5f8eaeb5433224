/* SPDX-License-Identifier: MIT */
/* arguments.h - what the front understands of the command line */
#ifndef WG_WRAP_ARGUMENTS_H
#define WG_WRAP_ARGUMENTS_H

#include "blake2s.h"

#include <stdbool.h>

struct arguments {
	/* Something here is for the controller; nothing else is valid then. */
	bool is_controllers;
	const char *config; /* NULL: not given */
	bool has_connect_timeout;
	bool no_wait;
	bool is_quiet;
	bool is_verbose;
	/* Options that a living tunnel can't change, and their hash. */
	bool has_tunnel_options;
	char options[HASH_DIGITS + 1];
	char **command; /* the rest of argv; empty: a shell */
};

void arguments_parse(int argc, char **argv, struct arguments *arguments);
const char *arguments_nearest_subcommand(const char *word);

#endif
