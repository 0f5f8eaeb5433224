/* SPDX-License-Identifier: MIT */
/* record.h - the file `pin`: what a tunnel says of itself */
#ifndef WG_WRAP_RECORD_H
#define WG_WRAP_RECORD_H

#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct plan;

/* A path, a name, the options, and room for the rest. */
enum { RECORD_MAX = 16384 };

enum record_state {
	RECORD_STARTING,  /* no handshake yet, or none since a failure */
	RECORD_CONNECTED, /* as the engine told last */
	RECORD_STALE,	  /* data goes out and no peer answers */
	RECORD_FAILED,	  /* engines end again and again; none runs just now */
	RECORD_STATES,
};

/* Strings point into the text. */
struct record {
	enum record_state state;
	pid_t pid;
	ino_t netns;
	const char *tunnel;
	const char *config;
	const char *stamp;
	struct options options;
	char text[RECORD_MAX + 1];
};

bool record_parse(struct record *record);
void record_read(int fd, struct record *record);
enum record_state record_state(int fd);
bool record_is_usable(enum record_state state);
bool record_await_usable(int fd, int limit_ms);

int record_create(int directory, const struct plan *plan, ino_t netns);
void record_set_state(int fd, enum record_state state);
void record_set_engine(int fd, pid_t engine);
void record_set_restarts(int fd, unsigned int restarts);
void record_forget_stamp(int fd);

#endif
