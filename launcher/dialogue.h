/* SPDX-License-Identifier: MIT */
/* dialogue.h - what a front and its controller tell each other */
#ifndef WG_WRAP_DIALOGUE_H
#define WG_WRAP_DIALOGUE_H

#include <stddef.h>

struct controller;
struct controller_fds;
struct front;
struct options;

/* Starts a controller with the words of a run that means the same as ours. */
void dialogue_start(const struct front *front, const char *role,
		    const struct controller_fds *fds,
		    struct controller *controller);

/* Starts a controller that is told options. Returns the front's end. */
int dialogue_begin(const struct front *front, const char *role,
		   const struct options *options,
		   struct controller *controller);

void dialogue_hear(int conversation, char *text, size_t size);

#endif
