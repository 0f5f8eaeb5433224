/* SPDX-License-Identifier: MIT */
/* test_record.c - the record that a pin writes, a front reads, and others might */
#include "record.h"

#include "plan.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define REST                                                                   \
	"pid 42\nboot b\nnetns 4026532000\ntunnel work\n"                      \
	"config /home/ada/my work.conf\nstamp 1 2 3 4\nlinger 0\n"             \
	"option mtu 1300\noption ignore-unknown \n"

static struct record record;

static bool parse(const char *text)
{
	snprintf(record.text, sizeof(record.text), "%s", text);
	return record_parse(&record);
}

static void test_whole(void)
{
	CHECK(parse("state starting_\n" REST));
	CHECK(record.state == RECORD_STARTING && record.pid == 42 &&
	      record.netns == 4026532000);
	CHECK_TEXT(record.config, "/home/ada/my work.conf");
	CHECK_TEXT(record.tunnel, "work");
	CHECK_TEXT(record.stamp, "1 2 3 4");
	CHECK(record.options.count == 2);
	CHECK_TEXT(options_value(&record.options, "mtu"), "1300");
	CHECK_TEXT(options_value(&record.options, "ignore-unknown"), "");
	CHECK(parse("state connected\n" REST) &&
	      record.state == RECORD_CONNECTED);
	CHECK(parse("state stale____\n" REST) && record.state == RECORD_STALE);
	CHECK(parse("state failed___\nengine 0000000017\n" REST) &&
	      record.state == RECORD_FAILED);
	CHECK(parse("state connected\n" REST "later addition\n"));
}

static void test_refused(void)
{
	static const char *const texts[] = {
		"",
		"\n",
		"state\n",
		"state connected",
		"state connected\n",
		"state conn",
		"state stopped__\n" REST,
		"state connected_\n" REST,
		"state stale\n" REST,
		"state connected\n" REST "option mtu\n",
		"state connected\n" REST "option M 1\n",
		"pid 42\n" REST,
		REST,
		"state connected\n" REST "pid 0\n",
		"state connected\n" REST "pid -1\n",
		"state connected\n" REST "pid 4x\n",
		"state connected\n" REST "pid 99999999999\n",
		"state connected\n" REST "netns \n",
		"state connected\n" REST "netns 99999999999999999999999\n",
		"state connected\n" REST "\n",
		"state connected\n" REST "tunnel",
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (parse(texts[i]))
			CHECK_TEXT(texts[i], "a refusal");
	}
}

/* Each line that a front needs, left out in turn. */
static void test_incomplete(void)
{
	static const char *const lines[] = {
		"pid 42\n",	   "netns 7\n",	  "tunnel work\n",
		"stamp 1 2 3 4\n", "config /c\n",
	};
	enum { LINES = sizeof(lines) / sizeof(*lines) };
	char text[512];
	int skip, i;

	for (skip = -1; skip < LINES; skip++) {
		strcpy(text, "state connected\n");
		for (i = 0; i < LINES; i++) {
			if (i != skip)
				strcat(text, lines[i]);
		}
		CHECK(parse(text) == (skip < 0));
	}
}

static void test_file(void)
{
	struct plan plan = {.tunnel = (char *)"work",
			    .config = (char *)"/c/work.conf",
			    .stamp = (char *)"1 22 3 4",
			    .options = {1, {{"mtu", "1300"}}}};
	char directory[] = "/tmp/test-record-XXXXXX", path[64];
	char text[59] = "";
	int folder, fd, reader;

	CHECK(mkdtemp(directory) != NULL);
	folder = open(directory, O_RDONLY | O_DIRECTORY);
	fd = record_create(folder, &plan, 77);
	snprintf(path, sizeof(path), "%s/pin", directory);
	reader = open(path, O_RDONLY);
	CHECK(reader >= 0);
	CHECK(flock(reader, LOCK_EX | LOCK_NB) != 0);
	record_read(reader, &record);
	CHECK(record.state == RECORD_STARTING && record.pid == getpid() &&
	      record.netns == 77);
	CHECK_TEXT(record.stamp, "1 22 3 4");
	CHECK_TEXT(options_value(&record.options, "mtu"), "1300");
	CHECK(!record_await_usable(reader, 0));
	record_set_engine(fd, 4194304);
	record_set_restarts(fd, 3);
	record_set_state(fd, RECORD_STALE);
	CHECK(record_await_usable(reader, 0));
	record_read(reader, &record);
	CHECK(record.state == RECORD_STALE && record.netns == 77);
	/* The three lines that change have kept their widths. */
	CHECK(pread(reader, text, sizeof(text) - 1, 0) > 0);
	CHECK(strncmp(text,
		      "state stale____\nengine 0004194304\n"
		      "restarts 0000000003\npid ",
		      sizeof(text) - 1) == 0);
	record_forget_stamp(fd);
	record_read(reader, &record);
	CHECK_TEXT(record.stamp, "0 00 0 0");
	CHECK_TEXT(record.config, "/c/work.conf");
	CHECK_TEXT(options_value(&record.options, "mtu"), "1300");
	record_set_state(fd, RECORD_FAILED);
	CHECK(record_state(reader) == RECORD_FAILED);
	CHECK(!record_is_usable(RECORD_FAILED));
	close(fd);
	CHECK(flock(reader, LOCK_EX | LOCK_NB) == 0);
	close(reader);
	close(folder);
	unlink(path);
	CHECK(rmdir(directory) == 0);
}

/* A child changes the state while this process waits for it. */
static void test_wait(void)
{
	struct plan plan = {.tunnel = (char *)"work",
			    .config = (char *)"/c/work.conf",
			    .stamp = (char *)"1 2 3 4",
			    .options = {1, {{"mtu", "1300"}}}};
	char directory[] = "/tmp/test-record-XXXXXX", path[64];
	int folder, fd, reader, gate[2];
	char byte = 0;
	pid_t child;

	CHECK(mkdtemp(directory) != NULL);
	CHECK(pipe(gate) == 0);
	folder = open(directory, O_RDONLY | O_DIRECTORY);
	fd = record_create(folder, &plan, 77);
	snprintf(path, sizeof(path), "%s/pin", directory);
	reader = open(path, O_RDONLY);
	child = fork();
	if (child == 0) {
		if (read(gate[0], &byte, 1) == 1) {
			record_set_engine(fd, 17);
			record_set_state(fd, RECORD_CONNECTED);
		}
		_exit(0);
	}
	CHECK(write(gate[1], &byte, 1) == 1);
	CHECK(record_await_usable(reader, 5000));
	waitpid(child, NULL, 0);
	close(fd);
	close(reader);
	close(folder);
	close(gate[0]);
	close(gate[1]);
	unlink(path);
	CHECK(rmdir(directory) == 0);
}

int main(void)
{
	TEST("a whole record is understood, with additions", test_whole);
	TEST("what is no record is refused", test_refused);
	TEST("a record without what a front needs is refused", test_incomplete);
	TEST("a record is locked from its first moment to its writer's end",
	     test_file);
	TEST("a reader notices the handshake", test_wait);
	return report();
}
