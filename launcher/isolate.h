/* SPDX-License-Identifier: MIT */
/* isolate.h - programs that run once for each user, once for each tunnel */
#ifndef WG_WRAP_ISOLATE_H
#define WG_WRAP_ISOLATE_H

#include <limits.h>
#include <stdbool.h>

/* How a program is told to keep to itself. */
enum isolate_way {
	ISOLATE_NONE, /* it can't be */
	ISOLATE_MOZILLA,
	ISOLATE_CHROMIUM,
	ISOLATE_PROFILE,  /* --profile=DIRECTORY */
	ISOLATE_CONFIG_G, /* -g DIRECTORY */
	ISOLATE_CONFIG_C, /* -c DIRECTORY */
	ISOLATE_WORKDIR,  /* -workdir DIRECTORY */
	ISOLATE_SOCKET_L, /* -L NAME */
};

/* A command that keeps to itself. */
struct isolated {
	char **command;
	/* What its arguments hold, and those of no other program. */
	char mark[PATH_MAX];
	/* An option with that. */
	char word[PATH_MAX + 32];
};

/*
 * Adds to a command what makes it a program of its own for each configuration.
 * Returns false for a command that says by itself where it keeps its things, or
 * that can't be told. Makes the directory if there is none.
 */
bool isolate_command(char *const *command, enum isolate_way way,
		     const char *config, struct isolated *isolated);

#endif
