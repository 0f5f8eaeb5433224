/* SPDX-License-Identifier: MIT */
/* test_arguments.c - what the front takes for its own, and what it leaves */
#include "arguments.h"
#include "subcommand.h"

#include "../setup/test.h"

/* Parses up to fifteen words behind the program's name. */
static struct arguments parsed;
static char *words[17];

static void parse(const char *first, const char *second, const char *third,
		  const char *fourth, const char *fifth)
{
	const char *const given[] = {"wg-wrap", first, second, third,
				     fourth,	fifth, NULL};
	int argc = 0;

	while (given[argc]) {
		words[argc] = (char *)(unsigned long)given[argc];
		argc++;
	}
	words[argc] = NULL;
	arguments_parse(argc, words, &parsed);
}

#define PARSE1(a)	      parse(a, NULL, NULL, NULL, NULL)
#define PARSE2(a, b)	      parse(a, b, NULL, NULL, NULL)
#define PARSE3(a, b, c)	      parse(a, b, c, NULL, NULL)
#define PARSE4(a, b, c, d)    parse(a, b, c, d, NULL)
#define PARSE5(a, b, c, d, e) parse(a, b, c, d, e)

static void test_config(void)
{
	static const char *const forms[][2] = {
		{"-c", "work"},	       {"-cwork", NULL},
		{"--config", "work"},  {"--config=work", NULL},
		{"--profile", "work"}, {"--profile=work", NULL},
		{"-qc", "work"},       {"-vqcwork", NULL},
	};
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (forms[i][1])
			PARSE3(forms[i][0], forms[i][1], "true");
		else
			PARSE2(forms[i][0], "true");
		CHECK(!parsed.is_controllers);
		CHECK_TEXT(parsed.config, "work");
		CHECK_TEXT(parsed.command[0], "true");
	}
	PARSE5("-c", "a", "-c", "b", "true");
	CHECK_TEXT(parsed.config, "b");
}

static void test_switches(void)
{
	PARSE4("-q", "--no-wait", "-vvv", "true");
	CHECK(!parsed.is_controllers && parsed.is_quiet && parsed.no_wait &&
	      parsed.is_verbose && !parsed.has_connect_timeout);
	PARSE4("--quiet", "--verbose", "--connect-timeout=1.5s", "true");
	CHECK(!parsed.is_controllers && parsed.is_quiet && !parsed.no_wait &&
	      parsed.is_verbose && parsed.has_connect_timeout);
}

static void test_end_of_options(void)
{
	PARSE4("-c", "work", "status", "-c");
	CHECK(!parsed.is_controllers);
	CHECK_TEXT(parsed.command[0], "status");
	CHECK_TEXT(parsed.command[1], "-c");
	PARSE4("--", "--help", "-c", "x");
	CHECK(!parsed.is_controllers && !parsed.config);
	CHECK_TEXT(parsed.command[0], "--help");
	PARSE3("-q", "--", "--");
	CHECK(!parsed.is_controllers);
	CHECK_TEXT(parsed.command[0], "--");
	PARSE2("-q", "-");
	CHECK(!parsed.is_controllers);
	CHECK_TEXT(parsed.command[0], "-");
	/* A value may look like an option or like the end of them. */
	PARSE3("-c", "--", "true");
	CHECK(!parsed.is_controllers);
	CHECK_TEXT(parsed.config, "--");
}

static void test_no_command(void)
{
	PARSE2("-c", "work");
	CHECK(!parsed.is_controllers && !parsed.command[0]);
	PARSE3("-c", "work", "--");
	CHECK(!parsed.is_controllers && !parsed.command[0]);
	PARSE1(NULL);
	CHECK(!parsed.is_controllers && !parsed.command[0] && !parsed.config);
}

