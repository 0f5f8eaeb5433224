/* SPDX-License-Identifier: MIT */
/*
 * test.h - the little that these programs need to report
 *
 * A program calls TEST for each function, and ends with report(). A check that
 * fails prints where and what; the test goes on, so that all is seen at once.
 */
#ifndef WG_WRAP_TEST_H
#define WG_WRAP_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures_in_test, failed_tests;

/* Compares two texts and shows both where they differ. */
#define CHECK_TEXT(actual, expected)                                           \
	check_text(__FILE__, __LINE__, actual, expected)

#define CHECK(condition)                                                       \
	check_text(__FILE__, __LINE__, (condition) ? "true" : #condition,      \
		   "true")

/* Runs a function of no arguments; the title is a sentence about behaviour. */
#define TEST(title, function)                                                  \
	do {                                                                   \
		failures_in_test = 0;                                          \
		function();                                                    \
		finish(title);                                                 \
	} while (0)

static inline void check_text(const char *file, int line, const char *actual,
			      const char *expected)
{
	if (actual && expected ? strcmp(actual, expected) == 0
			       : actual == expected)
		return;
	printf("# %s:%d:\n#   got      %s\n#   expected %s\n", file, line,
	       actual ? actual : "(null)", expected ? expected : "(null)");
	failures_in_test++;
}

static inline void finish(const char *title)
{
	printf("%s - %s\n", failures_in_test ? "not ok" : "ok", title);
	failed_tests += failures_in_test > 0;
	fflush(stdout);
}

static inline int report(void)
{
	return failed_tests ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * Runs a function in a child and collects what it prints to stdout and stderr,
 * cut off at size. Returns its exit status, or -1.
 */
static inline int run_apart(void (*function)(const void *), const void *context,
			    char *output, size_t size)
{
	size_t len = 0;
	ssize_t got;
	pid_t child;
	int ends[2], status;

	fflush(stdout);
	if (pipe(ends) != 0)
		return -1;
	child = fork();
	if (child < 0)
		return -1;
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		function(context);
		fflush(stdout);
		_exit(0);
	}
	close(ends[1]);
	while (len + 1 < size &&
	       (got = read(ends[0], output + len, size - 1 - len)) > 0)
		len += (size_t)got;
	output[len] = '\0';
	close(ends[0]);
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

#endif
