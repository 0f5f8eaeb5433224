/* SPDX-License-Identifier: MIT */
/*
 * join.c - from the host's namespaces into a tunnel's
 *
 * 1. The namespaces' descriptors are opened through the pin's own, and checked:
 *    each must be of its kind, and the network namespace must be the recorded
 *    one. That, and not the pid, tells that this is the tunnel.
 * 2. User first: it gives the capabilities that the other two need.
 * 3. The mount namespace moves root and working directory to its "/". The way
 *    back is by path and never by an old descriptor, from which relative paths
 *    would lead through the host's unmasked tree.
 *
 * Capabilities must not be dropped here: the masks may need mending first.
 */
#include "join.h"

#include "die.h"
#include "masks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef NS_GET_NSTYPE
#define NS_GET_NSTYPE _IO(0xb7, 0x3)
#endif

static const struct {
	const char *name;
	int kind;
	int number; /* of the descriptor in the pin */
} kinds[NAMESPACES] = {
	{"user", CLONE_NEWUSER, PIN_USER_NS},
	{"mount", CLONE_NEWNS, PIN_MNT_NS},
	{"network", CLONE_NEWNET, PIN_NET_NS},
};

/**
 * close_all() - Close the first descriptors of namespaces; errno stays
 * @namespaces:	Descriptors
 * @count:	How many
 */
static void close_all(const struct namespaces *namespaces, int count)
{
	int failure = errno, i;

	for (i = 0; i < count; i++)
		close(namespaces->fds[i]);
	errno = failure;
}

/**
 * check_neighbour() - Refuse a pin that is in another user namespace
 * @pid:	Process
 * A pin never leaves the namespace of its starter. A wrapped program can lock a
 * record of its own making, where it finds the directory, and have namespaces
 * ready that it controls; but it can't get out of the tunnel's. Returns false,
 * with errno, if there is no such process any more.
 */
static bool check_neighbour(pid_t pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	if (stat(path, &other) != 0 || stat("/proc/self/ns/user", &own) != 0)
		return false;
	if (own.st_ino != other.st_ino || own.st_dev != other.st_dev)
		die(STATUS_SETUP,
		    "the process %d is inside of a tunnel, and so it is not a "
		    "pin; remove the state directory",
		    (int)pid);
	return true;
}

/**
 * join_open() - Open a tunnel's namespaces
 * @pid:	Its pin
 * @netns:	Inode of its network namespace, as recorded
 * @namespaces:	Gets the descriptors
 * To be called under the lock: the tunnel can't end meanwhile. Its pin can be
 * killed, though, and loses its descriptors before its lock: then this returns
 * false, as it does for a pin out of reach, with errno.
 */
bool join_open(pid_t pid, ino_t netns, struct namespaces *namespaces)
{
	struct stat network;
	char path[64];
	int i, fd;

	for (i = 0; i < NAMESPACES; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid,
			 kinds[i].number);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			close_all(namespaces, i);
			return false;
		}
		if (ioctl(fd, NS_GET_NSTYPE) != kinds[i].kind)
			die(STATUS_SETUP,
			    "%s is not the tunnel's %s namespace; the process "
			    "%d is not its pin",
			    path, kinds[i].name, (int)pid);
		namespaces->fds[i] = fd;
	}
	if (!check_neighbour(pid)) {
		close_all(namespaces, NAMESPACES);
		return false;
	}
	if (fstat(namespaces->fds[NAMESPACES - 1], &network) != 0)
		die_errno("can't examine the tunnel's network namespace");
	if (network.st_ino != netns)
		die(STATUS_SETUP,
		    "%s is not the tunnel's network namespace; the process %d "
		    "is not its pin",
		    path, (int)pid);
	return true;
}

/**
 * join_close() - Close namespaces that aren't entered after all
 * @namespaces:	Their descriptors
 */
void join_close(struct namespaces *namespaces)
{
	close_all(namespaces, NAMESPACES);
}

/**
 * join_enter() - Enter a tunnel's namespaces
 * @namespaces:	Their descriptors, which are closed
 * The working directory is "/" afterwards.
 */
void join_enter(struct namespaces *namespaces)
{
	int i;

	for (i = 0; i < NAMESPACES; i++) {
		if (setns(namespaces->fds[i], kinds[i].kind) != 0)
			die_errno("can't enter the tunnel's %s namespace",
				  kinds[i].name);
		close(namespaces->fds[i]);
		namespaces->fds[i] = -1;
	}
}

/**
 * go_home() - Choose a working directory in place of one that is gone
 * @is_quiet:	Don't say so
 */
static void go_home(bool is_quiet)
{
	const char *home = getenv("HOME");

	if (!home || *home != '/' || chdir(home) != 0) {
		home = "/";
		if (chdir(home) != 0)
			die_errno("can't change to /");
	}
	if (!is_quiet)
		warn("the working directory is gone; using %s", home);
}

/**
 * join_keep_directory() - Enter, with masks in order and in the same directory
 * @namespaces:	Their descriptors, which are closed
 * @hides_buses:	The tunnel masks those of D-Bus
 * @is_quiet:	Don't warn of a directory that is gone
 */
void join_keep_directory(struct namespaces *namespaces, bool hides_buses,
			 bool is_quiet)
{
	char directory[PATH_MAX];
	bool is_known =
		getcwd(directory, sizeof(directory)) && directory[0] == '/';

	join_enter(namespaces);
	masks_refresh(hides_buses);
	if (!is_known || chdir(directory) != 0)
		go_home(is_quiet);
}
