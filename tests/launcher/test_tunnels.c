/* SPDX-License-Identifier: MIT */
/* test_tunnels.c - which of the recorded tunnels run, with us as their pin */
#include "tunnels.h"

#include "join.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <sys/stat.h>

static char home[] = "/tmp/test-tunnels-XXXXXX", path[160];

/* Records that we are the pin of a tunnel with this namespace. */
static void record(ino_t netns)
{
	FILE *file = fopen(path, "w");

	CHECK(file != NULL);
	fprintf(file,
		"state connected\npid %d\nnetns %llu\ntunnel work\n"
		"config /home/ada/work.conf\nstamp 1 2 3 4\n",
		(int)getpid(), (unsigned long long)netns);
	CHECK(fclose(file) == 0);
}

static bool is_found(void)
{
	static struct tunnel tunnel;
	struct tunnels tunnels;
	bool is_there;

	tunnels_open(&tunnels);
	is_there = tunnels_next(&tunnels, &tunnel);
	if (is_there) {
		CHECK_TEXT(tunnel.record.tunnel, "work");
		instance_close(&tunnel.instance);
	}
	tunnels_close(&tunnels);
	return is_there;
}

static void test_living(void)
{
	struct stat netns;
	int fd = open("/proc/self/ns/net", O_RDONLY);

	CHECK(fd >= 0 && fstat(fd, &netns) == 0);
	record(netns.st_ino);
	CHECK(!is_found());
	CHECK(dup2(fd, PIN_NET_NS) == PIN_NET_NS);
	CHECK(is_found());
	record(netns.st_ino + 1);
	CHECK(!is_found());
	close(PIN_NET_NS);
	close(fd);
}

/* A file, here the record itself, whose inode is the recorded one. */
static void test_other_file(void)
{
	struct stat file;
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0 && fstat(fd, &file) == 0);
	CHECK(dup2(fd, PIN_NET_NS) == PIN_NET_NS);
	record(file.st_ino);
	CHECK(!is_found());
	close(PIN_NET_NS);
	close(fd);
}

int main(void)
{
	char directory[128];

	if (!mkdtemp(home) || setenv("XDG_RUNTIME_DIR", home, 1) != 0)
		return EXIT_FAILURE;
	snprintf(directory, sizeof(directory), "%s/wg-wrap", home);
	mkdir(directory, 0700);
	strcat(directory, "/0123@1");
	mkdir(directory, 0700);
	snprintf(path, sizeof(path), "%s/pin", directory);
	TEST("a tunnel runs while its pin holds its namespace", test_living);
	TEST("what a process that isn't the pin has open is not looked into",
	     test_other_file);
	unlink(path);
	rmdir(directory);
	*strrchr(directory, '/') = '\0';
	rmdir(directory);
	rmdir(home);
	return report();
}
