/* SPDX-License-Identifier: MIT */
/* command.h - programs: where they are, and becoming one */
#ifndef WG_WRAP_COMMAND_H
#define WG_WRAP_COMMAND_H

#include <limits.h>

int command_search(const char *name, char path[PATH_MAX]);
void command_check(const char *name, const char *first_word);
_Noreturn void command_become(char *const *words);

#endif
