/* SPDX-License-Identifier: MIT */
/* test_profile.c - which file a name means, and which program */
#include "command.h"
#include "profile.h"

#include "../setup/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static char base[64];
static struct profile profile;

/* A path below the test's own directory. */
static const char *at(const char *name)
{
	static char paths[2][PATH_MAX];
	static int turn;

	turn = !turn;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", base, name);
	return paths[turn];
}

static void create(const char *name, mode_t mode)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, "x\n", 2) == 2 && fchmod(fd, mode) == 0);
	close(fd);
}

static void forget_environment(void)
{
	unsetenv("WG_WRAP_CONFIG");
	unsetenv("WG_WRAP_CONFIG_TEXT");
	unsetenv("WG_WRAP_CONFIG_BASE64");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", base, 1);
}

static void test_paths(void)
{
	forget_environment();
	CHECK(profile_find(at("work.conf"), &profile));
	CHECK_TEXT(profile.path, at("work.conf"));
	CHECK(profile_find("work.conf", &profile));
	CHECK_TEXT(profile.path, at("work.conf"));
	CHECK(profile_find("./link", &profile));
	CHECK_TEXT(profile.path, at("work.conf"));
	CHECK(!profile_find("./none.conf", &profile));
	CHECK(!profile_find("./folder", &profile));
	/* A name never means a file in the current directory. */
	CHECK(!profile_find("link", &profile));
	CHECK(!profile_find("-", &profile));
}

static void test_names(void)
{
	forget_environment();
	CHECK(profile_find("home", &profile));
	CHECK_TEXT(profile.path, at(".config/wg-wrap/profiles/home.conf"));
	CHECK(profile_find(NULL, &profile));
	CHECK_TEXT(profile.path, at(".config/wg-wrap/profiles/default.conf"));
	setenv("XDG_CONFIG_HOME", at("folder"), 1);
	CHECK(!profile_find("home", &profile));
	setenv("XDG_CONFIG_HOME", "relative", 1);
	CHECK(profile_find("home", &profile));
}

static void test_environment(void)
{
	forget_environment();
	setenv("WG_WRAP_CONFIG", "home", 1);
	CHECK(profile_find(NULL, &profile));
	CHECK_TEXT(profile.path, at(".config/wg-wrap/profiles/home.conf"));
	CHECK(profile_find("work.conf", &profile));
	CHECK_TEXT(profile.path, at("work.conf"));
	setenv("WG_WRAP_CONFIG", "", 1);
	CHECK(profile_find(NULL, &profile));
	CHECK_TEXT(profile.path, at(".config/wg-wrap/profiles/default.conf"));
	setenv("WG_WRAP_CONFIG_TEXT", "[Interface]", 1);
	CHECK(!profile_find(NULL, &profile));
	CHECK(profile_find("work.conf", &profile));
}

static void test_stamp(void)
{
	struct timespec times[2] = {{.tv_sec = 5},
				    {.tv_sec = 1, .tv_nsec = 2000003}};
	char expected[STAMP_MAX], before[STAMP_MAX];
	struct stat file;

	forget_environment();
	CHECK(stat(at("work.conf"), &file) == 0);
	CHECK(utimensat(AT_FDCWD, at("work.conf"), times, 0) == 0);
	CHECK(profile_find("work.conf", &profile));
	snprintf(expected, sizeof(expected), "%llu %llu 2 1002000003",
		 (unsigned long long)file.st_dev,
		 (unsigned long long)file.st_ino);
	CHECK_TEXT(profile.stamp, expected);
	strcpy(before, profile.stamp);
	create("work.conf", 0600);
	CHECK(profile_find("work.conf", &profile));
	CHECK(strcmp(before, profile.stamp) != 0);
}

static void test_commands(void)
{
	char path[PATH_MAX], directories[256];

	snprintf(directories, sizeof(directories), "%s/none::%s/a:%s/b", base,
		 base, base);
	setenv("PATH", directories, 1);
	CHECK(command_search("tool", path) == 0);
	CHECK_TEXT(path, at("b/tool"));
	CHECK(command_search("text", path) == EACCES);
	CHECK(command_search("here", path) == 0);
	CHECK_TEXT(path, "here");
	CHECK(command_search("missing", path) == ENOENT);
	CHECK(command_search("", path) == ENOENT);
	CHECK(command_search("./folder", path) == EISDIR);
	CHECK(command_search("./here/x", path) == ENOTDIR);
	CHECK(command_search("./here", path) == 0);
	unsetenv("PATH");
	CHECK(command_search("sh", path) == 0);
}

/* What main() made, the deepest first. */
static void clear(void)
{
	static const char *const names[] = {
		".config/wg-wrap/profiles/home.conf",
		".config/wg-wrap/profiles/default.conf",
		".config/wg-wrap/profiles",
		".config/wg-wrap",
		".config",
		"work.conf",
		"link",
		"here",
		"a/tool",
		"a/text",
		"b/tool",
		"a",
		"b",
		"folder",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		CHECK(remove(at(names[i])) == 0);
	rmdir(base);
}

int main(void)
{
	strcpy(base, "/tmp/test-profile-XXXXXX");
	if (!mkdtemp(base) || chdir(base) != 0)
		return EXIT_FAILURE;
	mkdir("folder", 0700);
	mkdir("a", 0700);
	mkdir("b", 0700);
	mkdir(".config", 0700);
	mkdir(".config/wg-wrap", 0700);
	mkdir(".config/wg-wrap/profiles", 0700);
	create("work.conf", 0600);
	create(".config/wg-wrap/profiles/home.conf", 0600);
	create(".config/wg-wrap/profiles/default.conf", 0600);
	create("a/tool", 0600);
	create("b/tool", 0700);
	create("a/text", 0600);
	create("here", 0700);
	if (symlink("work.conf", "link") != 0)
		return EXIT_FAILURE;
	TEST("a value with a slash or .conf is a path", test_paths);
	TEST("anything else is a profile's name", test_names);
	TEST("the option beats the environment", test_environment);
	TEST("the stamp changes with the file", test_stamp);
	TEST("programs are found as a shell finds them", test_commands);
	clear();
	return report();
}
