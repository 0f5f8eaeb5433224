/* SPDX-License-Identifier: MIT */
/*
 * abstract.c - servers of the host that a network namespace hides
 *
 * A Unix socket without a path, an abstract one, belongs to a network namespace
 * and can't be seen from another. X servers and session buses mostly have one
 * with a path as well; some have not, and then a program inside only says that
 * it can't connect.
 */
#include "abstract.h"

#include "buses.h"
#include "die.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define X11_DIRECTORY "/tmp/.X11-unix/X"

enum { LINE_MAX_BYTES = 256, DISPLAY_MAX_DIGITS = 5 };

/**
 * is_listening() - Is there an abstract socket of that name?
 * @name:	The name
 */
static bool is_listening(const char *name)
{
	FILE *list = fopen("/proc/net/unix", "re");
	char line[LINE_MAX_BYTES];
	bool is_found = false;
	const char *at;

	while (list && !is_found && fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		at = strchr(line, '@');
		is_found = at && strcmp(at + 1, name) == 0;
	}
	if (list)
		fclose(list);
	return is_found;
}

/**
 * is_hidden_display() - Has the X server only an abstract socket?
 * @display:	Value of DISPLAY
 * One with a host's name is reached by TCP.
 */
static bool is_hidden_display(const char *display)
{
	char path[sizeof(X11_DIRECTORY) + DISPLAY_MAX_DIGITS];
	struct stat file;
	size_t digits;

	if (strncmp(display, "unix", 4) == 0)
		display += 4;
	if (*display++ != ':')
		return false;
	digits = strspn(display, "0123456789");
	if (digits == 0 || digits > DISPLAY_MAX_DIGITS ||
	    (display[digits] != '\0' && display[digits] != '.'))
		return false;
	snprintf(path, sizeof(path), X11_DIRECTORY "%.*s", (int)digits,
		 display);
	return stat(path, &file) != 0 && is_listening(path);
}

/**
 * is_hidden_bus() - Has a session bus only an abstract socket?
 * @address:	Its address
 */
static bool is_hidden_bus(const char *address)
{
	return buses_each_path(address, NULL) == 0 &&
	       strncmp(address, "unix:abstract=", 14) == 0;
}

/**
 * abstract_warn() - Warn of servers that can't be reached from inside
 * @wants_bus:	A session bus is not to be hidden anyway
 */
void abstract_warn(bool wants_bus)
{
	const char *display = getenv("DISPLAY");
	const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS");
	static const char text[] = "%s is only on an abstract socket, which a "
				   "network namespace hides";

	if (display && is_hidden_display(display))
		warn(text, "X11");
	if (wants_bus && bus && is_hidden_bus(bus))
		warn(text, "D-Bus");
}
