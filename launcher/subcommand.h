/* SPDX-License-Identifier: MIT */
/* subcommand.h - the words that are ours as a line's first one */
#ifndef WG_WRAP_SUBCOMMAND_H
#define WG_WRAP_SUBCOMMAND_H

#include <stdbool.h>

bool subcommand_is(const char *word);
const char *subcommand_nearest(const char *word);

#endif
