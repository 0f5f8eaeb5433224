/* SPDX-License-Identifier: MIT */
/*
 * buses.c - the sockets of D-Bus that --mask-dbus covers one by one
 *
 * Over a bus a program can ask others to start programs for it, and these are
 * outside. The system bus has a directory of its own, which is masked like
 * those of resolver daemons (masks.c). A session bus has its socket among those
 * of Wayland and sound, so it is covered by itself, with /dev/null: who connects
 * to that is refused. systemd's manager of the user has another one, which
 * systemctl and systemd-run take before they take the bus.
 *
 * Only sockets are covered. A path of the environment's could be a link to
 * anywhere, so the last name must not be one, and what was looked at is what is
 * mounted on.
 */
#include "buses.h"

#include "cause.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const buses_sockets[] = {"bus", "systemd/private"};

static const char *const variables[] = {"DBUS_SESSION_BUS_ADDRESS",
					"DBUS_SYSTEM_BUS_ADDRESS"};

/**
 * hide_socket() - Cover a socket
 * @path:	Its path, or that of a link to it; nothing but a socket is covered
 */
static void hide_socket(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat file;
	char target[32];

	if (fd < 0)
		return;
	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	if (fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode) &&
	    mount("/dev/null", target, NULL, MS_BIND, NULL) != 0 &&
	    errno != ENOENT)
		cause_die(CAUSE_MOUNT, path);
	close(fd);
}

/**
 * hide_below() - Cover the sockets of a runtime directory
 * @directory:	Its path
 * @len:	Length of that
 */
static void hide_below(const char *directory, size_t len)
{
	char path[PATH_MAX];
	int i;

	for (i = 0; i < BUSES_SOCKETS; i++) {
		if (snprintf(path, sizeof(path), "%.*s/%s", (int)len, directory,
			     buses_sockets[i]) < (int)sizeof(path))
			hide_socket(path);
	}
}

/**
 * take_value() - Decode a value of an address
 * @from:	Where it begins
 * @value:	Gets it, PATH_MAX bytes; empty if it is too long
 */
static void take_value(const char *from, char *value)
{
	size_t len = strcspn(from, ",;"), used = 0, i;
	char digits[3] = "";

	for (i = 0; i < len && used < PATH_MAX - 1; i++) {
		if (from[i] == '%' && i + 2 < len) {
			memcpy(digits, from + i + 1, 2);
			value[used++] = (char)strtol(digits, NULL, 16);
			i += 2;
		} else {
			value[used++] = from[i];
		}
	}
	value[i < len ? 0 : used] = '\0';
}

/**
 * buses_each_path() - Find the sockets in an address
 * @address:	"unix:path=/run/user/1000/bus,guid=...;unix:..."
 * @visit:	Called for each, or NULL
 * Returns how many there are.
 */
int buses_each_path(const char *address, void (*visit)(const char *path))
{
	char path[PATH_MAX];
	int count = 0;

	while (*address) {
		const char *pair = address;

		while (strncmp(address, "unix:", 5) == 0 && pair) {
			pair += pair == address ? 5 : 1;
			if (strncmp(pair, "path=", 5) == 0) {
				take_value(pair + 5, path);
				if (visit)
					visit(path);
				count++;
			}
			pair += strcspn(pair, ",;");
			if (*pair != ',')
				pair = NULL;
		}
		address += strcspn(address, ";");
		address += *address == ';';
	}
	return count;
}

/**
 * buses_hide() - Cover the sockets of session buses
 * @wg_wrap_dir:	Directory of all state directories, or NULL
 */
void buses_hide(const char *wg_wrap_dir)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *value, *slash;
	char usual[32];
	size_t i;

	slash = wg_wrap_dir ? strrchr(wg_wrap_dir, '/') : NULL;
	if (slash)
		hide_below(wg_wrap_dir, (size_t)(slash - wg_wrap_dir));
	if (runtime && *runtime == '/')
		hide_below(runtime, strlen(runtime));
	snprintf(usual, sizeof(usual), "/run/user/%u", geteuid());
	hide_below(usual, strlen(usual));
	for (i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		value = getenv(variables[i]);
		if (value)
			buses_each_path(value, hide_socket);
	}
}
