/* SPDX-License-Identifier: MIT */
/*
 * mask.c - attempts on a mount that hides something, or that stands in for it
 *
 * In a user namespace of the program's own the same calls are allowed in
 * general, but what came with the mounts is locked together.
 */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif

/* The only directory that the program may mount anything on. */
#define ELSEWHERE "/tmp"

/**
 * attack_around() - Reach what a mount covers through a copy of its parent
 * @path:	Where the mount is
 */
static void attack_around(const char *path)
{
	char copy[PATH_MAX], *parent;

	snprintf(copy, sizeof(copy), "%s", path);
	parent = dirname(copy);
	report(path, "bind-parent",
	       mount(parent, ELSEWHERE, NULL, MS_BIND, NULL));
	report(path, "clone-parent",
	       syscall(SYS_open_tree, AT_FDCWD, parent, OPEN_TREE_CLONE));
	report(path, "clone-root",
	       syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE));
}

/**
 * move_away() - Move a mount to another place
 * @path:	Where it is
 */
static long move_away(const char *path)
{
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, 0);
	long result;

	if (tree < 0)
		return -1;
	result = syscall(SYS_move_mount, tree, "", AT_FDCWD, ELSEWHERE,
			 MOVE_MOUNT_F_EMPTY_PATH);
	close(tree);
	return result;
}

/**
 * attack_mask() - Try everything on one mount
 * @path:	Where it is
 */
void attack_mask(const char *path)
{
	char other[PATH_MAX];

	snprintf(other, sizeof(other), "%s.old", path);
	report(path, "umount", umount2(path, 0));
	report(path, "detach", umount2(path, MNT_DETACH));
	report(path, "remount",
	       mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL));
	report(path, "reconfigure", mount(NULL, path, NULL, MS_REMOUNT, NULL));
	report(path, "move", mount(path, ELSEWHERE, NULL, MS_MOVE, NULL));
	report(path, "move_mount", move_away(path));
	report(path, "rename", rename(path, other));
	report(path, "rmdir", rmdir(path));
	attack_around(path);
}
