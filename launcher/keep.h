/* SPDX-License-Identifier: MIT */
/* keep.h - a tunnel's life, from the engine's first start to its end */
#ifndef WG_WRAP_KEEP_H
#define WG_WRAP_KEEP_H

#include <sys/types.h>

struct engine_program;
struct plan;

/* What the pin has built. All of it is the keeper's to close and unlink. */
struct keep_tunnel {
	const struct plan *plan;
	const struct engine_program *program;
	int directory;
	int log;
	int record;
	int signals; /* SIGCHLD and SIGTERM as data */
	ino_t netns;
	/* Called once, when the engine is ready and the start can't fail. */
	void (*announce)(void);
};

_Noreturn void keep_run(const struct keep_tunnel *tunnel);

#endif
