/* SPDX-License-Identifier: MIT */
/* test_isolate.c - commands that keep to themselves, and addresses of buses */
#include "buses.h"
#include "isolate.h"

#include "../setup/test.h"

#include <sys/stat.h>
#include <unistd.h>

static char state[] = "/tmp/wg-wrap-test-isolate-XXXXXX";

/* The words after the program's, joined by spaces; the directory is DIR. */
static const char *joined(struct isolated *isolated)
{
	static char text[1024];
	char *at, **word;
	size_t len = strlen(isolated->mark);

	text[0] = '\0';
	for (word = isolated->command + 1; *word; word++) {
		if (text[0])
			strcat(text, " ");
		strcat(text, *word);
	}
	at = strstr(text, isolated->mark);
	if (at) {
		memmove(at + 3, at + len, strlen(at + len) + 1);
		memcpy(at, "DIR", 3);
	}
	return text;
}

static void test_ways(void)
{
	static const struct {
		enum isolate_way way;
		const char *words;
	} ways[] = {
		{ISOLATE_MOZILLA, "--no-remote --profile DIR url"},
		{ISOLATE_CHROMIUM, "--user-data-dir=DIR url"},
		{ISOLATE_PROFILE, "--profile=DIR url"},
		{ISOLATE_CONFIG_G, "-g DIR url"},
		{ISOLATE_CONFIG_C, "-c DIR url"},
		{ISOLATE_WORKDIR, "-workdir DIR url"},
		{ISOLATE_SOCKET_L, "-L DIR url"},
	};
	char *const command[] = {(char *)"/usr/bin/prog", (char *)"url", NULL};
	struct isolated isolated;
	struct stat file;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		CHECK(isolate_command(command, ways[i].way, "/a/work.conf",
				      &isolated));
		CHECK_TEXT(isolated.command[0], "/usr/bin/prog");
		CHECK_TEXT(joined(&isolated), ways[i].words);
		free(isolated.command);
		if (ways[i].way != ISOLATE_SOCKET_L) {
			CHECK(strncmp(isolated.mark, state, strlen(state)) ==
			      0);
			CHECK(strstr(isolated.mark, "/wg-wrap/work-"));
			CHECK(stat(isolated.mark, &file) == 0 &&
			      (file.st_mode & 07777) == 0700);
		}
	}
	CHECK(!isolate_command(command, ISOLATE_NONE, "/a/work.conf",
			       &isolated));
}

/* The plainest use. */
static void test_no_words(void)
{
	char *const command[] = {(char *)"prog", NULL};
	struct isolated isolated;

	CHECK(isolate_command(command, ISOLATE_CHROMIUM, "/a/work.conf",
			      &isolated));
	CHECK_TEXT(joined(&isolated), "--user-data-dir=DIR");
	free(isolated.command);
	CHECK(isolate_command(command, ISOLATE_MOZILLA, "/a/work.conf",
			      &isolated));
	CHECK_TEXT(joined(&isolated), "--no-remote --profile DIR");
	free(isolated.command);
}

static void test_places(void)
{
	char *const command[] = {(char *)"prog", NULL};
	struct isolated one, same, other;

	CHECK(isolate_command(command, ISOLATE_WORKDIR, "/a/work.conf", &one));
	CHECK(isolate_command(command, ISOLATE_WORKDIR, "/a/work.conf", &same));
	CHECK(isolate_command(command, ISOLATE_WORKDIR, "/b/work.conf",
			      &other));
	CHECK_TEXT(one.mark, same.mark);
	CHECK(strcmp(one.mark, other.mark) != 0);
	free(one.command);
	free(same.command);
	free(other.command);
}

static void test_own_options(void)
{
	static const char *const own[][2] = {
		{"-P", "work"},
		{"--profile", "/x"},
		{"-profile", "/x"},
		{"--profile=/x", "url"},
	};
	struct isolated isolated;
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(*own); i++) {
		char *const command[] = {(char *)"firefox", (char *)own[i][0],
					 (char *)own[i][1], NULL};

		CHECK(!isolate_command(command, ISOLATE_MOZILLA, "/a",
				       &isolated));
	}
}

/* As getopt(3) takes them. */
static void test_short_options(void)
{
	static const char *const words[] = {"-Lwork", "-2Lwork", "-S/tmp/x"};
	struct isolated isolated;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char *const command[] = {(char *)"tmux", (char *)words[i],
					 NULL};

		CHECK(!isolate_command(command, ISOLATE_SOCKET_L, "/a",
				       &isolated));
	}
}

static char seen[256];

static void see(const char *path)
{
	strcat(seen, path);
	strcat(seen, "|");
}

static void test_addresses(void)
{
	static const struct {
		const char *address, *paths;
	} cases[] = {
		{"unix:path=/run/user/1000/bus", "/run/user/1000/bus|"},
		{"unix:path=/a%20b,guid=00ff", "/a b|"},
		{"unix:guid=00,path=/x;unix:path=/y", "/x|/y|"},
		{"unix:abstract=/tmp/dbus-a,guid=0", ""},
		{"tcp:host=localhost,path=/no;unix:path=/y;", "/y|"},
		{"unix:", ""},
		{"", ""},
		{";;;", ""},
		{"unix:path=", "|"},
		{"unix:path=/x%2", "/x%2|"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		seen[0] = '\0';
		buses_each_path(cases[i].address, see);
		CHECK_TEXT(seen, cases[i].paths);
	}
	CHECK(buses_each_path("unix:path=/a;unix:path=/b", NULL) == 2);
}

int main(void)
{
	char command[64];

	CHECK(mkdtemp(state) && setenv("XDG_STATE_HOME", state, 1) == 0);
	TEST("a program is told in its own way to keep to itself", test_ways);
	TEST("so is one that is told nothing else", test_no_words);
	TEST("short options may have their values behind them, and others "
	     "before",
	     test_short_options);
	TEST("each configuration has a place of its own", test_places);
	TEST("a command that names its place is left alone", test_own_options);
	TEST("sockets are found in addresses of buses", test_addresses);
	snprintf(command, sizeof(command), "rm -r %s", state);
	CHECK(system(command) == 0);
	return report();
}
