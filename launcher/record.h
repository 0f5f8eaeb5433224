/* SPDX-License-Identifier: MIT */
/* record.h - the file `pin`: what a tunnel says of itself */
#ifndef WG_WRAP_RECORD_H
#define WG_WRAP_RECORD_H

#include "blake2s.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct plan;

/* A path, a name, and room for the rest. */
enum { RECORD_MAX = 8192 };

/* Strings point into the text. */
struct record {
	bool is_connected;
	pid_t pid;
	ino_t netns;
	const char *tunnel;
	const char *stamp;
	const char *options;
	char text[RECORD_MAX + 1];
};

bool record_parse(struct record *record);
void record_read(int fd, struct record *record);
bool record_await_connected(int fd, int limit_ms);
int record_create(int directory, const struct plan *plan, ino_t netns);
void record_set_connected(int fd);

#endif
