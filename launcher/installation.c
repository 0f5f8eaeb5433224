/* SPDX-License-Identifier: MIT */
/* installation.c - where Node and our own scripts are */
#include "installation.h"

#include "command.h"
#include "die.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/**
 * installation_find_node() - Find the Node executable
 * @path:	Gets its path
 */
void installation_find_node(char path[PATH_MAX])
{
	static const char *const places[] = {"node", "/usr/local/bin/node",
					     "/usr/bin/node"};
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (command_search(places[i], path) == 0)
			return;
	}
	die(STATUS_SETUP, "Node.js is not installed (no node in PATH); install "
			  "version 20.19 or later");
}

/**
 * installation_find_script() - Find what was installed with this launcher
 * @name:	Name of the file
 * @path:	Gets its path
 */
void installation_find_script(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX], *slash = NULL;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int written;

	if (len < 0)
		die_errno("can't read /proc/self/exe; /proc is needed");
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	written = snprintf(path, PATH_MAX, "%s/../lib/wg-wrap/%s", self, name);
	if (written < 0 || written >= PATH_MAX)
		die(STATUS_SETUP, "the path of wg-wrap is too long");
	if (access(path, R_OK) != 0)
		die_errno("can't read %s; install wg-wrap again", path);
}
