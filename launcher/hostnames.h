/* SPDX-License-Identifier: MIT */
/* hostnames.h - the names of endpoints, as a list and as lines of text */
#ifndef WG_WRAP_HOSTNAMES_H
#define WG_WRAP_HOSTNAMES_H

#include "value.h"

#include <stdbool.h>
#include <stddef.h>

enum { HOSTNAMES_MAX = 64 };

/* Every one is a name that a resolver can be asked for. */
struct hostnames {
	char list[HOSTNAMES_MAX][VALUE_DOMAIN_MAX_BYTES + 1];
	unsigned int count;
};

/* Adds one. Returns false if it is no host name, or one too many. */
bool hostnames_add(struct hostnames *names, const char *name);

/* Whether the text of so many bytes is one of them. */
bool hostnames_have(const struct hostnames *names, const char *text,
		    size_t len);

/* Reads len bytes of "resolve NAME" lines. Returns false if they are not. */
bool hostnames_parse(struct hostnames *names, const char *text, size_t len);

/* Writes such lines to a sealed memfd, and returns that. */
int hostnames_seal(const struct hostnames *names);

/* Reads them from there. Returns false if it is another descriptor, or text. */
bool hostnames_read(struct hostnames *names, int fd);

#endif
