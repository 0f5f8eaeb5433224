/* SPDX-License-Identifier: MIT */
/* test_process.c - what /proc tells of a process */
#include "process.h"

#include "join.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static void test_parent(void)
{
	CHECK(process_parse_parent("42 (sh) S 17 42 42 0") == 17);
	/* Names that pretend to be the rest. */
	CHECK(process_parse_parent("42 (a) R 1 (b) S 17 42") == 17);
	CHECK(process_parse_parent("42 () S 17 \n") == 17);
	CHECK(process_parse_parent("42 (\n) S 2147483647 1") == 2147483647);
	CHECK(process_parse_parent("42 (sh) S 2147483648 1") == 0);
	CHECK(process_parse_parent("42 (sh) S 4294967313 1") == 0);
	CHECK(process_parse_parent("42 (sh) S 99999999999999999999 1") == 0);
	CHECK(process_parse_parent("42 (sh) S -1 1") == 0);
	CHECK(process_parse_parent("42 (sh) S 17") == 0);
	CHECK(process_parse_parent("42 (sh) S ") == 0);
	CHECK(process_parse_parent("42 (sh) S") == 0);
	CHECK(process_parse_parent("42 (sh)") == 0);
	CHECK(process_parse_parent("42 sh S 17 42") == 0);
	CHECK(process_parse_parent("") == 0);
}

static void test_pin(void)
{
	struct stat netns;
	int fd = open("/proc/self/ns/net", O_RDONLY);

	CHECK(fd >= 0 && fstat(fd, &netns) == 0);
	CHECK(!process_is_pin(getpid(), netns.st_ino));
	CHECK(dup2(fd, PIN_NET_NS) == PIN_NET_NS);
	CHECK(process_is_pin(getpid(), netns.st_ino));
	CHECK(!process_is_pin(getpid(), netns.st_ino + 1));
	CHECK(!process_is_pin(getppid(), netns.st_ino));
	close(PIN_NET_NS);
	close(fd);
}

/* One that has the number by chance, and may be on a network that is gone. */
static void test_other_file(void)
{
	char path[] = "/tmp/test-process-XXXXXX";
	struct stat file;
	int fd = mkstemp(path);

	CHECK(fd >= 0 && fstat(fd, &file) == 0 && unlink(path) == 0);
	CHECK(dup2(fd, PIN_NET_NS) == PIN_NET_NS);
	CHECK(!process_is_pin(getpid(), file.st_ino));
	close(PIN_NET_NS);
	close(fd);
}

static void test_name(void)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);
	char text[128] = "", expected[128], pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	CHECK(prctl(PR_SET_NAME, "a\033[31m\n\xff") == 0);
	process_put(proc, pid, text, sizeof(text));
	process_put(proc, "0", text, sizeof(text));
	snprintf(expected, sizeof(expected), "%s a?[31m??, 0 ", pid);
	CHECK_TEXT(text, expected);
	process_put(proc, pid, text, strlen(text) + 1);
	CHECK_TEXT(text, expected);
	close(proc);
}

int main(void)
{
	TEST("a process's parent is found behind any name", test_parent);
	TEST("a pin is known by the namespace that it holds", test_pin);
	TEST("a file with the namespace's number is no namespace",
	     test_other_file);
	TEST("a process's name can't harm a terminal", test_name);
	return report();
}
