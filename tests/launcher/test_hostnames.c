/* SPDX-License-Identifier: MIT */
/* test_hostnames.c - names of endpoints on their way to another process */
#include "hostnames.h"
#include "memfd.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <sys/mman.h>

static bool parses(const char *text)
{
	struct hostnames names;

	return hostnames_parse(&names, text, strlen(text));
}

/* A memfd with a text, sealed or not. */
static int make_file(const char *text, size_t len, bool is_sealed)
{
	int fd = memfd_open();

	CHECK(write(fd, text, len) == (ssize_t)len);
	if (is_sealed)
		memfd_seal(fd);
	return fd;
}

static void test_passage(void)
{
	static struct hostnames names, read;
	char name[VALUE_DOMAIN_MAX_BYTES + 1];
	unsigned int i;
	int fd;

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (i = 0; i < HOSTNAMES_MAX; i++) {
		name[0] = (char)('A' + i % 26);
		CHECK(hostnames_add(&names, name));
	}
	CHECK(!hostnames_add(&names, "vpn.test"));
	fd = hostnames_seal(&names);
	/* Whoever wrote it may stand anywhere in it. */
	lseek(fd, 5, SEEK_SET);
	CHECK(hostnames_read(&read, fd));
	CHECK(read.count == HOSTNAMES_MAX);
	for (i = 0; i < HOSTNAMES_MAX; i++)
		CHECK_TEXT(read.list[i], names.list[i]);
	close(fd);

	names.count = 0;
	fd = hostnames_seal(&names);
	CHECK(hostnames_read(&read, fd) && read.count == 0);
	close(fd);
}

static void test_text(void)
{
	static struct hostnames names;

	CHECK(parses(""));
	CHECK(parses("resolve vpn.test\nresolve -b_.test\n"));
	CHECK(!parses("resolve vpn.test"));
	CHECK(!parses("\n"));
	CHECK(!parses("resolve\n"));
	CHECK(!parses("resolve \n"));
	CHECK(!parses("resolve vpn.test \n"));
	CHECK(!parses("resolve  vpn.test\n"));
	CHECK(!parses("mtu 1280\n"));
	CHECK(!parses("resolve vpn.test\n\n"));
	CHECK(!hostnames_parse(&names, "resolve a\0b\n", 12));
	CHECK(!hostnames_parse(&names, "resolve ab\0\n", 12));
}

static void test_limits(void)
{
	static char text[HOSTNAMES_MAX * 16];
	static char name[VALUE_DOMAIN_MAX_BYTES + 16] = "resolve ";
	struct hostnames names;
	unsigned int i;

	for (i = 0; i < HOSTNAMES_MAX; i++)
		strcat(text, "resolve a.test\n");
	CHECK(parses(text));
	strcat(text, "resolve b\n");
	CHECK(!parses(text));
	memset(name + 8, 'a', VALUE_DOMAIN_MAX_BYTES);
	strcat(name, "\n");
	CHECK(parses(name));
	name[strlen(name) - 1] = 'a';
	strcat(name, "\n");
	CHECK(!parses(name));

	CHECK(hostnames_parse(&names, "resolve vpn.test\n", 17));
	CHECK(hostnames_have(&names, "vpn.test and more", 8));
	CHECK(!hostnames_have(&names, "vpn.test", 7));
	CHECK(!hostnames_have(&names, "", 0));
}

static void test_other_files(void)
{
	static char zeros[1 << 16];
	struct hostnames names;
	int fds[] = {
		open("/dev/null", O_RDONLY),
		make_file("resolve vpn.test\n", 17, false),
		make_file("resolve vpn.test", 16, true),
		make_file(zeros, sizeof(zeros), true),
	};
	unsigned int i;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		CHECK(!hostnames_read(&names, fds[i]));
		close(fds[i]);
	}
	CHECK(!hostnames_read(&names, -1));
}

int main(void)
{
	TEST("as many names as there may be get there whole", test_passage);
	TEST("anything else than lines of names is refused", test_text);
	TEST("one name too many, or one too long, is refused", test_limits);
	TEST("names come from a file that nobody can change", test_other_files);
	return report();
}
