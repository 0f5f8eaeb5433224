/* SPDX-License-Identifier: MIT */
/*
 * masks.c - the host's paths that must not be reached from inside
 *
 * A socket with a path works across network namespaces. Two sorts of them must
 * not, and are covered by a tmpfs each:
 *
 * - The resolver daemons': glibc asks nscd whatever nsswitch.conf says, and all
 *   of them answer from the host. Read-only.
 * - The control sockets in the state directories of all tunnels. Writable, and
 *   the user's alone, since tunnels inside of this one keep their state there.
 *   The file "inside" tells them which tunnel they are in.
 *
 * A mask dies when a service removes and re-creates its directory, since the
 * host's removal takes a mount in any namespace with it. Hence the check on
 * every join. A mask is recognised by being a mount, a tmpfs, and mounted with
 * our flags. The directories of daemons that aren't there need no mask until
 * they are.
 *
 * The sockets of D-Bus are for the user to decide about: most graphical programs
 * need them.
 */
#include "masks.h"

#include "buses.h"
#include "cause.h"
#include "die.h"
#include "etc.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SMALL_FILE_MAX = 64 << 10, PLACE_COUNT = 2 };

static const unsigned long mask_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/* /var/run is a link to /run on most hosts; the second look finds the mask. */
static const struct {
	const char *path;
	/* Where programs look for resolv.conf, too. */
	bool has_resolv;
} daemons[] = {
	{"/run/nscd", false},
	{"/run/systemd/resolve", true},
	{"/run/avahi-daemon", false},
	{"/var/run/nscd", false},
	{"/var/run/systemd/resolve", true},
	{"/var/run/avahi-daemon", false},
};

/* The system bus. */
static const char *const bus_directories[] = {"/run/dbus", "/var/run/dbus"};

enum {
	DAEMON_COUNT = sizeof(daemons) / sizeof(*daemons),
	BUS_COUNT = sizeof(bus_directories) / sizeof(*bus_directories),
};

/**
 * is_masked() - Is there a mask at this path?
 * @path:	An existing directory
 * @flags:	The flags of its kind of mask; MS_* and ST_* have equal values
 */
static bool is_masked(const char *path, unsigned long flags)
{
	char parent_path[PATH_MAX + 3];
	struct stat directory, parent;
	struct statfs fs;

	snprintf(parent_path, sizeof(parent_path), "%s/..", path);
	if (stat(path, &directory) != 0 || stat(parent_path, &parent) != 0 ||
	    statfs(path, &fs) != 0)
		return false;
	return directory.st_dev != parent.st_dev && fs.f_type == TMPFS_MAGIC &&
	       ((unsigned long)fs.f_flags & flags) == flags;
}

/**
 * is_directory() - Is there a directory at this path?
 * @path:	The path
 * Where it can't be reached, it needs no mask.
 */
static bool is_directory(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

/**
 * cover() - Mount an empty tmpfs
 * @target:	Where
 * @path:	The same place, by its name
 * @options:	Its size and mode
 * Returns its open top directory, or -1 if the path went away meanwhile.
 */
static int cover(const char *target, const char *path, const char *options)
{
	int dir;

	if (mount("wg-wrap", target, "tmpfs", mask_flags, options) != 0) {
		if (errno == ENOENT)
			return -1;
		cause_die(CAUSE_MOUNT, path);
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die_errno("can't open %s inside", path);
	return dir;
}

/**
 * copy_resolv() - Give a mask the resolv.conf that programs look for there
 * @dir:	The mask's directory
 */
static void copy_resolv(int dir)
{
	size_t len;
	char *text = text_read(-1, "/etc/resolv.conf", SMALL_FILE_MAX, &len);

	if (!text)
		die_errno("can't read /etc/resolv.conf inside");
	if (text_create(dir, "resolv.conf", text, len) != 0 ||
	    text_create(dir, "stub-resolv.conf", text, len) != 0)
		die_errno("can't copy /etc/resolv.conf inside");
	free(text);
}

/**
 * hide_daemon() - Mask the directory of a resolver daemon
 * @path:	The directory, which exists
 * @has_resolv:	Copy our resolv.conf there
 */
static void hide_daemon(const char *path, bool has_resolv)
{
	int dir = cover(path, path, "mode=0755,size=256k,nr_inodes=8");

	if (dir < 0)
		return;
	if (has_resolv)
		copy_resolv(dir);
	close(dir);
	if (mount(NULL, path, NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | mask_flags, NULL) != 0)
		cause_die(CAUSE_MOUNT, path);
}

/**
 * open_own() - Open a directory that is the user's alone
 * @path:	The directory
 * Returns a descriptor to mount on, or -1 with errno. Its name lies in
 * directories that the command may write to, so it may be a link by now, to
 * anywhere: a mask over a directory of the system would let the command put its
 * own files there, such as the engine's program. What is the user's alone is
 * the command's anyway.
 */
static int open_own(const char *path)
{
	struct stat file;
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &file) == 0 && file.st_uid == geteuid() &&
	    (file.st_mode & 077) == 0)
		return fd;
	close(fd);
	errno = EACCES;
	return -1;
}

/**
 * hide_state_directory() - Mask one directory of state directories
 * @path:	The directory
 * @inside:	The record to leave there
 * Returns false, with errno, if the path went away meanwhile, or is no such
 * directory.
 */
