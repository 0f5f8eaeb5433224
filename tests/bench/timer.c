/* SPDX-License-Identifier: MIT */
/*
 * timer.c - how long programs take, measured by a process that costs nothing
 *
 *	timer pairs COUNT COMMAND... ::: COMMAND...
 *		Runs both commands COUNT times, in turns, and the order of the
 *		two changes from pair to pair. A line a pair: nanoseconds of the
 *		first, nanoseconds of the second. From before vfork() to after
 *		wait4().
 *	timer first-byte COMMAND...
 *		Runs the command once. One line: the time when it was started,
 *		when the first byte of its output came, and when it had ended,
 *		as nanoseconds of CLOCK_MONOTONIC.
 *
 * A command is looked up in PATH. One that fails ends the measurement: times of
 * failures are none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char separator[] = ":::";

/**
 * fail() - Say what went wrong, and exit
 * @format:	As for printf()
 */
static _Noreturn __attribute__((format(printf, 1, 2))) void
fail(const char *format, ...)
{
	va_list arguments;

	fputs("timer: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

/**
 * now() - Nanoseconds of CLOCK_MONOTONIC
 */
static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

/**
 * start() - Start a command
 * @words:	The command, NULL at the end
 * @output:	Its standard output, or -1 to leave it as it is
 * Returns its pid. The child shares this process's memory until it has become
 * the command, so that nothing is copied.
 */
static pid_t start(char *const *words, int output)
{
	pid_t pid = vfork();

	if (pid < 0)
		fail("can't start %s: %s", words[0], strerror(errno));
	if (pid == 0) {
		if (output < 0 || dup2(output, STDOUT_FILENO) >= 0)
			execvp(words[0], words);
		_exit(127);
	}
	return pid;
}

/**
 * finish() - Wait for the end of a command, which must be a success
 * @pid:	Its pid
 * @name:	Its name
 */
static void finish(pid_t pid, const char *name)
{
	struct rusage usage;
	int status;

	while (wait4(pid, &status, 0, &usage) < 0) {
		if (errno != EINTR)
			fail("can't wait for %s: %s", name, strerror(errno));
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail("%s ended with wait status %04x", name,
		     (unsigned int)status);
}

/**
 * take() - Measure one command
 * @words:	The command
 * Returns nanoseconds.
 */
static long long take(char *const *words)
{
	long long begin = now();

	finish(start(words, -1), words[0]);
	return now() - begin;
}

/**
 * take_pairs() - Measure two commands in turns
 * @count:	Number of pairs
 * @first:	One command
 * @second:	The other one
 */
static void take_pairs(long count, char *const *first, char *const *second)
{
	long long times[2];
	long i;

	for (i = 0; i < count; i++) {
		bool is_swapped = i % 2 != 0;

		if (is_swapped)
			times[1] = take(second);
		times[0] = take(first);
		if (!is_swapped)
			times[1] = take(second);
		printf("%lld %lld\n", times[0], times[1]);
	}
}

/**
 * take_first_byte() - Measure when a command's output begins
 * @words:	The command
 */
static void take_first_byte(char *const *words)
{
	long long begin, first, end;
	char bytes[4096];
	ssize_t got;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		fail("can't create a pipe: %s", strerror(errno));
	begin = now();
	pid = start(words, ends[1]);
	close(ends[1]);
	got = read(ends[0], bytes, sizeof(bytes));
	first = now();
	while (read(ends[0], bytes, sizeof(bytes)) > 0)
		;
	finish(pid, words[0]);
	end = now();
	if (got <= 0)
		fail("%s printed nothing", words[0]);
	printf("%lld %lld %lld\n", begin, first, end);
}

/**
 * main() - Measure what the arguments say
 * @argc:	Number of words
 * @argv:	Command line
 */
int main(int argc, char **argv)
{
	int at;

	if (argc > 2 && strcmp(argv[1], "first-byte") == 0) {
		take_first_byte(argv + 2);
		return 0;
	}
	if (argc > 4 && strcmp(argv[1], "pairs") == 0) {
		for (at = 4; at + 1 < argc; at++) {
			if (strcmp(argv[at], separator) != 0)
				continue;
			argv[at] = NULL;
			take_pairs(strtol(argv[2], NULL, 10), argv + 3,
				   argv + at + 1);
			return 0;
		}
	}
	fail("expected pairs COUNT COMMAND... ::: COMMAND..., or first-byte "
	     "COMMAND...");
}
