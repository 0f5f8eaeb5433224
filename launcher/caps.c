/* SPDX-License-Identifier: MIT */
/*
 * caps.c - what a process may still do after its last privileged step
 *
 * A process that joined the tunnel's user namespace holds all capabilities in
 * it. The engine goes on with CAP_NET_ADMIN, kept across execve() as an ambient
 * capability: it is also what forbids the command, which has the same uid, to
 * trace the engine or read its memory. The command goes on with none.
 *
 * no_new_privs also holds back uid 0, to whom execve() would otherwise give
 * everything in the bounding set. The bounding set itself stays full: without
 * it a program with file capabilities, like ping, can't be executed at all.
 * Securebits stay as they are for the same reason.
 */
#include "caps.h"

#include "die.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/**
 * set_capabilities() - Set permitted, effective and inheritable alike
 * @low:	Bits of the capabilities 0 to 31; all higher ones are dropped
 */
static void set_capabilities(unsigned int low)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = low, .permitted = low, .inheritable = low}};

	if (syscall(SYS_capset, &header, data) != 0)
		die_errno("can't set capabilities");
}

/**
 * set_no_new_privs() - Let no execve() raise privileges any more
 */
static void set_no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
		die_errno("can't set no_new_privs");
}

/**
 * keep_across_execve() - Go on with some capabilities alone
 * @low:	Bits of the capabilities 0 to 31
 */
static void keep_across_execve(unsigned int low)
{
	unsigned long number;

	set_capabilities(low);
	for (number = 0; number < 32; number++) {
		if ((low >> number & 1) != 0 &&
		    prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_RAISE,
			  number, 0UL, 0UL) != 0)
			die_errno("can't keep capability %lu", number);
	}
	set_no_new_privs();
}

/**
 * caps_keep_net_admin() - Go on with CAP_NET_ADMIN alone, across execve() too
 */
void caps_keep_net_admin(void)
{
	keep_across_execve(1U << CAP_NET_ADMIN);
}

/**
 * caps_keep_for_device() - Go on with what a device's sockets can need
 * CAP_NET_ADMIN to mark packets, CAP_NET_BIND_SERVICE for a port below 1024;
 * of the two, those that there are.
 */
void caps_keep_for_device(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0)
		die_errno("can't look up capabilities");
	keep_across_execve(data[0].permitted &
			   (1U << CAP_NET_ADMIN | 1U << CAP_NET_BIND_SERVICE));
}

/**
 * caps_drop_all() - Go on with no capability
 * Without them any process inside may trace this one. So no_new_privs comes
 * first: a tracer would else have it execute a program with capabilities.
 */
void caps_drop_all(void)
{
	set_no_new_privs();
	if (prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL,
		  0UL, 0UL) != 0)
		die_errno("can't clear ambient capabilities");
	set_capabilities(0);
}
