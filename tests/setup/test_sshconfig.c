/* SPDX-License-Identifier: MIT */
/* test_sshconfig.c - Include lines, and the files that they name */
#include "sshconfig.h"

#include "sshglob.h"
#include "test.h"

#include <limits.h>
#include <sys/stat.h>

static void collect(void *context, const char *pattern)
{
	char *list = context;

	strcat(list, pattern);
	strcat(list, "\n");
}

static void check_includes(const char *text, const char *expected)
{
	char list[32768] = "";

	sshconfig_includes(text, collect, list);
	CHECK_TEXT(list, expected);
}

static void check_rewrite(const char *text, const char *expected)
{
	char *rewritten = NULL;
	size_t len;
	FILE *out = open_memstream(&rewritten, &len);
	bool is_changed = sshconfig_rewrite(text, out);

	fclose(out);
	CHECK_TEXT(rewritten, expected);
	CHECK(is_changed == (strcmp(text, expected) != 0));
	free(rewritten);
}

static void finds_includes(void)
{
	check_includes("# Include /etc/ssh/no.conf\n"
		       "Include /etc/ssh/ssh_config.d/*.conf\n"
		       "Host a\n"
		       "\t include\tone.conf   /etc/two.conf # Include three\n"
		       "INCLUDE=/etc/four.conf\n"
		       "Include = /etc/five.conf",
		       "/etc/ssh/ssh_config.d/*.conf\n"
		       "/etc/ssh/one.conf\n"
		       "/etc/two.conf\n"
		       "/etc/four.conf\n"
		       "/etc/five.conf\n");
	check_includes("IncludeNot /etc/a\nInclude\nInclude \nInclud /a\n", "");
	check_includes("Include /etc/a\r\nInclude /etc/b\f\r\n",
		       "/etc/a\n/etc/b\n");
}

static void unquotes_words(void)
{
	check_includes("Include \"/etc/a b\" '/etc/c \"d' /etc/e\\ f\n",
		       "/etc/a b\n/etc/c \"d\n/etc/e f\n");
	check_includes("Include\"/etc/a\"\n", "/etc/a\n");
	check_includes("Include \"\"\n", "");
	check_includes("Include /etc/a \"/etc/b\n", "/etc/a\n");
}

static void leaves_variables_alone(void)
{
	check_includes("Include ~/a /etc/%h.conf /etc/${X} /etc/b\n",
		       "/etc/b\n");
	check_rewrite("Include /opt/%h.conf ~/x\n",
		      "Include /opt/%h.conf ~/x\n");
}

static void cleans_paths(void)
{
	check_includes("Include /etc//ssh/./a/../b ../c /../../d\n",
		       "/etc/ssh/b\n/etc/c\n/d\n");
	check_includes("Include / /.. ../..\n", "");
}

static void leads_outside_to_copies(void)
{
	check_rewrite("Host *\n  Include /usr/share/a.conf x.d/*.conf # why\n"
		      "  SendEnv LANG\n",
		      "Host *\n"
		      "Include \"/etc/.wg-wrap/outside/usr/share/a.conf\" "
		      "\"x.d/*.conf\"\n  SendEnv LANG\n");
	check_rewrite("Include \"/opt/a \\\"b\"\n",
		      "Include \"/etc/.wg-wrap/outside/opt/a \\\"b\"\n");
	check_rewrite("Include /etc/../opt/a\n",
		      "Include \"/etc/.wg-wrap/outside/opt/a\"\n");
	check_rewrite("Include /etcetera/a\n",
		      "Include \"/etc/.wg-wrap/outside/etcetera/a\"\n");
}

static void keeps_the_rest(void)
{
	check_rewrite(
		"Include /etc/ssh/ssh_config.d/*.conf\nHost *\n\n\tPort 2",
		"Include /etc/ssh/ssh_config.d/*.conf\nHost *\n\n\t"
		"Port 2");
	check_rewrite("Include /opt/a \"unfinished\n",
		      "Include /opt/a \"unfinished\n");
	check_rewrite("", "");
}

/* Composes an Include line with an absolute word of so many bytes. */
static char *compose_long(size_t word)
{
	char *text = calloc(1, word + 10);

	memset(text, 'a', word + 8);
	memcpy(text, "Include /", 9);
	text[word + 8] = '\n';
	return text;
}

static void skips_long_words(void)
{
	char *text = compose_long(PATH_MAX), list[2 * PATH_MAX] = "";

	check_includes(text, "");
	check_rewrite(text, text);
	free(text);
	text = compose_long(PATH_MAX - 1);
	sshconfig_includes(text, collect, list);
	CHECK_TEXT(list, text + strlen("Include "));
	free(text);
}

static void globs_as_ssh_does(void)
{
	char root[] = "/tmp/wg-wrap-test-XXXXXX", path[PATH_MAX + 64];
	char list[32768] = "", expected[PATH_MAX];
	static const char *const files[] = {"a/x.conf", "a/.hidden.conf",
					    "a/y.other", "b/x.conf"};
	static const char *const directories[] = {"a", "b", "a/dir.conf"};
	size_t i;

	CHECK(mkdtemp(root) != NULL);
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, directories[i]);
		CHECK(mkdir(path, 0700) == 0);
	}
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, files[i]);
		fclose(fopen(path, "w"));
	}
	snprintf(path, sizeof(path), "%s/a/*.conf", root);
	sshglob(path, collect, list);
	snprintf(expected, sizeof(expected), "%s/a/x.conf\n", root);
	CHECK_TEXT(list, expected);

	list[0] = '\0';
	snprintf(path, sizeof(path), "%s/[b-c]/?.conf", root);
	sshglob(path, collect, list);
	snprintf(expected, sizeof(expected), "%s/b/x.conf\n", root);
	CHECK_TEXT(list, expected);

	list[0] = '\0';
	snprintf(path, sizeof(path), "%s/none/*", root);
	sshglob(path, collect, list);
	CHECK_TEXT(list, "");

	for (i = 4; i > 0; i--) {
		snprintf(path, sizeof(path), "%s/%s", root, files[i - 1]);
		unlink(path);
	}
	for (i = 3; i > 0; i--) {
		snprintf(path, sizeof(path), "%s/%s", root, directories[i - 1]);
		rmdir(path);
	}
	CHECK(rmdir(root) == 0);
}

int main(void)
{
	TEST("Include lines are found in every spelling", finds_includes);
	TEST("words are unquoted as ssh unquotes them", unquotes_words);
	TEST("words with variables are left alone", leaves_variables_alone);
	TEST("paths are cleaned and can't lead up", cleans_paths);
	TEST("includes from outside of /etc lead to the copies",
	     leads_outside_to_copies);
	TEST("other lines stay as they are", keeps_the_rest);
	TEST("a word longer than any path is skipped", skips_long_words);
	TEST("patterns match files, but no hidden ones", globs_as_ssh_does);
	return report();
}
