/* SPDX-License-Identifier: MIT */
/* test_caps.c - in which order a process gives its powers up */
#include "caps.h"

#include "../setup/test.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* linux/ptrace.h collides with the C library's in old ones. */
#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO 0x420e
#endif

/* The beginning of struct ptrace_syscall_info: an entry has op 1. */
struct stop {
	unsigned char op, pad[3];
	unsigned int arch;
	unsigned long long pointers[2], number;
};

static char status_line(pid_t pid, const char *name)
{
	char path[64], line[256], value = '?';
	size_t len = strlen(name);
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "r");
	CHECK(status != NULL);
	while (status && fgets(line, sizeof(line), status)) {
		if (strncmp(line, name, len) == 0)
			value = line[len + 2];
	}
	if (status)
		fclose(status);
	return value;
}

/* Steps a stopped child to its end. Returns how often it called capset(). */
static int step_to_end(pid_t child)
{
	int status, dropped = 0;
	struct stop stop;

	while (ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0 &&
	       waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		memset(&stop, 0, sizeof(stop));
		CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(stop),
			     &stop) > 0);
		if (stop.op != 1 || stop.number != SYS_capset)
			continue;
		dropped++;
		CHECK(status_line(child, "NoNewPrivs") == '1');
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return dropped;
}

static void test_drop(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		caps_drop_all();
		_exit(0);
	}
	CHECK(child > 0);
	CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	/* Without this a stop doesn't tell what it is about. */
	CHECK(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD) ==
	      0);
	CHECK(step_to_end(child) == 1);
}

int main(void)
{
	TEST("no_new_privs holds before the capabilities are gone", test_drop);
	return report();
}
