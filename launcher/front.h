/* SPDX-License-Identifier: MIT */
/* front.h - the user's process, until it is the command */
#ifndef WG_WRAP_FRONT_H
#define WG_WRAP_FRONT_H

#include "arguments.h"
#include "instance.h"
#include "join.h"
#include "profile.h"
#include "record.h"
#include "sessions.h"

/* One run; each stage fills in what the later ones need. */
struct front {
	char **argv;
	struct arguments arguments;
	char *shell[2]; /* the command where none is given */
	char *const *command;
	struct profile profile;
	struct instance instance;
	struct session session;
	struct record record;
	struct namespaces namespaces;
};

_Noreturn void front_main(int argc, char **argv);

#endif
