/* SPDX-License-Identifier: MIT */
/*
 * die.c - messages on stderr, and the launcher's own exit statuses
 *
 * A message is composed in full and leaves in one write, so that messages of
 * processes that share a terminal never mix, and so that on a socket of
 * records it is one record. It ends the process with _exit(): a forked child
 * must not run what its parent registered for its own end.
 *
 * In a workflow of GitHub an error is repeated in the form that is shown beside
 * the step, as GITHUB_ACTIONS says it should be.
 */
#include "die.h"

#include "errname.h"
#include "printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 4096,
	/* The message, then each byte of it as up to three; two prefixes. */
	OUTPUT_MAX = 4 * MESSAGE_MAX + 64,
};

static bool is_quiet;

/**
 * annotate() - Append the form of a message that GitHub's runner shows
 * @output:	Buffer of OUTPUT_MAX bytes
 * @len:	Bytes in it
 * @message:	The message
 * Returns the bytes in it afterwards.
 */
static size_t annotate(char *output, size_t len, const char *message)
{
	static const char command[] = "::error::wg-wrap: ";

	memcpy(output + len, command, sizeof(command) - 1);
	len += sizeof(command) - 1;
	for (; *message; message++) {
		if (*message == '\n') {
			memcpy(output + len, "%0A", 3);
			len += 3;
		} else if (*message == '%') {
			memcpy(output + len, "%25", 3);
			len += 3;
		} else {
			output[len++] = *message;
		}
	}
	output[len++] = '\n';
	return len;
}

/**
 * print() - Write a message to stderr
 * @message:	The message, changed in place
 * @is_error:	The process ends because of it
 * Where stderr is gone nobody can be told; a short write is not continued,
 * because a second write could mix with others.
 */
static void print(char *message, bool is_error)
{
	static const char prefix[] = "wg-wrap: ";
	const char *github = getenv("GITHUB_ACTIONS");
	char output[OUTPUT_MAX];
	size_t len = sizeof(prefix) - 1, size;

	printable_clean(message);
	size = strlen(message);
	memcpy(output, prefix, len);
	memcpy(output + len, message, size);
	len += size;
	output[len++] = '\n';
	if (is_error && github && strcmp(github, "true") == 0)
		len = annotate(output, len, message);
	if (write(STDERR_FILENO, output, len) < 0)
		return;
}

/**
 * die() - Print why, and exit
 * @status:	Exit status
 * @format:	The message, without prefix and newline
 */
_Noreturn void die(int status, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	print(message, true);
	_exit(status);
}

/**
 * die_errno() - Print why, with the name of errno, and exit with STATUS_SETUP
 * @format:	The message, without prefix and newline
 */
_Noreturn void die_errno(const char *format, ...)
{
	char message[MESSAGE_MAX], reason[32];
	int errnum = errno;
	va_list arguments;
	size_t len;

	snprintf(reason, sizeof(reason), " (%s)", errname(errnum));
	va_start(arguments, format);
	vsnprintf(message, sizeof(message) - sizeof(reason), format, arguments);
	va_end(arguments);
	len = strlen(message);
	memcpy(message + len, reason, strlen(reason) + 1);
	print(message, true);
	_exit(STATUS_SETUP);
}

/**
 * be_quiet() - Print no warnings from here on
 * For roles whose starter was told so; what ends the process is still said.
 */
void be_quiet(void)
{
	is_quiet = true;
}

/**
 * warn() - Print a line and go on
 * @format:	The message, without prefix and newline
 */
void warn(const char *format, ...)
{
	char message[MESSAGE_MAX];
	int errnum = errno;
	va_list arguments;

	if (is_quiet)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	print(message, false);
	errno = errnum;
}
