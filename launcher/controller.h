/* SPDX-License-Identifier: MIT */
/* controller.h - starting the controller, and becoming it */
#ifndef WG_WRAP_CONTROLLER_H
#define WG_WRAP_CONTROLLER_H

#include <signal.h>
#include <sys/types.h>

/* What a controller that builds or waits is given. */
struct controller_fds {
	int lock; /* -1 for a controller that only waits */
	int directory;
	int conversation;
};

struct controller {
	pid_t pid;
	struct sigaction child_action; /* the caller's own, put back later */
};

_Noreturn void controller_become(char *const *argv);
void controller_start(struct controller *controller, const char *role,
		      const struct controller_fds *fds, char *const *argv);
int controller_wait(struct controller *controller);

#endif
