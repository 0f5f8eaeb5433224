/* SPDX-License-Identifier: MIT */
/* memfd.h - files in memory that nobody can change any more */
#ifndef WG_WRAP_MEMFD_H
#define WG_WRAP_MEMFD_H

#include <stdbool.h>

/* Creates an empty one, CLOEXEC, to be written and then sealed. */
int memfd_open(void);

void memfd_seal(int fd);
bool memfd_is_sealed(int fd);

#endif
