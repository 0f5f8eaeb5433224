/* SPDX-License-Identifier: MIT */
/*
 * coredump.c - processes that must leave no core dump
 *
 * Controller and engine have keys in their memory, and a wrapped program, which
 * has the same uid, may send them a deadly signal and may change their limits.
 * So it is the hard limit that counts, which only root can raise again.
 *
 * It is one byte and not zero: a system whose dumps go to a program, as with
 * systemd-coredump, passes over a limit of zero, but dumps nothing at a limit of
 * one (core(5), "Piping core dumps to a program"). A file needs at least a page,
 * so that there is none either.
 */
#include "coredump.h"

#include "die.h"

#include <sys/resource.h>

enum { LIMIT = 1 };

/**
 * coredump_forbid() - Let neither this process nor its children be dumped
 */
void coredump_forbid(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) != 0)
		die_errno("can't look up the limit of core dumps");
	limit.rlim_cur = limit.rlim_max < LIMIT ? limit.rlim_max : LIMIT;
	limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_CORE, &limit) != 0)
		die_errno("can't forbid core dumps");
}
