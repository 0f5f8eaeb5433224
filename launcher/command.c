/* SPDX-License-Identifier: MIT */
/*
 * command.c - programs: where they are, and becoming one
 *
 * The command is looked up twice: on the host before anything is built, so that
 * a slip of the finger fails at once, and inside, where it is executed. Status
 * and rules are the shell's: 127 for what isn't there, 126 for what is but
 * can't run; a text without an interpreter line is given to /bin/sh.
 */
#include "command.h"

#include "die.h"
#include "errname.h"
#include "subcommand.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is searched when there is no PATH at all. */
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/**
 * is_program() - Whether a file can be executed
 * @path:	Path
 * Returns false with errno: EISDIR for a directory, EACCES without permission.
 */
static bool is_program(const char *path)
{
	struct stat file;

	if (stat(path, &file) != 0)
		return false;
	if (S_ISDIR(file.st_mode)) {
		errno = EISDIR;
		return false;
	}
	return access(path, X_OK) == 0;
}

/**
 * search_directories() - Look a name up in PATH
 * @name:	Name without a slash
 * @path:	Gets the path of the program
 * Returns 0 or an errno. Like a shell it goes on behind a file that can't be
 * executed, and reports it only if there is no other.
 */
static int search_directories(const char *name, char path[PATH_MAX])
{
	const char *next = getenv("PATH");
	int failure = ENOENT, len;

	if (!next)
		next = DEFAULT_PATH;
	for (;;) {
		size_t span = strcspn(next, ":");

		/* An empty element is the current directory. */
		len = snprintf(path, PATH_MAX, "%.*s%s%s", (int)span, next,
			       span == 0 ? "" : "/", name);
		if (len > 0 && len < PATH_MAX) {
			if (is_program(path))
				return 0;
			/* A directory closed to us says nothing of a file. */
			if (errno == EACCES && access(path, F_OK) == 0)
				failure = EACCES;
		}
		if (next[span] == '\0')
			return failure;
		next += span + 1;
	}
}

/**
 * command_search() - Find the program that a name means
 * @name:	Name, or path if there is a slash in it
 * @path:	Gets the path of the program
 * Returns 0, or an errno of which ENOENT and ENOTDIR mean that it isn't there.
 */
int command_search(const char *name, char path[PATH_MAX])
{
	if (*name == '\0' || strlen(name) >= PATH_MAX)
		return ENOENT;
	if (!strchr(name, '/'))
		return search_directories(name, path);
	memcpy(path, name, strlen(name) + 1);
	return is_program(path) ? 0 : errno;
}

/**
 * refuse() - Say why a command can't run, with a shell's status
 * @name:	Name or path
 * @failure:	errno of search or execution
 * @remedy:	Rest of the line, or ""
 */
static _Noreturn void refuse(const char *name, int failure, const char *remedy)
{
	switch (failure) {
	case ENOENT:
	case ENOTDIR:
		die(STATUS_NOT_FOUND, "%s: command not found%s", name, remedy);
	case EISDIR:
		die(STATUS_NOT_EXECUTABLE, "%s: is a directory", name);
	case EACCES:
		die(STATUS_NOT_EXECUTABLE, "%s: permission denied", name);
	default:
		die(STATUS_NOT_EXECUTABLE, "%s: can't be executed (%s)", name,
		    errname(failure));
	}
}

/**
 * refuse_privileged() - Refuse the programs that live from being set-user-ID
 * @name:	Name or path of the command
 */
static void refuse_privileged(const char *name)
{
	static const char *const privileged[] = {"sudo", "su", "doas", "pkexec",
						 "run0"};
	const char *slash = strrchr(name, '/');
	const char *last = slash ? slash + 1 : name;
	size_t i;

	for (i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++) {
		if (strcmp(last, privileged[i]) == 0)
			die(STATUS_SETUP,
			    "%s can't gain privileges inside wg-wrap; run the "
			    "command without it. A root-like uid without "
			    "power: wg-wrap ... -- unshare -r COMMAND",
			    last);
	}
}

/**
 * command_check() - Die if a command could not be run
 * @name:	Name or path of the command
 * @first_word:	First word of the user's command line
 * For before the tunnel: nothing is built for a command that can't run.
 */
void command_check(const char *name, const char *first_word)
{
	char path[PATH_MAX], remedy[64] = "";
	const char *nearest;
	int failure = command_search(name, path);

	if (failure == 0) {
		refuse_privileged(name);
		return;
	}
	/* Only the very first word could have been meant as a subcommand. */
	nearest = name == first_word ? subcommand_nearest(name) : NULL;
	if (nearest)
		snprintf(remedy, sizeof(remedy),
			 " (did you mean \"wg-wrap %s\"?)", nearest);
	refuse(name, failure, remedy);
}

/**
 * execute_text() - Have /bin/sh run a file that is no program by itself
 * @path:	Path of the file
 * @words:	The command
 * Returns with errno if even that fails.
 */
static void execute_text(const char *path, char *const *words)
{
	size_t count = 0;
	char **shell;

	while (words[count])
		count++;
	shell = calloc(count + 2, sizeof(*shell));
	if (!shell)
		return;
	shell[0] = (char *)"sh";
	shell[1] = (char *)path;
	/* The rest, with the NULL at the end. */
	memcpy(shell + 2, words + 1, count * sizeof(*shell));
	execv("/bin/sh", shell);
	free(shell);
}

/**
 * command_become() - Become the command
 * @words:	Command and its arguments, NULL at the end
 */
_Noreturn void command_become(char *const *words)
{
	char path[PATH_MAX];
	int failure = command_search(words[0], path);

	if (failure == 0) {
		execv(path, words);
		if (errno == ENOEXEC)
			execute_text(path, words);
		failure = errno;
		/* The program is there: what is missing is what it needs. */
		if (failure == ENOENT)
			die(STATUS_NOT_EXECUTABLE,
			    "%s: its interpreter is missing", words[0]);
	}
	refuse(words[0], failure, "");
}
