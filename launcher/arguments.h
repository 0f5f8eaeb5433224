/* SPDX-License-Identifier: MIT */
/* arguments.h - what the front understands of the command line */
#ifndef WG_WRAP_ARGUMENTS_H
#define WG_WRAP_ARGUMENTS_H

#include "options.h"

#include <stdbool.h>

/* What a line asks for. */
enum verb {
	VERB_RUN = 1,
	VERB_EXEC = 2, /* exec: run in a tunnel that lives already */
	VERB_UP = 4,
	VERB_DOWN = 8,
};

struct arguments {
	/* Something here is for the controller; nothing else is valid then. */
	bool is_controllers;
	enum verb verb;
	const char *config; /* NULL: not given */
	const char *tunnel; /* NAME behind a subcommand, or NULL */
	bool has_connect_timeout;
	bool no_wait;
	bool is_strict;	  /* warnings about the command are errors */
	bool is_isolated; /* one that runs outside is kept apart from it */
	bool is_quiet;
	bool is_verbose;
	bool is_all;
	bool wants_kill;
	bool wants_restart;
	struct options options; /* those of the tunnel */
	char **command;		/* the rest of argv; empty: a shell */
	/* Words of ours that no controller knows, if they are there. */
	const char *foreground;
	const char *end_of_options;
};

void arguments_parse(int argc, char **argv, struct arguments *arguments);

#endif
