/* SPDX-License-Identifier: MIT */
/*
 * isolate.c - programs that run once for each user, once for each tunnel
 *
 * Such a program finds the one that runs already by what both of them use: a
 * profile's directory, or the name of a socket. Given another one it runs by
 * itself. With --isolate each configuration has its own, in
 *
 *	$XDG_STATE_HOME/wg-wrap/NAME-HASH/PROGRAM
 *
 * NAME and HASH are the configuration's: files of one name have their own. The
 * words are put behind the program's name, where all programs take options. A
 * command that has such an option itself is not meddled with.
 */
#include "isolate.h"

#include "blake2s.h"
#include "die.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS_MAX = 3, SHOWN_MAX = 64, HASH_SHOWN = 8 };

/* The words of each way, before the directory's path. */
static const struct {
	const char *words[WORDS_MAX];
	bool is_attached;	    /* in the last word itself */
	bool is_name;		    /* not a path, but a name of its own */
	const char *own[WORDS_MAX]; /* options with which it is left alone */
} ways[] = {
	[ISOLATE_MOZILLA] = {.words = {"--no-remote", "--profile"},
			     .own = {"--profile", "-profile", "-P"}},
	[ISOLATE_CHROMIUM] = {.words = {"--user-data-dir="},
			      .is_attached = true,
			      .own = {"--user-data-dir", "-user-data-dir"}},
	[ISOLATE_PROFILE] = {.words = {"--profile="},
			     .is_attached = true,
			     .own = {"--profile"}},
	[ISOLATE_CONFIG_G] = {.words = {"-g"}, .own = {"-g", "--config-dir"}},
	[ISOLATE_CONFIG_C] = {.words = {"-c"}, .own = {"-c", "--config"}},
	[ISOLATE_WORKDIR] = {.words = {"-workdir"}, .own = {"-workdir"}},
	[ISOLATE_SOCKET_L] = {.words = {"-L"},
			      .is_name = true,
			      .own = {"-L", "-S"}},
};

/**
 * has_own() - Does a command say itself where it keeps its things?
 * @command:	Command
 * @way:	How that is said
 * Also as the beginning of a word, for values in the same one, and a short option
 * among others: taken for one too often, a program is only not kept apart, and
 * looked for as if it weren't to be.
 */
static bool has_own(char *const *command, enum isolate_way way)
{
	const char *option;
	size_t len;
	int i;

	while (*++command) {
		for (i = 0; i < WORDS_MAX; i++) {
			option = ways[way].own[i];
			len = option ? strlen(option) : 0;
			if (len == 2 && (*command)[0] == '-' &&
			    (*command)[1] != '-' &&
			    strchr(*command + 1, option[1]))
				return true;
			if (option && strncmp(*command, option, len) == 0 &&
			    ((*command)[len] == '\0' || (*command)[len] == '='))
				return true;
		}
	}
	return false;
}

/**
 * put_name() - Name a configuration's own things
 * @config:	Its real path
 * @name:	Gets NAME-HASH
 */
static void put_name(const char *config, char name[NAME_MAX + 1])
{
	const char *slash = strrchr(config, '/');
	const char *last = slash ? slash + 1 : config;
	char hex[HASH_DIGITS + 1];
	size_t len = strlen(last);
	struct blake2s hash;

	blake2s_start(&hash);
	blake2s_update(&hash, config, strlen(config));
	blake2s_finish_hex(&hash, hex);
	if (len > 5 && strcmp(last + len - 5, ".conf") == 0)
		len -= 5;
	if (len > SHOWN_MAX)
		len = SHOWN_MAX;
	snprintf(name, NAME_MAX + 1, "%.*s-%.*s", (int)len, last,
		 (int)HASH_SHOWN, hex);
}

/**
 * make_directory() - Make a directory, and those above it
 * @path:	Its path, absolute
 */
static void make_directory(char *path)
{
	struct stat file;
	char *slash = path;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		die_errno("can't create %s for --isolate", path);
	if (lstat(path, &file) != 0)
		die_errno("can't examine %s", path);
	if (!S_ISDIR(file.st_mode) || file.st_uid != geteuid())
		die(STATUS_SETUP, "%s is not a directory of yours", path);
}

/**
 * put_directory() - Choose the directory of a program, and make it
 * @name:	The configuration's
 * @program:	Name of the program
 * @path:	Gets the path
 */
static void put_directory(const char *name, const char *program,
			  char path[PATH_MAX])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	bool is_given = state && *state == '/';

	if (!is_given && (!home || *home != '/'))
		die(STATUS_SETUP,
		    "--isolate needs a place for %s's own directory: set HOME "
		    "or XDG_STATE_HOME",
		    program);
	if (snprintf(path, PATH_MAX, "%s%s/wg-wrap/%s/%s",
		     is_given ? state : home, is_given ? "" : "/.local/state",
		     name, program) >= PATH_MAX)
		die(STATUS_SETUP, "the directory for --isolate is too long");
	make_directory(path);
}

/**
 * isolate_command() - Have a command keep to itself
 * @command:	Command
 * @way:	How
 * @config:	Real path of the configuration
 * @isolated:	Gets the result, of which the list of words is allocated
 */
bool isolate_command(char *const *command, enum isolate_way way,
		     const char *config, struct isolated *isolated)
{
	const char *slash = strrchr(command[0], '/');
	const char *program = slash ? slash + 1 : command[0];
	const char *const *words = ways[way].words;
	char name[NAME_MAX + 1];
	size_t count = 0, used = 0;
	int i;

	if (way == ISOLATE_NONE || has_own(command, way))
		return false;
	put_name(config, name);
	if (ways[way].is_name)
		snprintf(isolated->mark, sizeof(isolated->mark), "wg-wrap-%s",
			 name);
	else
		put_directory(name, program, isolated->mark);
	while (command[count])
		count++;
	isolated->command =
		calloc(count + WORDS_MAX + 2, sizeof(*isolated->command));
	if (!isolated->command)
		die_errno("can't compose the command");
	isolated->command[used++] = command[0];
	for (i = 0; i < WORDS_MAX && words[i]; i++)
		isolated->command[used++] = (char *)words[i];
	isolated->command[used++] = isolated->mark;
	if (ways[way].is_attached) {
		snprintf(isolated->word, sizeof(isolated->word), "%s%s",
			 words[0], isolated->mark);
		isolated->command[1] = isolated->word;
		isolated->command[2] = NULL;
		used = 2;
	}
	memcpy(isolated->command + used, command + 1,
	       (count - 1) * sizeof(*command));
	return true;
}
