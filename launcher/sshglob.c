/* SPDX-License-Identifier: MIT */
/*
 * sshglob.c - the files that a pattern matches
 *
 * glob(3) without its tilde, which would load the host's user databases, and
 * with a bound: a pattern of stars over a large tree must not hold up a start.
 */
#include "sshglob.h"

#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { ENTRIES_MAX = 4096 };

/* A walk over all paths that the pattern may still match. */
struct walk {
	void (*found)(void *context, const char *path);
	void *context;
	unsigned int entries;
	char path[PATH_MAX];
};

static void descend(struct walk *walk, size_t len, const char *rest);

/**
 * append() - Go into one name
 * @walk:	The walk
 * @len:	Length of the path so far
 * @name:	The name
 * @name_len:	Its length
 * @rest:	The pattern behind it, from its slash
 */
static void append(struct walk *walk, size_t len, const char *name,
		   size_t name_len, const char *rest)
{
	if (len + 1 + name_len >= sizeof(walk->path))
		return;
	walk->path[len] = '/';
	memcpy(walk->path + len + 1, name, name_len);
	walk->path[len + 1 + name_len] = '\0';
	descend(walk, len + 1 + name_len, rest);
	walk->path[len] = '\0';
}

/**
 * scan() - Go into every name of a directory that matches
 * @walk:	The walk
 * @len:	Length of the path so far
 * @component:	The pattern's component
 * @rest:	The pattern behind it, from its slash
 */
static void scan(struct walk *walk, size_t len, const char *component,
		 const char *rest)
{
	DIR *list = opendir(len == 0 ? "/" : walk->path);
	struct dirent *entry;

	if (!list)
		return;
	while (walk->entries < ENTRIES_MAX && (entry = readdir(list))) {
		walk->entries++;
		if (fnmatch(component, entry->d_name, FNM_PERIOD) == 0)
			append(walk, len, entry->d_name, strlen(entry->d_name),
			       rest);
	}
	closedir(list);
}

/**
 * descend() - Follow the next component of the pattern
 * @walk:	The walk
 * @len:	Length of the path so far
 * @rest:	The pattern behind it: empty, or from a slash
 */
static void descend(struct walk *walk, size_t len, const char *rest)
{
	char component[NAME_MAX + 1];
	struct stat file;
	size_t size;

	if (!*rest) {
		if (stat(walk->path, &file) == 0 && S_ISREG(file.st_mode))
			walk->found(walk->context, walk->path);
		return;
	}
	rest++;
	size = strcspn(rest, "/");
	if (size >= sizeof(component))
		return;
	memcpy(component, rest, size);
	component[size] = '\0';
	if (strpbrk(component, "*?[\\"))
		scan(walk, len, component, rest + size);
	else
		append(walk, len, component, size, rest + size);
}

/**
 * sshglob() - Find the files that a pattern matches
 * @pattern:	Clean absolute pattern
 * @found:	Called for each
 * @context:	For @found
 */
void sshglob(const char *pattern,
	     void (*found)(void *context, const char *path), void *context)
{
	struct walk walk = {.found = found, .context = context};

	descend(&walk, 0, pattern);
}
