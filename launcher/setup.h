/* SPDX-License-Identifier: MIT */
/* setup.h - the tunnel's namespaces and everything in them, in one call */
#ifndef WG_WRAP_SETUP_H
#define WG_WRAP_SETUP_H

struct plan;

/* All four are CLOEXEC; the three namespaces live as long as their fds do. */
struct setup_result {
	int tun;
	int user_ns;
	int mnt_ns;
	int net_ns;
};

/*
 * Forks the set-up child, which builds what the plan says, and takes its fds.
 *
 * wg_wrap_dir is the directory of all state directories, by an absolute path;
 * key_hash is this tunnel's part of its key. The caller is single-threaded and
 * stays in the host namespaces. Where anything fails, the child's one message
 * is printed and the process exits with STATUS_SETUP.
 */
void setup_run(const struct plan *plan, const char *wg_wrap_dir,
	       const char *key_hash, struct setup_result *result);

#endif
