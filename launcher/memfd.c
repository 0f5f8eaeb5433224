/* SPDX-License-Identifier: MIT */
/*
 * memfd.c - files in memory that nobody can change any more
 *
 * What goes from one process to another so is whole, stays as it was checked,
 * and is on no disk.
 */
#include "memfd.h"

#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

enum {
	SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL,
};

/**
 * memfd_open() - Create a file to be written and then sealed
 * Returns the descriptor.
 */
int memfd_open(void)
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
 * memfd_seal() - Let nobody change a file any more
 * @fd:		What memfd_open() returned
 */
void memfd_seal(int fd)
{
	if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		die_errno("can't seal a memfd");
}

/**
 * memfd_is_sealed() - Whether a descriptor is a sealed memfd
 * @fd:		Descriptor
 */
bool memfd_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}
