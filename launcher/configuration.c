/* SPDX-License-Identifier: MIT */
/*
 * configuration.c - the engine's configuration, which only the engine reads
 *
 * It holds keys. From the controller it comes through a pipe, and it goes into
 * a sealed memfd: each engine of the tunnel reads the same text, nobody can
 * change it, and it is on no disk.
 */
#include "configuration.h"

#include "die.h"
#include "memfd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BYTES = 4 << 20 };

/**
 * configuration_seal() - Put a configuration where only the engine looks
 * @fd:		Where it comes from; closed
 * Returns the memfd, CLOEXEC. A text without its last character is a dead
 * controller's, and the front has said so, if it isn't dead itself.
 */
int configuration_seal(int fd)
{
	int memfd = memfd_open();
	size_t total = 0;
	char chunk[4096], last = '\0';
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die_errno("can't read the engine's configuration");
		total += (size_t)got;
		if (total > MAX_BYTES)
			die(STATUS_SETUP, "internal: the engine's "
					  "configuration is too long");
		if (write(memfd, chunk, (size_t)got) != got)
			die_errno("can't write to a memfd");
		last = chunk[got - 1];
	}
	/* There are keys in it. */
	explicit_bzero(chunk, sizeof(chunk));
	if (last != '}')
		_exit(STATUS_SETUP);
	memfd_seal(memfd);
	close(fd);
	return memfd;
}
