/* SPDX-License-Identifier: MIT */
/*
 * deny - run a program on a kernel that can do less
 *
 *	deny FEATURE... -- PROGRAM [ARGUMENT...]
 *
 * Each feature is refused as a kernel refuses it that doesn't have it. The
 * filter is inherited by whatever the program starts.
 *
 *	offload	TUNSETOFFLOAD for anything but nothing
 *	uso	TUNSETOFFLOAD with super-packets of UDP: before Linux 6.2
 *	segment	UDP_SEGMENT: before Linux 4.18
 *	gro	UDP_GRO: before Linux 5.0
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	RULE_LEN = 7,
	UDP_SEGMENT_OPTION = 103,
	UDP_GRO_OPTION = 104,
	/* TUN_F_USO4 and TUN_F_USO6. */
	USO_BITS = 0x60,
};

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Goes on with the next rule unless what is loaded is the value. */
#define UNLESS(value, rest) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, rest)
#define ANSWER(value)	    BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE(error)	    ANSWER(SECCOMP_RET_ERRNO | (error))

/* Of an argument the lower half is enough. */
static const struct {
	const char *name;
	struct sock_filter rule[RULE_LEN];
} features[] = {
	{"offload",
	 {LOAD(nr), UNLESS(SYS_ioctl, 5), LOAD(args[1]),
	  UNLESS(TUNSETOFFLOAD, 3), LOAD(args[2]),
	  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), REFUSE(EINVAL)}},
	{"uso",
	 {LOAD(nr), UNLESS(SYS_ioctl, 5), LOAD(args[1]),
	  UNLESS(TUNSETOFFLOAD, 3), LOAD(args[2]),
	  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, USO_BITS, 0, 1),
	  REFUSE(EINVAL)}},
	{"segment",
	 {LOAD(nr), UNLESS(SYS_getsockopt, 5), LOAD(args[1]),
	  UNLESS(IPPROTO_UDP, 3), LOAD(args[2]), UNLESS(UDP_SEGMENT_OPTION, 1),
	  REFUSE(ENOPROTOOPT)}},
	{"gro",
	 {LOAD(nr), UNLESS(SYS_setsockopt, 5), LOAD(args[1]),
	  UNLESS(IPPROTO_UDP, 3), LOAD(args[2]), UNLESS(UDP_GRO_OPTION, 1),
	  REFUSE(ENOPROTOOPT)}},
};

enum { FEATURES = sizeof(features) / sizeof(*features) };

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* Appends the rule of a feature; returns the new length. */
static unsigned short append(struct sock_filter *filter, unsigned short len,
			     const char *name)
{
	int i;

	for (i = 0; i < FEATURES; i++)
		if (strcmp(features[i].name, name) == 0)
			break;
	if (i == FEATURES) {
		errno = EINVAL;
		fail(name);
	}
	memcpy(filter + len, features[i].rule, sizeof(features[i].rule));
	return (unsigned short)(len + RULE_LEN);
}

int main(int argc, char **argv)
{
	struct sock_filter filter[FEATURES * RULE_LEN + 1];
	struct sock_fprog program = {.filter = filter};
	int at = 1;

	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if (at > FEATURES)
			return EXIT_FAILURE;
		program.len = append(filter, program.len, argv[at]);
	}
	filter[program.len++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		fail("seccomp");
	if (at + 1 >= argc)
		return EXIT_FAILURE;
	execvp(argv[at + 1], argv + at + 1);
	fail(argv[at + 1]);
}
