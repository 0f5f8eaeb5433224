/* SPDX-License-Identifier: MIT */
/* cause.h - from the step that failed to its cause and the remedy */
#ifndef WG_WRAP_CAUSE_H
#define WG_WRAP_CAUSE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The steps of the set-up that a host may forbid. */
enum cause_step {
	CAUSE_UNSHARE,
	CAUSE_SETGROUPS,
	CAUSE_UID_MAP,
	CAUSE_GID_MAP,
	CAUSE_MOUNT,
	CAUSE_TUN,
};

/* A sysctl that this kernel doesn't have. */
#define CAUSE_ABSENT (-1L)

/* What a message is decided from: the failure, and facts from evidence.c. */
struct cause {
	enum cause_step step;
	int errnum;
	/* kernel.apparmor_restrict_unprivileged_userns */
	long apparmor_userns;
	/* kernel.unprivileged_userns_clone */
	long userns_clone;
	/* user.max_{user,mnt,net}_namespaces */
	long max_user_ns;
	long max_mnt_ns;
	long max_net_ns;
	/* 2 where a filter is installed */
	long seccomp;
	bool selinux_enforcing;
	bool in_container;
	bool in_systemd_unit;
	bool in_github_actions;
	bool in_chroot;
	/* False where the launcher can't be read, or has file capabilities. */
	bool is_dumpable;
	/* No modules of the running kernel are installed. */
	bool no_modules;
	/* /dev/net/tun, as it is seen from the host; 0 where it isn't there */
	mode_t tun_mode;
	uid_t tun_uid;
	gid_t tun_gid;
	char launcher[PATH_MAX];
};

/*
 * Writes the one message, without the prefix, cut off at size. what is what the
 * step was about: a path, mostly.
 */
void cause_explain(const struct cause *cause, const char *what, char *text,
		   size_t size);

/* Prints the message about errno, and exits with STATUS_SETUP. */
_Noreturn void cause_die(enum cause_step step, const char *what);

/*
 * The same about opening /dev/net/tun. node is what it looks like from the
 * host: inside a user namespace every foreign owner is nobody.
 */
_Noreturn void cause_die_tun(const struct stat *node);

#endif
