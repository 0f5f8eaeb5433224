/* SPDX-License-Identifier: MIT */
/* installation.h - where Node and our own scripts are */
#ifndef WG_WRAP_INSTALLATION_H
#define WG_WRAP_INSTALLATION_H

#include <limits.h>

/* Both die where there is none. name is that of the script's file. */
void installation_find_node(char path[PATH_MAX]);
void installation_find_script(const char *name, char path[PATH_MAX]);

#endif
