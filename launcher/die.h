/* SPDX-License-Identifier: MIT */
/* die.h - messages on stderr, and the launcher's own exit statuses */
#ifndef WG_WRAP_DIE_H
#define WG_WRAP_DIE_H

enum {
	STATUS_USAGE = 64,
	STATUS_CONFIG = 78,
	STATUS_NOT_CONNECTED = 124,
	STATUS_SETUP = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

/* Prints "wg-wrap: " and the message as one line, in one write, and exits. */
__attribute__((format(printf, 2, 3))) _Noreturn void
die(int status, const char *format, ...);

/* The same with STATUS_SETUP, and the name of errno in parentheses at the end. */
__attribute__((format(printf, 1, 2))) _Noreturn void
die_errno(const char *format, ...);

/* From here on warn() prints nothing. */
void be_quiet(void);

/* Prints the line and goes on. */
__attribute__((format(printf, 1, 2))) void warn(const char *format, ...);

#endif
