/* SPDX-License-Identifier: MIT */
/* text.c - whole small files, in and out */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a file of unknown length is given first; it doubles from there. */
enum { FIRST_ROOM = 4096 };

/**
 * fill() - Read a file to its end
 * @fd:		Open file
 * @max:	Most bytes to accept
 * @len:	Where the number of bytes goes
 * Returns the bytes and a NUL, or NULL with errno.
 */
static char *fill(int fd, size_t max, size_t *len)
{
	size_t room = FIRST_ROOM, used = 0;
	char *text = malloc(room), *larger;
	ssize_t got;

	if (!text)
		return NULL;
	while ((got = read(fd, text + used, room - used)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto fail;
		used += (size_t)got;
		if (used > max) {
			errno = EFBIG;
			goto fail;
		}
		if (used < room)
			continue;
		larger = realloc(text, room * 2);
		if (!larger)
			goto fail;
		text = larger;
		room *= 2;
	}
	text[used] = '\0';
	*len = used;
	return text;
fail:
	free(text);
	return NULL;
}

/**
 * text_read() - Read a whole file
 * @dir:	Directory that a relative path starts at
 * @path:	The file; O_NONBLOCK keeps a FIFO from holding us up
 * @max:	Most bytes to accept
 * @len:	Where the number of bytes goes
 * Returns the bytes and a NUL, to be freed, or NULL with errno.
 */
char *text_read(int dir, const char *path, size_t max, size_t *len)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text;
	int errnum;

	if (fd < 0)
		return NULL;
	text = fill(fd, max, len);
	errnum = errno;
	close(fd);
	errno = errnum;
	return text;
}

/**
 * text_read_line() - Read a file of one short line, as those in /proc are
 * @path:	The file
 * @text:	Where it goes, with a NUL
 * @size:	Room there
 * Returns 0, or -1 with errno.
 */
int text_read_line(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, text, size - 1);
	close(fd);
	if (got < 0)
		return -1;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/**
 * text_create() - Write a file that isn't there yet
 * @dir:	Directory that a relative path starts at
 * @path:	The file
 * @text:	Its content
 * @len:	Number of bytes
 * Returns 0, or -1 with errno.
 */
int text_create(int dir, const char *path, const char *text, size_t len)
{
	int fd = openat(dir, path,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0644);
	int errnum = 0;
	ssize_t put;

	if (fd < 0)
		return -1;
	while (len > 0) {
		put = write(fd, text, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			errnum = errno;
			break;
		}
		text += put;
		len -= (size_t)put;
	}
	close(fd);
	errno = errnum;
	return errnum ? -1 : 0;
}
