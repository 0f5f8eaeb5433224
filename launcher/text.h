/* SPDX-License-Identifier: MIT */
/* text.h - whole small files, in and out */
#ifndef WG_WRAP_TEXT_H
#define WG_WRAP_TEXT_H

#include <stddef.h>

/*
 * Reads a file of at most max bytes, with a NUL after them. Returns what the
 * caller frees, or NULL with errno; EFBIG where there is more.
 */
char *text_read(int dir, const char *path, size_t max, size_t *len);

/*
 * Reads a file of one short line into text, without the newline. Returns 0, or
 * -1 with errno. What doesn't fit is cut off.
 */
int text_read_line(const char *path, char *text, size_t size);

/* Creates a file of mode 0644. Returns 0, or -1 with errno. */
int text_create(int dir, const char *path, const char *text, size_t len);

#endif
