/* SPDX-License-Identifier: MIT */
/* test_runtime.c - where state is kept, and whose directories are trusted */
#include "runtime.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <sys/stat.h>

static char base[64];

/* Opens with one variable set, in a child; prints where that was. */
static void open_and_print(const void *context)
{
	const char *const *variable = context;
	char path[PATH_MAX];

	unsetenv("XDG_RUNTIME_DIR");
	/* The last resort, so that nothing is made outside the test's. */
	setenv("TMPDIR", base, 1);
	setenv(variable[0], variable[1], 1);
	runtime_path(runtime_open(), path);
	printf("%s", path);
}

static int try(const char *name, const char *value, char *output, size_t size)
{
	const char *variable[] = {name, value};

	return run_apart(open_and_print, variable, output, size);
}

/* A path below the test's own directory. */
static const char *at(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void test_xdg(void)
{
	char output[PATH_MAX], expected[128];

	CHECK(try("XDG_RUNTIME_DIR", base, output, sizeof(output)) == 0);
	snprintf(expected, sizeof(expected), "%s/wg-wrap", base);
	CHECK_TEXT(output, expected);
	CHECK(rmdir(at("wg-wrap")) == 0);
}

/* A directory that others can write to is passed over, whoever owns it. */
static void test_unusable(void)
{
	char output[PATH_MAX];

	CHECK(mkdir(at("open"), 0700) == 0 && chmod(at("open"), 0777) == 0);
	CHECK(try("XDG_RUNTIME_DIR", at("open"), output, sizeof(output)) == 0);
	CHECK(strncmp(output, at("open"), strlen(at("open"))) != 0);
	CHECK(access(at("open/wg-wrap"), F_OK) != 0);
	CHECK(rmdir(at("open")) == 0);
	CHECK(try("XDG_RUNTIME_DIR", "relative", output, sizeof(output)) == 0);
	CHECK(output[0] == '/');
}

/* Only where the system made no directory for this user. */
static void test_temporary(void)
{
	char output[PATH_MAX], expected[128], name[64];

	snprintf(name, sizeof(name), "/run/user/%u", (unsigned int)geteuid());
	if (access(name, F_OK) == 0)
		return;
	CHECK(try("TMPDIR", base, output, sizeof(output)) == 0);
	snprintf(expected, sizeof(expected), "%s/wg-wrap-%u/wg-wrap", base,
		 (unsigned int)geteuid());
	CHECK_TEXT(output, expected);
	*strrchr(expected, '/') = '\0';
	CHECK(chmod(expected, 0777) == 0);
	CHECK(try("TMPDIR", base, output, sizeof(output)) == 125);
	CHECK(strstr(output, "is not yours alone (mode 0777") != NULL);
	CHECK(chmod(expected, 0700) == 0);
}

/* Removes what the last resort left. */
static void clear(void)
{
	char name[64];

	snprintf(name, sizeof(name), "wg-wrap-%u/wg-wrap",
		 (unsigned int)geteuid());
	rmdir(at(name));
	*strchr(name, '/') = '\0';
	rmdir(at(name));
	rmdir(base);
}

static void test_hostile(void)
{
	char output[PATH_MAX];

	CHECK(mkdir(at("wg-wrap"), 0700) == 0);
	CHECK(chmod(at("wg-wrap"), 0755) == 0);
	CHECK(try("XDG_RUNTIME_DIR", base, output, sizeof(output)) == 125);
	CHECK(strstr(output, "is not yours alone (mode 0755") != NULL);
	CHECK(rmdir(at("wg-wrap")) == 0);
	CHECK(symlink("/tmp", at("wg-wrap")) == 0);
	CHECK(try("XDG_RUNTIME_DIR", base, output, sizeof(output)) == 125);
	CHECK(strstr(output, "(ENOTDIR)") != NULL);
	CHECK(unlink(at("wg-wrap")) == 0);
}

static void test_umask(void)
{
	char output[PATH_MAX];
	struct stat directory;
	mode_t mask = umask(0777);

	CHECK(try("XDG_RUNTIME_DIR", base, output, sizeof(output)) == 0);
	umask(mask);
	CHECK(stat(at("wg-wrap"), &directory) == 0);
	CHECK((directory.st_mode & 07777) == 0700);
	CHECK(rmdir(at("wg-wrap")) == 0);
}

static void test_removed_parent(void)
{
	int parent;

	CHECK(mkdir(at("gone"), 0700) == 0);
	parent = open(at("gone"), O_RDONLY | O_DIRECTORY);
	CHECK(rmdir(at("gone")) == 0);
	CHECK(runtime_subdirectory(parent, "key") < 0);
	close(parent);
}

int main(void)
{
	strcpy(base, "/tmp/test-runtime-XXXXXX");
	if (!mkdtemp(base))
		return EXIT_FAILURE;
	TEST("the user's runtime directory is used", test_xdg);
	TEST("a runtime directory open to others is passed over",
	     test_unusable);
	TEST("without one there is a directory among the temporary files",
	     test_temporary);
	TEST("a state directory that isn't ours alone is refused",
	     test_hostile);
	TEST("a strange umask doesn't lock us out", test_umask);
	TEST("a parent that was removed is told apart", test_removed_parent);
	clear();
	return report();
}
