/* SPDX-License-Identifier: MIT */
/*
 * process.c - attempts on another process: what it knows, and what it holds
 *
 * Everything that the kernel offers to look into a process or to take a copy of
 * its descriptors. A key is in the engine's memory and in one of its files; a
 * way out is in the pin's descriptors.
 */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors of ours that are worth taking have numbers below. */
enum { FDS = 32 };

/**
 * read_some() - Open a file of a process, and read from it
 * @pid:	Process
 * @file:	Name below /proc/PID
 * Some files check who asks at open(), others at read().
 */
static long read_some(pid_t pid, const char *file)
{
	char path[64], bytes[8];
	long got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* Memory has no first byte: to have it open is enough. */
	got = strcmp(file, "mem") == 0 ? 1 : read(fd, bytes, sizeof(bytes));
	close(fd);
	if (got == 0)
		/* A process that ends at this moment has nothing to tell. */
		errno = ENODATA;
	return got > 0 ? got : -1;
}

/**
 * open_one() - Open a link of a process, whatever is behind it
 * @pid:	Process
 * @link:	Name below /proc/PID
 */
static long open_one(pid_t pid, const char *link)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, link);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd;
}

/**
 * open_any() - Open the first of a process's descriptors that can be
 * @pid:	Process
 * @directory:	"fd" or "fdinfo"
 */
static long open_any(pid_t pid, const char *directory)
{
	char link[32];
	int number, failure = ENOENT;

	for (number = 0; number < FDS; number++) {
		snprintf(link, sizeof(link), "%s/%d", directory, number);
		if (open_one(pid, link) >= 0)
			return 0;
		if (errno != ENOENT)
			failure = errno;
	}
	errno = failure;
	return -1;
}

/**
 * take_any() - Duplicate the first of a process's descriptors that can be
 * @pidfd:	The process
 */
static long take_any(int pidfd)
{
	int number, failure = EBADF;

	for (number = 0; number < FDS; number++) {
		if (syscall(SYS_pidfd_getfd, pidfd, number, 0) >= 0)
			return 0;
		if (errno != EBADF)
			failure = errno;
	}
	errno = failure;
	return -1;
}

/**
 * trace() - Attach to a process, and leave it alone again
 * @pid:	Process
 * @request:	PTRACE_ATTACH or PTRACE_SEIZE
 */
static long trace(pid_t pid, int request)
{
	long result = syscall(SYS_ptrace, request, pid, 0, 0);

	if (result != 0)
		return result;
	if (request == PTRACE_SEIZE)
		syscall(SYS_ptrace, PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, NULL, __WALL);
	syscall(SYS_ptrace, PTRACE_DETACH, pid, 0, 0);
	return 0;
}

/**
 * move_memory() - Read or write a process's memory
 * @pid:	Process
 * @number:	SYS_process_vm_readv or SYS_process_vm_writev
 * The address is one of this program, which its victim shares only if it is
 * the same program, run without randomised addresses; EFAULT means allowed.
 */
static long move_memory(pid_t pid, long number)
{
	char byte = 0;
	struct iovec here = {&byte, 1}, there = {&byte, 1};
	long result = syscall(number, pid, &here, 1, &there, 1, 0);

	return result < 0 && errno == EFAULT ? 0 : result;
}

/**
 * allow_core() - Lift a process's limit on core dumps
 * @pid:	Process
 */
static long allow_core(pid_t pid)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	return syscall(SYS_prlimit64, pid, RLIMIT_CORE, &all, NULL);
}

/**
 * attack_process() - Try everything on one process
 * @pid:	Process
 */
void attack_process(pid_t pid)
{
	static const char *const files[] = {
		"environ", "mem", "maps",    "smaps",	    "auxv",
		"pagemap", "io",  "syscall", "personality", "stack"};
	static const char *const links[] = {"root",    "cwd",	 "exe",
					    "ns/user", "ns/mnt", "ns/net"};
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	char subject[16];
	long size = 0, head;
	size_t i;

	snprintf(subject, sizeof(subject), "%d", pid);
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		report(subject, files[i], read_some(pid, files[i]));
	for (i = 0; i < sizeof(links) / sizeof(*links); i++)
		report(subject, links[i], open_one(pid, links[i]));
	report(subject, "fd", open_any(pid, "fd"));
	report(subject, "fdinfo", open_any(pid, "fdinfo"));
	report(subject, "pidfd_getfd", take_any(pidfd));
	report(subject, "ptrace-attach", trace(pid, PTRACE_ATTACH));
	report(subject, "ptrace-seize", trace(pid, PTRACE_SEIZE));
	report(subject, "process_vm_readv",
	       move_memory(pid, SYS_process_vm_readv));
	report(subject, "process_vm_writev",
	       move_memory(pid, SYS_process_vm_writev));
	report(subject, "kcmp",
	       syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, 0, 0));
	report(subject, "get_robust_list",
	       syscall(SYS_get_robust_list, pid, &head, &size));
	report(subject, "core-limit", allow_core(pid));
	report(subject, "setns-all",
	       setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET));
	report(subject, "setns-net", setns(pidfd, CLONE_NEWNET));
	close(pidfd);
}

/**
 * be_victim() - Be a process without any shield
 */
_Noreturn void be_victim(void)
{
	char byte;

	/* Some systems let only a process's parents trace it, otherwise. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	printf("victim %d\n", getpid());
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	exit(0);
}
