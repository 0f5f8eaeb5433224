/* SPDX-License-Identifier: MIT */
/* devicekeep.h - a device's life, from the engine's start to its end */
#ifndef WG_WRAP_DEVICEKEEP_H
#define WG_WRAP_DEVICEKEEP_H

#include "engine.h"
#include "link.h"
#include "uapisocket.h"

#include <stdbool.h>

/* What was made for the device. All of it is the keeper's to close. */
struct devicekeep {
	const char *name;
	const struct engine_program *program;
	struct link link;
	struct uapisocket socket;
	int output; /* the engine's log */
	int log;    /* the engine's last words */
	int report; /* for daemon_report(); -1 in the foreground */
	bool keeps_stderr;
};

_Noreturn void devicekeep_run(const struct devicekeep *device);

#endif