static bool hide_state_directory(const char *path, const char *inside)
{
	int own = open_own(path), dir;
	char target[32];

	if (own < 0)
		return false;
	snprintf(target, sizeof(target), "/proc/self/fd/%d", own);
	dir = cover(target, path, "mode=0700,size=16m,nr_inodes=4k");
	close(own);
	if (dir < 0)
		return false;
	if (text_create(dir, "inside", inside, strlen(inside)) != 0)
		die_errno("can't create %s/inside", path);
	close(dir);
	return true;
}

/**
 * put_place() - Name a usual place of state directories
 * @number:	Which, from 0
 * @path:	Where the path goes, PATH_MAX bytes
 * A run with another environment may have put its state there. Returns false
 * where the user has no such place: among temporary files somebody else may
 * have made a link to anywhere.
 */
static bool put_place(int number, char *path)
{
	char parent[32];
	struct stat file;

	snprintf(parent, sizeof(parent),
		 number == 0 ? "/run/user/%u" : "/tmp/wg-wrap-%u", geteuid());
	if (lstat(parent, &file) != 0 || !S_ISDIR(file.st_mode) ||
	    file.st_uid != geteuid())
		return false;
	snprintf(path, PATH_MAX, "%s/wg-wrap", parent);
	return is_directory(path);
}

/**
 * masks_hide_state() - Mask the state directories of all tunnels
 * @wg_wrap_dir:	This one's
 * @inside:	The record to leave there
 * Around us may be a tunnel whose mask is here already. It must not be shared:
 * what it holds are control sockets to us.
 */
void masks_hide_state(const char *wg_wrap_dir, const char *inside)
{
	char place[PATH_MAX];
	struct stat own, other;
	int i;

	if (!hide_state_directory(wg_wrap_dir, inside) ||
	    stat(wg_wrap_dir, &own) != 0)
		die_errno("can't mount %s inside", wg_wrap_dir);
	for (i = 0; i < PLACE_COUNT; i++) {
		if (put_place(i, place) && stat(place, &other) == 0 &&
		    other.st_dev != own.st_dev)
			hide_state_directory(place, inside);
	}
}

/**
 * masks_hide_resolvers() - Mask the sockets of resolver daemons
 * @own_etc:	/etc/resolv.conf is ours
 * The mask of a tunnel around us has that one's resolv.conf, so another one
 * goes over it. That over /run is there when /var/run is looked at.
 */
void masks_hide_resolvers(bool own_etc)
{
	struct stat first[DAEMON_COUNT / 2], other;
	size_t i, half = DAEMON_COUNT / 2;

	memset(first, 0, sizeof(first));
	for (i = 0; i < DAEMON_COUNT; i++) {
		if (!is_directory(daemons[i].path))
			continue;
		if (i >= half && stat(daemons[i].path, &other) == 0 &&
		    other.st_dev == first[i - half].st_dev)
			continue;
		hide_daemon(daemons[i].path, daemons[i].has_resolv && own_etc);
		if (i < half)
			stat(daemons[i].path, &first[i]);
	}
}

/**
 * masks_hide_buses() - Mask the sockets of D-Bus
 * @wg_wrap_dir:	Directory of all state directories, or NULL
 * What is masked already stays as it is.
 */
void masks_hide_buses(const char *wg_wrap_dir)
{
	size_t i;

	for (i = 0; i < BUS_COUNT; i++) {
		if (is_directory(bus_directories[i]) &&
		    !is_masked(bus_directories[i], mask_flags | MS_RDONLY))
			hide_daemon(bus_directories[i], false);
	}
	buses_hide(wg_wrap_dir);
}

/**
 * refresh_state() - Mask a directory of state directories again, if need be
 * @path:	The directory
 * @inside:	The record to leave there
 */
static void refresh_state(const char *path, const char *inside)
{
	if (is_directory(path) && !is_masked(path, mask_flags))
		hide_state_directory(path, inside);
}

/**
 * masks_is_state() - Is this open directory a mask of state directories?
 * @directory:	Open directory
 * Files in one are the set-up child's word. Elsewhere they are anybody's with
 * the user's uid, since outside of a tunnel the user can't mount.
 */
bool masks_is_state(int directory)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", directory);
	return is_masked(path, mask_flags);
}

/**
 * masks_refresh() - Mount again what the host's services destroyed
 * @hides_buses:	Those of D-Bus, too
 */
void masks_refresh(bool hides_buses)
{
	char place[PATH_MAX], *inside, *state;
	size_t i, len;
	int number;

	inside = text_read(-1, ETC_OWN "/inside", SMALL_FILE_MAX, &len);
	state = text_read(-1, ETC_OWN "/state", SMALL_FILE_MAX, &len);
	if (inside && state) {
		refresh_state(state, inside);
		for (number = 0; number < PLACE_COUNT; number++) {
			if (put_place(number, place))
				refresh_state(place, inside);
		}
	}
	for (i = 0; i < DAEMON_COUNT; i++) {
		if (is_directory(daemons[i].path) &&
		    !is_masked(daemons[i].path, mask_flags | MS_RDONLY))
			hide_daemon(daemons[i].path,
				    daemons[i].has_resolv && inside);
	}
	if (hides_buses)
		masks_hide_buses(state);
	free(inside);
	free(state);
}
