/* SPDX-License-Identifier: MIT */
/* test_die.c - messages as they are printed */
#include "die.h"
#include "errname.h"

#include "test.h"

#include <errno.h>

/* Each ends, or goes on, in one of the three ways. */
static void do_die(const void *context)
{
	die(STATUS_CONFIG, "%s", (const char *)context);
}

static void do_die_errno(const void *context)
{
	errno = ENOSPC;
	die_errno("%s", (const char *)context);
}

static void do_warn(const void *context)
{
	errno = ENOTDIR;
	warn("%s", (const char *)context);
	printf("%s\n", errname(errno));
}

static void prints_and_exits(void)
{
	char output[256];

	unsetenv("GITHUB_ACTIONS");
	CHECK(run_apart(do_die, "no profile", output, sizeof(output)) == 78);
	CHECK_TEXT(output, "wg-wrap: no profile\n");
}

static void names_errno(void)
{
	char output[256];

	unsetenv("GITHUB_ACTIONS");
	CHECK(run_apart(do_die_errno, "can't", output, sizeof(output)) == 125);
	CHECK_TEXT(output, "wg-wrap: can't (ENOSPC)\n");
	CHECK_TEXT(errname(EOPNOTSUPP), "EOPNOTSUPP");
	CHECK_TEXT(errname(123456), "unknown errno");
}

static void warns_and_goes_on(void)
{
	char output[256];

	setenv("GITHUB_ACTIONS", "true", 1);
	CHECK(run_apart(do_warn, "odd", output, sizeof(output)) == 0);
	CHECK_TEXT(output, "wg-wrap: odd\nENOTDIR\n");
}

static void shows_nothing_to_act_on(void)
{
	static const struct {
		const char *name, *shown;
	} cases[] = {
		{"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80", NULL},
		{"first\n  second", NULL},
		{"a\nwg-wrap: b", "a?wg-wrap: b"},
		{"a\n", "a?"},
		{"\x1b[2J\x07\t\x7f", "?[2J???"},
		{"\xc2\x9b 31m", "? 31m"},
		{"\x9b 31m", "? 31m"},
		{"\xe2\x80\xae"
		 "evil\xe2\x81\xa9",
		 "?evil?"},
		{"cut \xe2\x80", "cut ??"},
		{"cut \xf0", "cut ?"},
		{"\xc0\x9b\xff", "???"},
	};
	char output[256], expected[256];
	size_t i;

	unsetenv("GITHUB_ACTIONS");
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *shown =
			cases[i].shown ? cases[i].shown : cases[i].name;

		run_apart(do_die, cases[i].name, output, sizeof(output));
		snprintf(expected, sizeof(expected), "wg-wrap: %s\n", shown);
		CHECK_TEXT(output, expected);
	}
}

static void shows_no_control_characters(void)
{
	char output[256];

	unsetenv("GITHUB_ACTIONS");
	run_apart(do_die, "a\033[2Jb\rc\n  d\177", output, sizeof(output));
	CHECK_TEXT(output, "wg-wrap: a?[2Jb?c\n  d?\n");
}

static void annotates_for_github(void)
{
	char output[256];

	setenv("GITHUB_ACTIONS", "true", 1);
	run_apart(do_die, "100%\n  twice", output, sizeof(output));
	CHECK_TEXT(output, "wg-wrap: 100%\n  twice\n"
			   "::error::wg-wrap: 100%25%0A  twice\n");
	unsetenv("GITHUB_ACTIONS");
}

static void cuts_off(void)
{
	static char message[20000], output[40000];

	memset(message, '%', sizeof(message) - 1);
	setenv("GITHUB_ACTIONS", "true", 1);
	CHECK(run_apart(do_die, message, output, sizeof(output)) == 78);
	CHECK(strlen(output) == 10 + 4095 + 19 + 3 * 4095);
	unsetenv("GITHUB_ACTIONS");
	CHECK(run_apart(do_die_errno, message, output, sizeof(output)) == 125);
	CHECK_TEXT(output + strlen(output) - 10, " (ENOSPC)\n");
}

int main(void)
{
	TEST("an error is one line, and the exit status", prints_and_exits);
	TEST("an error of the kernel ends with its name", names_errno);
	TEST("a warning leaves everything as it was", warns_and_goes_on);
	TEST("names only show themselves", shows_nothing_to_act_on);
	TEST("no control character reaches the terminal",
	     shows_no_control_characters);
	TEST("an error is repeated for GitHub's runner", annotates_for_github);
	TEST("a message longer than its room is cut off", cuts_off);
	return report();
}
