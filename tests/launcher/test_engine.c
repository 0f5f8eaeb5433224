/* SPDX-License-Identifier: MIT */
/* test_engine.c - how an engine is started again */
#include "engine.h"

#include "../setup/test.h"

#include <sys/resource.h>
#include <sys/socket.h>

static void test_pauses(void)
{
	const struct engine_program program = {0};
	const struct engine_fds fds = {0};
	struct rlimit before, none;
	struct engine engine;

	engine_prepare(&engine);
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	none = before;
	none.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	/* It started at 0 and lived for long. */
	CHECK(engine_ended(&engine, 100000) == 50);
	CHECK(!engine_start(&engine, &program, &fds, 100050));
	CHECK(engine_ended(&engine, 100050) == 100);
	CHECK(!engine_start(&engine, &program, &fds, 100150));
	CHECK(engine_ended(&engine, 100150) == 200);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

/* Writes two hundred timestamps, from 0 on. */
static void tell_timestamps(int channel)
{
	char line[64];
	unsigned int i;

	for (i = 0; i < 200; i++) {
		snprintf(line, sizeof(line), "\"timestamp %024x\"\n", i);
		CHECK(send(channel, line, strlen(line), 0) ==
		      (ssize_t)strlen(line));
	}
}

/* Writes faster than anybody reads, until that ends. */
static void talk_without_end(int channel)
{
	static char words[1 << 16];

	memset(words, '\n', sizeof(words));
	while (send(channel, words, sizeof(words), MSG_NOSIGNAL) > 0)
		;
}

static void test_last_words(void)
{
	struct engine engine;
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	engine_prepare(&engine);
	engine.channel = ends[0];
	tell_timestamps(ends[1]);
	close(ends[1]);
	engine_ended(&engine, 0);
	CHECK_TEXT(engine.timestamp, "0000000000000000000000c7");
}

static void test_talk_after_the_end(void)
{
	struct engine engine;
	int ends[2], status;
	pid_t child;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	engine_prepare(&engine);
	engine.channel = ends[0];
	child = fork();
	if (child == 0) {
		close(ends[0]);
		talk_without_end(ends[1]);
		_exit(7);
	}
	close(ends[1]);
	alarm(30);
	engine_ended(&engine, 0);
	alarm(0);
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	      WEXITSTATUS(status) == 7);
}

int main(void)
{
	TEST("pauses grow while the kernel is short of what a start needs",
	     test_pauses);
	TEST("what an engine said before its end is heard", test_last_words);
	TEST("who talks on in a dead engine's place is hung up on",
	     test_talk_after_the_end);
	return report();
}
