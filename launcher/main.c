/* SPDX-License-Identifier: MIT */
/* main.c - which role is this: front, pin, applying or device? */
#include "apply.h"
#include "device.h"
#include "die.h"
#include "front.h"
#include "pin.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/**
 * fill_standard_fds() - Keep 0 to 2 from being given to files of ours
 * A caller may have closed them. The stand-ins are CLOEXEC, so the command
 * finds them closed too.
 */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			die_errno("can't open /dev/null");
	} while (fd <= STDERR_FILENO);
	close(fd);
}

/**
 * is_called() - Was this started by a certain name?
 * @word:	argv[0]
 * @name:	The name, without a directory
 */
static bool is_called(const char *word, const char *name)
{
	const char *slash = strrchr(word, '/');

	return strcmp(slash ? slash + 1 : word, name) == 0;
}

/**
 * main() - Choose the role
 * @argc:	Number of words
 * @argv:	Command line
 */
int main(int argc, char **argv)
{
	fill_standard_fds();
	if (argc < 1)
		die(STATUS_USAGE, "the command line is empty");
	if (getauxval(AT_SECURE) != 0)
		die(STATUS_SETUP, "wg-wrap must not be installed set-user-ID "
				  "or with file capabilities; chmod 755 and "
				  "setcap -r it");
	if (strcmp(argv[0], PIN_NAME) == 0)
		pin_main();
	if (strcmp(argv[0], APPLY_NAME) == 0)
		apply_main();
	if (is_called(argv[0], DEVICE_NAME))
		device_main(argv + 1);
	if (argc > 1 && strcmp(argv[1], DEVICE_WORD) == 0)
		device_main(argv + 2);
	front_main(argc, argv);
}
