/* SPDX-License-Identifier: MIT */
/* programs.h - commands that do their work outside of the tunnel */
#ifndef WG_WRAP_PROGRAMS_H
#define WG_WRAP_PROGRAMS_H

#include "isolate.h"

#include <stdbool.h>
#include <sys/types.h>

/* What is done about such a command. */
struct programs_care {
	bool is_quiet;	  /* no warning */
	bool is_strict;	  /* no command: an error */
	bool is_isolated; /* it is to keep to itself, if it can */
};

/* The tunnel that a command is to run in. */
struct programs_place {
	ino_t netns;
	const char *config; /* real path */
};

void programs_check_daemon(char *const *command, struct programs_care care);
char *const *programs_keep_apart(char *const *command,
				 const struct programs_place *where,
				 struct programs_care care);

#endif