static void test_controllers(void)
{
	static const char *const lines[][3] = {
		{"status"},
		{"status", "work"},
		{"help"},
		{"device"},
		{"completion"},
		{"-h"},
		{"--help"},
		{"-V"},
		{"--version"},
		{"-qh", "true"},
		{"--publsh", "80"},
		{"-c"},
		{"--config"},
		{"--config=", "true"},
		{"-c", "", "true"},
		{"--mtu"},
		{"--mtu=", "true"},
		{"--quiet=1", "true"},
		{"--no-wait="},
		{"-x", "true"},
		{"--conf=work", "true"},
		{"--configs=work"},
		{"---", "true"},
		{"--connect-timeout", "soon", "true"},
		{"--connect-timeout=1.s", "true"},
		{"--connect-timeout=s", "true"},
		{"--connect-timeout=1.2345", "true"},
		{"--connect-timeout=-1", "true"},
		{"--connect-timeout=1h", "true"},
		{"--linger=long", "true"},
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		PARSE3(lines[i][0], lines[i][1], lines[i][2]);
		if (!parsed.is_controllers)
			CHECK_TEXT(lines[i][0], "the controller's");
	}
	PARSE5("-c", "work", "--profile", "work", "true");
	CHECK(parsed.is_controllers);
	PARSE5("--profile", "work", "-c", "work", "true");
	CHECK(parsed.is_controllers);
}

static void test_durations(void)
{
	static const char *const durations[] = {"15", "15s",  "500ms", "2m",
						"0",  "1.5s", "0.001"};
	size_t i;

	for (i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		PARSE3("--connect-timeout", durations[i], "true");
		if (parsed.is_controllers)
			CHECK_TEXT(durations[i], "a duration");
	}
}

static const char *tunnel_option(const char *name)
{
	return options_value(&parsed.options, name);
}

static void test_tunnel_options(void)
{
	PARSE3("-c", "work", "true");
	CHECK(parsed.options.count == 0);
	PARSE3("--mtu", "1300", "true");
	CHECK(parsed.options.count == 1);
	CHECK_TEXT(tunnel_option("mtu"), "1300");
	PARSE4("--mtu=1300", "-v", "--dns=1.1.1.1", "true");
	CHECK(parsed.options.count == 2);
	CHECK_TEXT(tunnel_option("mtu"), "1300");
	CHECK_TEXT(tunnel_option("dns"), "1.1.1.1");
	PARSE3("--ignore-unknown", "--linger=10s", "true");
	CHECK(!parsed.is_controllers && parsed.options.count == 2);
	CHECK_TEXT(tunnel_option("ignore-unknown"), "");
	CHECK_TEXT(tunnel_option("linger"), "10s");
	/* The last one counts. */
	PARSE3("--mtu=1300", "--mtu=1400", "true");
	CHECK(parsed.options.count == 1);
	CHECK_TEXT(tunnel_option("mtu"), "1400");
	/* What follows the command is not ours. */
	PARSE3("-q", "true", "--mtu=1300");
	CHECK(parsed.options.count == 0);
	/* A value that would not fit into one line of a record. */
	PARSE2("--dns=1.1.1.1\npid 1", "true");
	CHECK(parsed.is_controllers);
	PARSE3("--restart", "-c", "work");
	CHECK(!parsed.is_controllers && parsed.wants_restart &&
	      parsed.options.count == 0);
	PARSE2("--restart=1", "true");
	CHECK(parsed.is_controllers);
}

static void test_environment(void)
{
	setenv("WG_WRAP_MTU", "1300", 1);
	setenv("WG_WRAP_DNS", "", 1);
	setenv("WG_WRAP_NO_WAIT", "1", 1);
	setenv("WG_WRAP_QUIET", "0", 1);
	setenv("WG_WRAP_CONNECT_TIMEOUT", "3s", 1);
	setenv("WG_WRAP_CONFIG", "home", 1);
	PARSE1("true");
	CHECK(!parsed.is_controllers && parsed.options.count == 1);
	CHECK_TEXT(tunnel_option("mtu"), "1300");
	CHECK(parsed.no_wait && !parsed.is_quiet && parsed.has_connect_timeout);
	CHECK_TEXT(parsed.config, NULL);
	PARSE2("--mtu=1400", "true");
	CHECK_TEXT(tunnel_option("mtu"), "1400");
	setenv("WG_WRAP_NO_WAIT", "yes", 1);
	PARSE1("true");
	CHECK(parsed.is_controllers);
	PARSE2("--no-wait", "true");
	CHECK(!parsed.is_controllers && parsed.no_wait);
	unsetenv("WG_WRAP_NO_WAIT");
	setenv("WG_WRAP_LINGER", "soon", 1);
	PARSE1("true");
	CHECK(parsed.is_controllers);
	unsetenv("WG_WRAP_LINGER");
	unsetenv("WG_WRAP_MTU");
	unsetenv("WG_WRAP_DNS");
	unsetenv("WG_WRAP_QUIET");
	unsetenv("WG_WRAP_CONNECT_TIMEOUT");
	unsetenv("WG_WRAP_CONFIG");
}

