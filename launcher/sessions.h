/* SPDX-License-Identifier: MIT */
/* sessions.h - who uses a tunnel */
#ifndef WG_WRAP_SESSIONS_H
#define WG_WRAP_SESSIONS_H

#include <sys/types.h>

/* A pid and one more small number. */
enum { SESSION_NAME_MAX = 24 };

struct session {
	int fd; /* CLOEXEC until the command is executed */
	char name[SESSION_NAME_MAX];
};

/* A session as others see it: its file, and the pid in the file's name. */
struct session_id {
	dev_t device;
	ino_t inode;
	pid_t pid;
};

int sessions_directory(int directory);
void sessions_register(int directory, struct session *session);
void sessions_complete(const struct session *session, ino_t netns);
void sessions_withdraw(int directory, const struct session *session);
void sessions_bequeath(const struct session *session);

int sessions_count(int sessions, ino_t netns);
int sessions_list(int sessions, ino_t netns, struct session_id *ids, int max);
int sessions_inhabitants(ino_t netns, pid_t pin, pid_t *pids, int max);

#endif
