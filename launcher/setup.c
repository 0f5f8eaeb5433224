/* SPDX-License-Identifier: MIT */
/*
 * setup.c - the tunnel's namespaces and everything in them, in one call
 *
 * A process that has entered the namespaces can't come back, so a child does
 * it all and hands four descriptors out. They hold the namespaces from then on;
 * no process has to stay inside. The child, in this order:
 *
 * 1. Namespaces: capabilities over the rest come from here.
 * 2. The TUN device, then its addresses and routes, then sysctls, while there
 *    is a /proc that shows them.
 * 3. The state directories are hidden. That gives a private directory, which
 *    the view of /etc is prepared in.
 * 4. The view of /etc, and then the resolver daemons: their mask has a copy of
 *    the view's resolv.conf. D-Bus, if that is wanted.
 * 5. The descriptors, last: a tunnel that isn't complete never gets out.
 *
 * The child's stderr is a socket to its parent that keeps records apart. A
 * record with descriptors is the result, and any other one is a message in its
 * final form, which the parent prints. Failing is thus the same as anywhere
 * else: die() is what ends the child.
 */
#include "setup.h"

#include "buses.h"
#include "die.h"
#include "etc.h"
#include "fds.h"
#include "masks.h"
#include "plan.h"
#include "rtnl.h"
#include "sysctl.h"
#include "tun.h"
#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESULT_FDS = 4, RECORD_MAX_BYTES = 32 << 10, INSIDE_MAX = 512 };

/**
 * open_namespace() - Open a namespace of this process
 * @path:	Its file
 */
static int open_namespace(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die_errno("can't open %s", path);
	return fd;
}

/**
 * put_inside() - Compose the record that is left inside
 * @inside:	Where it goes, INSIDE_MAX bytes
 * @net_ns:	The network namespace
 * @key_hash:	The tunnel's part of its key
 * @tunnel:	Its name
 */
static void put_inside(char *inside, int net_ns, const char *key_hash,
		       const char *tunnel)
{
	struct stat file;

	if (fstat(net_ns, &file) != 0)
		die_errno("can't examine the network namespace");
	if (snprintf(inside, INSIDE_MAX, "netns %llu\nkey %s\ntunnel %s\n",
		     (unsigned long long)file.st_ino, key_hash,
		     tunnel) >= INSIDE_MAX)
		die(STATUS_SETUP, "internal: the record inside is too long");
}

/**
 * build() - Be the set-up child
 * @plan:	The plan
 * @wg_wrap_dir:	Directory of all state directories
 * @key_hash:	The tunnel's part of its key
 * @node:	/dev/net/tun as the host sees it
 */
static _Noreturn void build(const struct plan *plan, const char *wg_wrap_dir,
			    const char *key_hash, const struct stat *node)
{
	int fds[RESULT_FDS];
	char inside[INSIDE_MAX];

	umask(022);
	userns_enter();
	fds[0] = tun_create(plan->interface, node);
	rtnl_configure(plan);
	sysctl_set_defaults();

	fds[3] = open_namespace("/proc/self/ns/net");
	put_inside(inside, fds[3], key_hash, plan->tunnel);
	masks_hide_state(wg_wrap_dir, inside);
	masks_hide_resolvers(etc_install(plan, wg_wrap_dir, inside));
	if (options_value(&plan->options, BUSES_OPTION))
		masks_hide_buses(wg_wrap_dir);

	fds[1] = open_namespace("/proc/self/ns/user");
	fds[2] = open_namespace("/proc/self/ns/mnt");
	if (fds_send(STDERR_FILENO, "", 1, fds, RESULT_FDS) != 0)
		_exit(STATUS_SETUP);
	_exit(0);
}

/**
 * collect() - Take the child's result, and print its messages
 * @socket:	The child's stderr
 * @result:	Where the result goes
 * @said:	Set if anything was printed
 * Returns whether there was a result.
 */
static bool collect(int socket, struct setup_result *result, bool *said)
{
	char record[RECORD_MAX_BYTES];
	bool is_done = false;
	unsigned int count;
	int fds[RESULT_FDS];
	ssize_t len;

	for (;;) {
		count = RESULT_FDS;
		len = fds_receive(socket, record, sizeof(record), fds, &count);
		if (len < 0)
			die_errno("can't hear from the set-up");
		if (len == 0)
			return is_done;
		if (count == 0) {
			*said = true;
			if (write(STDERR_FILENO, record, (size_t)len) < 0)
				continue;
		} else if (count == RESULT_FDS) {
			*result = (struct setup_result){.tun = fds[0],
							.user_ns = fds[1],
							.mnt_ns = fds[2],
							.net_ns = fds[3]};
			is_done = true;
		} else {
			die(STATUS_SETUP, "internal: the set-up sent %u files",
			    count);
		}
	}
}

/**
 * setup_run() - Build the tunnel's namespaces
 * @plan:	What is to be in them
 * @wg_wrap_dir:	Directory of all state directories, absolute
 * @key_hash:	The tunnel's part of its key
 * @result:	Where the descriptors go
 */
void setup_run(const struct plan *plan, const char *wg_wrap_dir,
	       const char *key_hash, struct setup_result *result)
{
	struct stat node = {0};
	bool said = false, is_done;
	int ends[2], status;
	pid_t child;

	if (stat("/dev/net/tun", &node) != 0)
		memset(&node, 0, sizeof(node));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		die_errno("can't make a socket pair");
	child = fork();
	if (child < 0)
		die_errno("can't start the set-up");
	if (child == 0) {
		if (dup2(ends[1], STDERR_FILENO) < 0)
			die_errno("can't place the set-up's socket");
		close(ends[0]);
		close(ends[1]);
		build(plan, wg_wrap_dir, key_hash, &node);
	}
	close(ends[1]);
	is_done = collect(ends[0], result, &said);
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != ECHILD)
			die_errno("can't wait for the set-up");
		/* SIGCHLD is ignored here; what arrived says how it went. */
		status = 0;
		break;
	}
	if (is_done && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if (!said || WIFSIGNALED(status))
		die(STATUS_SETUP,
		    "internal: the set-up ended without a result "
		    "(status %04x)",
		    (unsigned int)status);
	_exit(STATUS_SETUP);
}