static void test_subcommands(void)
{
	PARSE4("exec", "-q", "work", "curl");
	CHECK(!parsed.is_controllers && parsed.verb == VERB_EXEC &&
	      parsed.is_quiet);
	CHECK_TEXT(parsed.tunnel, "work");
	CHECK_TEXT(parsed.command[0], "curl");
	PARSE5("exec", "work", "--", "--", "-c");
	CHECK_TEXT(parsed.command[0], "--");
	PARSE2("exec", "work");
	CHECK(!parsed.is_controllers && !parsed.command[0]);
	PARSE4("up", "work", "--foreground", "--mtu=1300");
	CHECK(!parsed.is_controllers && parsed.verb == VERB_UP &&
	      parsed.foreground);
	CHECK_TEXT(parsed.tunnel, "work");
	CHECK_TEXT(tunnel_option("mtu"), "1300");
	PARSE3("up", "--", "-work");
	CHECK_TEXT(parsed.tunnel, "-work");
	PARSE1("up");
	CHECK(!parsed.is_controllers && !parsed.tunnel);
	PARSE3("down", "--kill", "work");
	CHECK(!parsed.is_controllers && parsed.verb == VERB_DOWN &&
	      parsed.wants_kill && !parsed.is_all);
	PARSE2("down", "--all");
	CHECK(!parsed.is_controllers && parsed.is_all && !parsed.tunnel);
	/* Ending a tunnel must be typed. */
	setenv("WG_WRAP_KILL", "1", 1);
	PARSE1("down");
	CHECK(!parsed.is_controllers && !parsed.wants_kill);
	unsetenv("WG_WRAP_KILL");
}

static void test_subcommand_mistakes(void)
{
	static const char *const lines[][4] = {
		{"exec"},
		{"exec", ""},
		{"exec", "-c", "work", "true"},
		{"exec", "--mtu=1300", "work", "true"},
		{"up", "one", "two"},
		{"up", "one", "-c", "two"},
		{"up", "--kill"},
		{"down", "one", "two"},
		{"down", "one", "--all"},
		{"down", "--mtu=1300"},
		{"down", "-h"},
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		PARSE4(lines[i][0], lines[i][1], lines[i][2], lines[i][3]);
		if (!parsed.is_controllers)
			CHECK_TEXT(lines[i][0], "the controller's");
	}
	/* Options of subcommands are none of a run. */
	PARSE2("--kill", "true");
	CHECK(parsed.is_controllers);
}

static void test_nearest(void)
{
	CHECK_TEXT(subcommand_nearest("statsu"), "status");
	CHECK_TEXT(subcommand_nearest("stats"), "status");
	CHECK_TEXT(subcommand_nearest("docter"), "doctor");
	CHECK_TEXT(subcommand_nearest("completoin"), "completion");
	CHECK_TEXT(subcommand_nearest("curl"), NULL);
	CHECK_TEXT(subcommand_nearest("ls"), NULL);
	CHECK_TEXT(subcommand_nearest(""), NULL);
	CHECK_TEXT(subcommand_nearest("statusstatusstatus"), NULL);
}

int main(void)
{
	TEST("the configuration is found in every spelling", test_config);
	TEST("switches are understood, also in one word", test_switches);
	TEST("nothing behind the options is read", test_end_of_options);
	TEST("a run without a command is understood", test_no_command);
	TEST("what the front doesn't know is the controller's",
	     test_controllers);
	TEST("times are accepted as the controller accepts them",
	     test_durations);
	TEST("tunnel options are kept by name, whatever their spelling",
	     test_tunnel_options);
	TEST("the environment gives what the line doesn't", test_environment);
	TEST("the front's own subcommands are understood", test_subcommands);
	TEST("mistakes with them are the controller's",
	     test_subcommand_mistakes);
	TEST("a slip in a subcommand is recognised", test_nearest);
	return report();
}
