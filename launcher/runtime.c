/* SPDX-License-Identifier: MIT */
/*
 * runtime.c - the one directory that holds the state of all tunnels
 *
 * Two runs share a tunnel only if they find the same directory, and whoever
 * could write to it could feed us descriptors and locks. Hence a fixed order,
 * in which each place is taken or left for facts that don't change between two
 * runs, and strict checks on what is ours:
 *
 * 1. $XDG_RUNTIME_DIR, unless it is another user's, as `su` leaves it;
 * 2. /run/user/UID, for cron and ssh, which don't set the variable;
 * 3. ${TMPDIR:-/tmp}/wg-wrap-UID, made here. Anybody can have made it before,
 *    so there a directory that isn't ours alone is an error, not a reason to
 *    look further.
 *
 * Below that, everything is reached from an open directory, and no symbolic
 * link is followed.
 */
#include "runtime.h"

#include "die.h"
#include "errname.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * open_foreign() - Open a runtime directory that the system made for the user
 * @path:	Path, or NULL
 * Returns a descriptor, or -1 if it isn't there, isn't the user's, or could be
 * written to by others.
 */
static int open_foreign(const char *path)
{
	struct stat directory;
	int fd;

	if (!path || *path != '/')
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &directory) != 0 || directory.st_uid != geteuid() ||
	    (directory.st_mode & 022) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/**
 * open_own() - Create or open a directory that is the user's alone
 * @parent:	Open directory, or AT_FDCWD
 * @name:	Name in it
 * Returns a descriptor, or -1 with errno ENOENT if the parent was removed. Dies
 * if the directory isn't one, or isn't ours alone.
 */
static int open_own(int parent, const char *name)
{
	struct stat directory;
	mode_t mask = umask(077);
	int made = mkdirat(parent, name, 0700), failure = errno, fd;

	umask(mask);
	if (made != 0 && failure != EEXIST) {
		errno = failure;
		if (failure == ENOENT)
			return -1;
		die_errno("can't create the state directory %s", name);
	}
	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT)
			return -1;
		die_errno("can't open the state directory %s; remove what is "
			  "there instead",
			  name);
	}
	if (fstat(fd, &directory) != 0)
		die_errno("can't examine the state directory %s", name);
	if (directory.st_uid != geteuid() || (directory.st_mode & 077) != 0)
		die(STATUS_SETUP,
		    "the state directory %s is not yours alone (mode %04o, "
		    "owner %u); remove it, or set XDG_RUNTIME_DIR",
		    name, (unsigned int)directory.st_mode & 07777,
		    (unsigned int)directory.st_uid);
	return fd;
}

/**
 * open_temporary() - Open the user's directory among the temporary files
 */
static int open_temporary(void)
{
	const char *base = getenv("TMPDIR");
	char path[PATH_MAX];
	int len, fd;

	if (!base || *base != '/')
		base = "/tmp";
	len = snprintf(path, sizeof(path), "%s/wg-wrap-%u", base,
		       (unsigned int)geteuid());
	if (len < 0 || len >= (int)sizeof(path))
		die(STATUS_SETUP, "TMPDIR is too long");
	fd = open_own(AT_FDCWD, path);
	if (fd < 0)
		die_errno("can't create the state directory %s", path);
	return fd;
}

/**
 * runtime_open() - Open the directory of all state directories
 * Returns a descriptor, CLOEXEC. Creates the directory if it isn't there.
 */
int runtime_open(void)
{
	char path[64];
	int base, fd;

	base = open_foreign(getenv("XDG_RUNTIME_DIR"));
	if (base < 0) {
		snprintf(path, sizeof(path), "/run/user/%u",
			 (unsigned int)geteuid());
		base = open_foreign(path);
	}
	if (base < 0)
		base = open_temporary();
	fd = open_own(base, "wg-wrap");
	if (fd < 0)
		die_errno("can't create the state directory wg-wrap");
	close(base);
	return fd;
}

/**
 * runtime_subdirectory() - Create or open a directory in a directory of ours
 * @parent:	Open directory
 * @name:	Name in it
 * Returns a descriptor, CLOEXEC, or -1 if the parent itself was removed.
 */
int runtime_subdirectory(int parent, const char *name)
{
	return open_own(parent, name);
}

/**
 * runtime_path() - The real path of an open directory
 * @directory:	Open directory
 * @path:	Gets the path
 */
void runtime_path(int directory, char path[PATH_MAX])
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	len = readlink(link, path, PATH_MAX - 1);
	if (len < 0)
		die_errno("can't read %s", link);
	path[len] = '\0';
}

/**
 * remedy() - What to do about an errno of a file in a state directory
 * @errnum:	The errno
 */
static const char *remedy(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return "; make room there, or set XDG_RUNTIME_DIR";
	case EROFS:
		return "; set XDG_RUNTIME_DIR";
	case EACCES:
	case EADDRINUSE:
	case EEXIST:
	case EISDIR:
	case ELOOP:
	case ENOTDIR:
	case ENXIO:
	case ESPIPE:
		return "; remove what is there instead";
	default:
		return "";
	}
}

/**
 * runtime_die() - Say what failed in a state directory, where, and what to do
 * @directory:	Open state directory
 * @what:	What failed, a verb and its object
 */
_Noreturn void runtime_die(int directory, const char *what)
{
	char path[PATH_MAX];
	int failure = errno;

	runtime_path(directory, path);
	die(STATUS_SETUP, "can't %s in %s (%s)%s", what, path, errname(failure),
	    remedy(failure));
}
