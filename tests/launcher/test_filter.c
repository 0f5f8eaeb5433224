/* SPDX-License-Identifier: MIT */
/* test_filter.c - what the filter refuses, and what it leaves alone */
#include "filter.h"

#include "../setup/test.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* Whether a call is refused with a certain errno. */
static int fails(long result, int failure)
{
	return result == -1 && errno == failure;
}

static void test_what_is_refused(void)
{
	CHECK(fails(
		syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0),
		EPERM));
	CHECK(fails(syscall(SYS_bpf, 0, NULL, 0), EPERM));
	CHECK(fails(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM));
	CHECK(fails(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0), EPERM));
	CHECK(fails(syscall(SYS_ptrace, PTRACE_PEEKDATA, getpid(), 0, 0),
		    EPERM));
	/* Asked for by anybody else it would be another errno, or a socket. */
	CHECK(fails(socket(AF_PACKET, SOCK_RAW, 0), EAFNOSUPPORT));
	CHECK(fails(socket(AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT));
	CHECK(fails(socket(AF_ALG, SOCK_SEQPACKET, 0), EAFNOSUPPORT));
}

static void test_other_numbers(void)
{
#ifdef __x86_64__
	CHECK(fails(syscall(0x40000000 + SYS_getpid), ENOSYS));
#endif
}

static void test_what_is_left(void)
{
	int status;
	pid_t pid;

	CHECK(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
	CHECK(socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || errno == EAFNOSUPPORT);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
	CHECK(memfd_create("x", 0) >= 0);
	pid = fork();
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
	int status;
	pid_t pid = fork();

	/* In a child: the sanitizers want to trace at the end of this one. */
	if (pid == 0) {
		filter_install();
		TEST("what the pin never needs is refused",
		     test_what_is_refused);
		TEST("numbers of another architecture are no calls",
		     test_other_numbers);
		TEST("what the pin needs is allowed", test_what_is_left);
		fflush(stdout);
		_exit(report());
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? EXIT_SUCCESS
							      : EXIT_FAILURE;
}
