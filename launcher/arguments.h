/* SPDX-License-Identifier: MIT */
/* arguments.h - what the front understands of the command line */
#ifndef WG_WRAP_ARGUMENTS_H
#define WG_WRAP_ARGUMENTS_H

#include "options.h"

#include <stdbool.h>

struct arguments {
	/* Something here is for the controller; nothing else is valid then. */
	bool is_controllers;
	const char *config; /* NULL: not given */
	bool has_connect_timeout;
	bool no_wait;
	bool is_quiet;
	bool is_verbose;
	struct options options; /* those of the tunnel */
	char **command;		/* the rest of argv; empty: a shell */
};

void arguments_parse(int argc, char **argv, struct arguments *arguments);

#endif
