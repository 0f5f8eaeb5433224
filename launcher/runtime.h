/* SPDX-License-Identifier: MIT */
/* runtime.h - the one directory that holds the state of all tunnels */
#ifndef WG_WRAP_RUNTIME_H
#define WG_WRAP_RUNTIME_H

#include <limits.h>

int runtime_open(void);
int runtime_subdirectory(int parent, const char *name);
void runtime_path(int directory, char path[PATH_MAX]);
_Noreturn void runtime_die(int directory, const char *what);

#endif
