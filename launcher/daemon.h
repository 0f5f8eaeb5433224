/* SPDX-License-Identifier: MIT */
/* daemon.h - from somebody's child to a process of its own */
#ifndef WG_WRAP_DAEMON_H
#define WG_WRAP_DAEMON_H

/*
 * Puts signals and limits in order: default actions, nothing blocked, SIGPIPE
 * ignored, no core dumps. name is the process's in lists; umask is 022.
 */
void daemon_settle(const char *name);

/*
 * Goes on as a daemon and returns the descriptor for daemon_report(). The
 * process that called it stays until then, to exit 0, or with STATUS_SETUP if
 * the daemon ends before. who is what a message calls the daemon.
 */
int daemon_detach(const char *who);

/* Lets the first process exit 0, and closes the descriptor. */
void daemon_report(int status);

/* Returns a descriptor that reads those signals as data; 0 ends the list. */
int daemon_watch_signals(const int *signals);

#endif
