/* SPDX-License-Identifier: MIT */
/*
 * hostnames.c - the names of endpoints, as a list and as lines of text
 *
 * They come with the plan of a tunnel, and then with each further configuration
 * for it, in the same form: lines "resolve NAME".
 */
#include "hostnames.h"

#include "die.h"
#include "memfd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEY "resolve "

enum {
	KEY_LEN = sizeof(KEY) - 1,
	LINE_MAX_BYTES = KEY_LEN + VALUE_DOMAIN_MAX_BYTES + 1,
	TEXT_MAX_BYTES = HOSTNAMES_MAX * LINE_MAX_BYTES,
};

/**
 * hostnames_add() - Add a name
 * @names:	Names
 * @name:	Name
 */
bool hostnames_add(struct hostnames *names, const char *name)
{
	if (names->count == HOSTNAMES_MAX || !value_is_host_name(name))
		return false;
	memcpy(names->list[names->count++], name, strlen(name) + 1);
	return true;
}

/**
 * hostnames_have() - Look for a name
 * @names:	Names
 * @text:	The name, not terminated
 * @len:	How many bytes
 */
bool hostnames_have(const struct hostnames *names, const char *text, size_t len)
{
	unsigned int i;

	for (i = 0; i < names->count; i++) {
		if (strlen(names->list[i]) == len &&
		    memcmp(names->list[i], text, len) == 0)
			return true;
	}
	return false;
}

/**
 * hostnames_parse() - Read lines of names
 * @names:	Gets them
 * @text:	Text
 * @len:	How many bytes
 */
bool hostnames_parse(struct hostnames *names, const char *text, size_t len)
{
	const char *end = text + len, *newline;
	char line[LINE_MAX_BYTES];
	size_t count;

	names->count = 0;
	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		count = newline ? (size_t)(newline - text) : sizeof(line);
		if (count >= sizeof(line))
			return false;
		memcpy(line, text, count);
		line[count] = '\0';
		/* A NUL byte within ends the name early. */
		if (strlen(line) != count || strncmp(line, KEY, KEY_LEN) != 0 ||
		    !hostnames_add(names, line + KEY_LEN))
			return false;
	}
	return true;
}

/**
 * hostnames_seal() - Write names for another process
 * @names:	Names
 */
int hostnames_seal(const struct hostnames *names)
{
	char text[TEXT_MAX_BYTES + 1];
	int fd = memfd_open();
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < names->count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					KEY "%s\n", names->list[i]);
	if (write(fd, text, len) != (ssize_t)len)
		die_errno("can't write to a memfd");
	memfd_seal(fd);
	return fd;
}

/**
 * hostnames_read() - Read names of another process
 * @names:	Gets them
 * @fd:		What it gave; stays open
 */
bool hostnames_read(struct hostnames *names, int fd)
{
	char text[TEXT_MAX_BYTES + 1];
	ssize_t len;

	if (!memfd_is_sealed(fd))
		return false;
	len = pread(fd, text, sizeof(text), 0);
	return len >= 0 && len <= TEXT_MAX_BYTES &&
	       hostnames_parse(names, text, (size_t)len);
}
