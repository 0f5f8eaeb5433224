/* SPDX-License-Identifier: MIT */
/* programs.h - commands that do their work outside of the tunnel */
#ifndef WG_WRAP_PROGRAMS_H
#define WG_WRAP_PROGRAMS_H

#include <stdbool.h>
#include <sys/types.h>

/* What is done about such a command. */
struct programs_care {
	bool is_quiet;	/* no warning */
	bool is_strict; /* no command: an error */
};

void programs_check_daemon(char *const *command, struct programs_care care);
void programs_check_running(const char *command, ino_t netns,
			    struct programs_care care);

#endif
