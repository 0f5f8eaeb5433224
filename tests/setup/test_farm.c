/* SPDX-License-Identifier: MIT */
/* test_farm.c - links beside our own files */
#include "farm.h"

#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

/* A directory as etc.c prepares it, with an ordinary one for the bind mount. */
static const char tree[] =
	"mkdir -p .wg-wrap/host/.wg-wrap/host/x .wg-wrap/host/.wg-wrap/outside "
	".wg-wrap/host/ssh/d .wg-wrap/host/ssl ssh/d && "
	"cd .wg-wrap/host && echo host > passwd && echo host > resolv.conf && "
	"ln -s ../usr/lib/os-release os-release && ln -s passwd alias && "
	"echo host > ssh/a && echo host > ssh/d/b && echo host > ssh/d/c && "
	"ln -s a ssh/link && echo cert > ssl/pem && echo deep > "
	".wg-wrap/outside/f && cd ../.. && echo own > resolv.conf && "
	"echo own > ssh/d/b && echo own > .wg-wrap/inside";

static char root[] = "/tmp/wg-wrap-test-XXXXXX";

static void check_link(const char *path, const char *expected)
{
	char target[PATH_MAX] = "";

	if (readlink(path, target, sizeof(target) - 1) < 0)
		strcpy(target, "no link");
	CHECK_TEXT(target, expected);
}

static void check_content(const char *path, const char *expected)
{
	char line[64] = "nothing\n";
	FILE *file = fopen(path, "r");

	if (file) {
		CHECK(fgets(line, sizeof(line), file) != NULL);
		fclose(file);
	}
	CHECK_TEXT(line, expected);
}

static void links_names(void)
{
	check_link("passwd", ".wg-wrap/host/passwd");
	check_content("passwd", "host\n");
	check_link("ssl", ".wg-wrap/host/ssl");
	check_content("ssl/pem", "cert\n");
}

static void copies_links(void)
{
	check_link("os-release", "../usr/lib/os-release");
	check_link("alias", "passwd");
	check_link("ssh/link", "a");
}

static void keeps_ours(void)
{
	check_link("resolv.conf", "no link");
	check_content("resolv.conf", "own\n");
	check_content("ssh/d/b", "own\n");
	check_content(".wg-wrap/inside", "own\n");
}

static void merges_directories(void)
{
	check_link("ssh", "no link");
	check_link("ssh/a", "../.wg-wrap/host/ssh/a");
	check_link("ssh/d/c", "../../.wg-wrap/host/ssh/d/c");
	check_content("ssh/a", "host\n");
	check_content("ssh/d/c", "host\n");
}

static void merges_a_farm_around(void)
{
	check_link(".wg-wrap/outside", "../.wg-wrap/host/.wg-wrap/outside");
	check_content(".wg-wrap/outside/f", "deep\n");
	check_link(".wg-wrap/host", "no link");
	CHECK(access(".wg-wrap/host/x", F_OK) != 0);
}

int main(void)
{
	char command[128];
	int directory;

	if (!mkdtemp(root) || chdir(root) != 0 || system(tree) != 0)
		return EXIT_FAILURE;
	directory = open(root, O_RDONLY | O_DIRECTORY);
	if (farm_fill(directory) != 0)
		return EXIT_FAILURE;

	TEST("each name becomes a link to the host's", links_names);
	TEST("links of the host are copied as they are", copies_links);
	TEST("files of ours stay", keeps_ours);
	TEST("directories on both sides are merged", merges_directories);
	TEST("a farm inside of a farm keeps the outer one's files",
	     merges_a_farm_around);

	close(directory);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command) == 0 ? report() : EXIT_FAILURE;
}
