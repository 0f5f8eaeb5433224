/* SPDX-License-Identifier: MIT */
/*
 * uapisocket.c - the socket by which wg(8) finds a device
 *
 * wg(8) looks for /var/run/wireguard/NAME.sock and nowhere else. A socket that
 * a killed device left behind refuses connections, and is replaced; one that
 * somebody listens on belongs to a device of that name, maybe in another
 * network namespace, since the directory is one for all.
 *
 * Removing the socket ends the device, and its end removes the socket: but only
 * this very one, for another device may have taken its place meanwhile.
 */
#include "uapisocket.h"

#include "die.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/var/run/wireguard"

enum { BACKLOG = 16 };

/**
 * make_directory() - See to it that there is a directory for sockets
 */
static void make_directory(void)
{
	if (mkdir("/var/run", 0755) != 0 && errno != EEXIST)
		die_errno("can't create /var/run");
	if (mkdir(DIRECTORY, 0755) != 0 && errno != EEXIST)
		die_errno("can't create " DIRECTORY);
}

/**
 * is_stale() - Does nobody listen any more?
 * @address:	Address of a socket
 */
static bool is_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused;

	if (fd < 0)
		die_errno("can't create a socket");
	is_refused = connect(fd, (const struct sockaddr *)address,
			     sizeof(*address)) != 0 &&
		     errno == ECONNREFUSED;
	close(fd);
	return is_refused;
}

/**
 * watch() - Watch the directory, and remember which socket is ours
 * @socket:	Bound socket
 */
static void watch(struct uapisocket *socket)
{
	struct stat file;

	socket->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (socket->events < 0 ||
	    inotify_add_watch(socket->events, DIRECTORY,
			      IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
				      IN_DELETE_SELF | IN_MOVE_SELF |
				      IN_ONLYDIR) < 0)
		die_errno("can't watch " DIRECTORY);
	if (lstat(socket->address.sun_path, &file) != 0)
		die_errno("can't examine %s", socket->address.sun_path);
	socket->device = file.st_dev;
	socket->inode = file.st_ino;
}

/**
 * uapisocket_bind() - Bind a device's socket
 * @uapi:	Gets the socket
 * @name:	Name of the device
 */
void uapisocket_bind(struct uapisocket *uapi, const char *name)
{
	const struct sockaddr *address = (struct sockaddr *)&uapi->address;
	const char *path = uapi->address.sun_path;
	mode_t mask;

	memset(&uapi->address, 0, sizeof(uapi->address));
	uapi->address.sun_family = AF_UNIX;
	snprintf(uapi->address.sun_path, sizeof(uapi->address.sun_path),
		 DIRECTORY "/%s.sock", name);
	make_directory();
	uapi->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (uapi->listener < 0)
		die_errno("can't create a socket");
	/* Who may connect may read the private key. */
	mask = umask(077);
	if (bind(uapi->listener, address, sizeof(uapi->address)) != 0) {
		if (errno != EADDRINUSE)
			die_errno("can't bind %s", path);
		if (!is_stale(&uapi->address))
			die(STATUS_SETUP,
			    "%s is in use by another device (EADDRINUSE); end "
			    "that one first, or choose another name",
			    path);
		if ((unlink(path) != 0 && errno != ENOENT) ||
		    bind(uapi->listener, address, sizeof(uapi->address)) != 0)
			die_errno("can't replace %s", path);
	}
	umask(mask);
	if (listen(uapi->listener, BACKLOG) != 0)
		die_errno("can't listen on %s", path);
	watch(uapi);
}

/**
 * uapisocket_is_there() - Is the socket still where it was?
 * @socket:	Bound socket
 */
bool uapisocket_is_there(const struct uapisocket *socket)
{
	_Alignas(struct inotify_event) char events[4096];
	struct stat file;

	while (read(socket->events, events, sizeof(events)) > 0)
		continue;
	return lstat(socket->address.sun_path, &file) == 0 &&
	       file.st_dev == socket->device && file.st_ino == socket->inode;
}

/**
 * uapisocket_remove() - Remove the socket, if it is there
 * @socket:	Bound socket
 */
void uapisocket_remove(const struct uapisocket *socket)
{
	if (uapisocket_is_there(socket))
		unlink(socket->address.sun_path);
}
