/* SPDX-License-Identifier: MIT */
/* sshglob.h - the files that a pattern matches */
#ifndef WG_WRAP_SSHGLOB_H
#define WG_WRAP_SSHGLOB_H

/*
 * Calls found for each file that the pattern matches, in no order. A pattern is
 * absolute and has no empty, "." or ".." components.
 */
void sshglob(const char *pattern,
	     void (*found)(void *context, const char *path), void *context);

#endif
