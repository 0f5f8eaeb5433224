/* SPDX-License-Identifier: MIT */
/*
 * userns.c - become someone who may configure a network, without being root
 *
 * 1. The ids are read first: afterwards they are unmapped, and read as nobody.
 * 2. One unshare(2) makes all three namespaces; the user namespace comes first
 *    in it and gives the capabilities for the other two.
 * 3. setgroups "deny" comes before the gid map, which the kernel refuses to an
 *    unprivileged writer otherwise (user_namespaces(7)). Each map is one write.
 * 4. The own ids map to themselves. As root inside, browser sandboxes, ssh and
 *    tar would all misbehave.
 * 5. Mounts become slaves and not private: what the host mounts later still
 *    arrives, while nothing of ours flows out.
 *
 * PR_SET_DUMPABLE must not be cleared in a process that is inside: others
 * couldn't setns(2) to its namespaces any more.
 */
#include "userns.h"

#include "cause.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/**
 * put_line() - Write a file of /proc/self in one write
 * @step:	What it is for
 * @path:	The file
 * @line:	What to write
 */
static void put_line(enum cause_step step, const char *path, const char *line)
{
	size_t len = strlen(line);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		cause_die(step, path);
	if (write(fd, line, len) != (ssize_t)len)
		cause_die(step, path);
	close(fd);
}

/**
 * userns_enter() - Move into user, mount and network namespaces of our own
 */
void userns_enter(void)
{
	char uid_line[64], gid_line[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	snprintf(uid_line, sizeof(uid_line), "%u %u 1\n", uid, uid);
	snprintf(gid_line, sizeof(gid_line), "%u %u 1\n", gid, gid);

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0)
		cause_die(CAUSE_UNSHARE, "unshare");
	put_line(CAUSE_SETGROUPS, "/proc/self/setgroups", "deny");
	put_line(CAUSE_UID_MAP, "/proc/self/uid_map", uid_line);
	put_line(CAUSE_GID_MAP, "/proc/self/gid_map", gid_line);
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		cause_die(CAUSE_MOUNT, "/");
}
