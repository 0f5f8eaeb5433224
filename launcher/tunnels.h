/* SPDX-License-Identifier: MIT */
/* tunnels.h - the user's running tunnels */
#ifndef WG_WRAP_TUNNELS_H
#define WG_WRAP_TUNNELS_H

#include "instance.h"
#include "record.h"

#include <dirent.h>
#include <stdbool.h>

/* One that was found: not held, so it may end at any moment. */
struct tunnel {
	struct instance instance;
	struct record record;
};

struct tunnels {
	int runtime;
	DIR *list;
};

void tunnels_open(struct tunnels *tunnels);

/* Finds the next one. Its instance is the caller's to close. */
bool tunnels_next(struct tunnels *tunnels, struct tunnel *tunnel);
void tunnels_close(struct tunnels *tunnels);

/*
 * Finds the tunnel that is called so: by its configuration's path if there is a
 * slash in it or it ends in ".conf", else by its name. NULL is the only one that
 * runs. Returns false if there is none, and dies where it could be two.
 */
bool tunnels_find(const char *name, struct tunnel *tunnel);

#endif
