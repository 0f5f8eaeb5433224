/* SPDX-License-Identifier: MIT */
/*
 * farm.c - links to the host's /etc, beside our own files
 *
 * The directory will be /etc, and .wg-wrap/host in it is the host's /etc. Each
 * name of the host's becomes a symbolic link into that; a link of the host's is
 * copied as it is, so that reading it gives what it gives on the host. Links
 * are relative: the view holds wherever it is bound to.
 *
 * A name that is there already is ours and stays. If it is a directory on both
 * sides, as /etc/ssh may be, the two are merged in the same way.
 */
#include "farm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Our own directories are as deep as paths of ssh's files: few levels. */
enum { DEPTH_MAX = 32 };

/* One directory on both sides. */
struct level {
	int host;
	int own;
	/* Path below /etc, with a slash at its end, or "". */
	const char *path;
	int depth;
};

static int merge(const struct level *level);

/**
 * link_name() - Link a name of the host's
 * @level:	Where it is
 * @name:	The name
 * Returns 0 or an errno value.
 */
static int link_name(const struct level *level, const char *name)
{
	char target[PATH_MAX];
	ssize_t len;
	int i, used = 0;

	len = readlinkat(level->host, name, target, sizeof(target) - 1);
	if (len >= 0) {
		target[len] = '\0';
	} else {
		for (i = 0; i < level->depth; i++)
			used += snprintf(target + used,
					 sizeof(target) - (size_t)used, "../");
		used += snprintf(target + used, sizeof(target) - (size_t)used,
				 ".wg-wrap/host/%s%s", level->path, name);
		if (used >= (int)sizeof(target))
			return ENAMETOOLONG;
	}
	return symlinkat(target, level->own, name) == 0 ? 0 : errno;
}

/**
 * is_directory() - Is this a directory?
 * @dir:	Where
 * @name:	Its name
 * @flags:	As of fstatat(2)
 */
static bool is_directory(int dir, const char *name, int flags)
{
	struct stat file;

	return fstatat(dir, name, &file, flags) == 0 && S_ISDIR(file.st_mode);
}

/**
 * merge_below() - Merge a directory that is there on both sides
 * @level:	Where it is
 * @name:	Its name
 * Returns 0 or an errno value. What isn't a directory on both sides, or may not
 * be read, stays ours alone.
 */
static int merge_below(const struct level *level, const char *name)
{
	char path[PATH_MAX];
	struct level below = {.path = path, .depth = level->depth + 1};
	int errnum;

	if (below.depth > DEPTH_MAX ||
	    !is_directory(level->own, name, AT_SYMLINK_NOFOLLOW) ||
	    !is_directory(level->host, name, 0))
		return 0;
	if (snprintf(path, sizeof(path), "%s%s/", level->path, name) >=
	    (int)sizeof(path))
		return ENAMETOOLONG;
	/* The bind mount itself: another farm around us has one there, too. */
	if (strcmp(path, ".wg-wrap/host/") == 0)
		return 0;
	below.host =
		openat(level->host, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (below.host < 0)
		return 0;
	below.own =
		openat(level->own, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	errnum = below.own < 0 ? errno : merge(&below);
	if (below.own >= 0)
		close(below.own);
	close(below.host);
	return errnum;
}

/**
 * merge() - Link the names of one directory
 * @level:	The directory
 * Returns 0 or an errno value.
 */
static int merge(const struct level *level)
{
	int fd = openat(level->host, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	int errnum = 0;
	DIR *list;

	if (fd < 0)
		return errno;
	list = fdopendir(fd);
	if (!list) {
		errnum = errno;
		close(fd);
		return errnum;
	}
	while (errnum == 0 && (entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		errnum = link_name(level, entry->d_name);
		if (errnum == EEXIST)
			errnum = merge_below(level, entry->d_name);
	}
	closedir(list);
	return errnum;
}

/**
 * farm_fill() - Link the host's /etc
 * @directory:	Top directory of the view
 * Returns 0 or an errno value.
 */
int farm_fill(int directory)
{
	struct level top = {.own = directory, .path = ""};
	int errnum;

	top.host = openat(directory, ".wg-wrap/host",
			  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top.host < 0)
		return errno;
	errnum = merge(&top);
	close(top.host);
	return errnum;
}
