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

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

enum {
	MAX_BYTES = 4 << 20,
	SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL,
};

/**
 * create_memfd() - Create the file for the configuration
 * Returns the descriptor.
 */
static int create_memfd(void)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("wg-wrap", flags | MFD_NOEXEC_SEAL);

	/* Kernels before 6.3 don't know the seal against execution. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("wg-wrap", flags);
	if (fd < 0)
		die_errno("can't create a memfd");
	return fd;
}

/**
 * configuration_seal() - Put a configuration where only the engine looks
 * @fd:		Where it comes from; closed
 * Returns the memfd, CLOEXEC. A text without its last character is a dead
 * controller's, and the front has said so, if it isn't dead itself.
 */
int configuration_seal(int fd)
{
	int memfd = create_memfd();
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
	if (fcntl(memfd, F_ADD_SEALS, SEALS) != 0)
		die_errno("can't seal a memfd");
	close(fd);
	return memfd;
}

/**
 * configuration_is_sealed() - Whether a descriptor is a sealed memfd
 * @fd:		Descriptor
 */
bool configuration_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}
