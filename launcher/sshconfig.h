/* SPDX-License-Identifier: MIT */
/* sshconfig.h - what ssh's system configuration includes, as files of ours */
#ifndef WG_WRAP_SSHCONFIG_H
#define WG_WRAP_SSHCONFIG_H

#include <stdbool.h>
#include <stdio.h>

/* Copies the files into a directory that will cover /etc. */
void sshconfig_copy(int directory);

/*
 * Writes a configuration's text so that files from outside of /etc are included
 * from our copies of them. Returns whether a line was changed.
 */
bool sshconfig_rewrite(const char *text, FILE *out);

/*
 * Calls found for each pattern that a configuration includes: absolute, and
 * without empty or dot components.
 */
void sshconfig_includes(const char *text,
			void (*found)(void *context, const char *pattern),
			void *context);

#endif
