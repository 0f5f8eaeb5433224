/* SPDX-License-Identifier: MIT */
/* profile.h - which configuration file the user means */
#ifndef WG_WRAP_PROFILE_H
#define WG_WRAP_PROFILE_H

#include <limits.h>
#include <stdbool.h>

/* Four decimal numbers of up to 20 digits. */
enum { STAMP_MAX = 96 };

struct profile {
	char path[PATH_MAX];   /* real, so links to one file are one tunnel */
	char stamp[STAMP_MAX]; /* DEV INODE SIZE MTIME_NS */
};

bool profile_is_path(const char *choice);
bool profile_find(const char *option, struct profile *profile);

#endif
