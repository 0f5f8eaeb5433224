/* SPDX-License-Identifier: MIT */
/* test_channel.c - the words between the engine and its keeper */
#include "engine.h"
#include "fds.h"

#include "../setup/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

/* Puts bytes on the channel, and takes one word. */
static enum engine_word hear(struct engine *engine, int other, const char *text)
{
	CHECK(send(other, text, strlen(text), 0) == (ssize_t)strlen(text));
	return engine_listen(engine);
}

static void open_channel(struct engine *engine, int *other)
{
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	engine_prepare(engine);
	engine->channel = ends[0];
	*other = ends[1];
}

static void close_channel(struct engine *engine, int other)
{
	close(engine->channel);
	close(other);
}

static void test_words(void)
{
	struct engine engine;
	int other;

	open_channel(&engine, &other);
	CHECK(hear(&engine, other, "\"ready\"\n") == ENGINE_SAYS_READY);
	CHECK(hear(&engine, other, "\"resolve\"\n") == ENGINE_SAYS_RESOLVE);
	CHECK(hear(&engine, other, "\"sockets 7 0\"\n") == ENGINE_SAYS_SOCKETS);
	CHECK(engine.question == 7 && engine.port == 0);
	CHECK(hear(&engine, other, "\"sockets 4294967295 65535\"\n") ==
	      ENGINE_SAYS_SOCKETS);
	CHECK(engine.question == 4294967295 && engine.port == 65535);
	CHECK(hear(&engine, other, "\"sockets 1\"\n") == ENGINE_SAYS_SOCKETS);
	CHECK(engine.question == 1 && engine.port == ENGINE_SAME_PORT);
	CHECK(hear(&engine, other, "\"towards 203.0.113.4\"\n") ==
	      ENGINE_SAYS_TOWARDS);
	CHECK_TEXT(engine.towards, "203.0.113.4");
	CHECK(hear(&engine, other,
		   "\"towards 2001:db8:1111:2222:3333:4444:5555:6666\"\n") ==
	      ENGINE_SAYS_TOWARDS);
	CHECK_TEXT(engine.towards, "2001:db8:1111:2222:3333:4444:5555:6666");
	CHECK(hear(&engine, other, "{\"cmd\":\"NODE_HANDLE_ACK\"}\n") ==
	      ENGINE_SAYS_THANKS);
	CHECK(hear(&engine, other, "\"res") == ENGINE_SAYS_NOTHING);
	CHECK(hear(&engine, other, "olve\"\n\"stale\"\n") ==
	      ENGINE_SAYS_RESOLVE);
	CHECK(engine_listen(&engine) == ENGINE_SAYS_STALE);
	close_channel(&engine, other);
}

static void test_nonsense(void)
{
	static const char *const lines[] = {
		"\n",
		"\"\n",
		"resolve\n",
		"\"resolve vpn.test\"\n",
		"\"sockets\"\n",
		"\"sockets \"\n",
		"\"sockets -1\"\n",
		"\"sockets 4294967296\"\n",
		"\"sockets 42949672950\"\n",
		"\"sockets 1 \"\n",
		"\"sockets 1 -1\"\n",
		"\"sockets 1 65536\"\n",
		"\"sockets 1 2 3\"\n",
		"\"sockets  1\"\n",
		"\"sockets 53\n",
		"\"towards \"\n",
		"\"towards vpn.test\"\n",
		"\"towards 203.0.113.4,203.0.113.5\"\n",
		"\"towards 11111111111111111111111111111111111111111111111\"\n",
	};
	struct engine engine;
	unsigned int i;
	int other;

	open_channel(&engine, &other);
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		CHECK(hear(&engine, other, lines[i]) == ENGINE_SAYS_NONSENSE);
	CHECK_TEXT(engine.towards, "");
	close_channel(&engine, other);
}

static void test_hand(void)
{
	char line[256] = "";
	unsigned int count = 1;
	struct engine engine;
	int other, null = open("/dev/null", O_RDWR), got = -1;

	open_channel(&engine, &other);
	CHECK(engine_hand(&engine, "udp 1 6", null));
	CHECK(fds_receive(other, line, sizeof(line) - 1, &got, &count) > 0);
	CHECK_TEXT(line, "{\"cmd\":\"NODE_HANDLE\",\"type\":"
			 "\"dgram.Native\",\"msg\":\"udp 1 6\"}\n");
	CHECK(count == 1 && fcntl(got, F_GETFD) >= 0);
	close(got);
	close(null);
	close_channel(&engine, other);
}

static void test_full(void)
{
	static char long_word[2000];
	struct engine engine;
	unsigned int sent = 0;
	int other;

	memset(long_word, 'x', sizeof(long_word) - 1);
	open_channel(&engine, &other);
	while (sent < 100000 && engine_tell(&engine, long_word))
		sent++;
	CHECK(sent > 0 && sent < 100000);
	/* Whatever it is that doesn't fit, nobody waits for it. */
	while (engine_hand(&engine, "udp 1 4", other) && sent < 100000)
		sent++;
	CHECK(sent < 100000);
	close_channel(&engine, other);
}

int main(void)
{
	TEST("the engine's requests are understood", test_words);
	TEST("what is no word of the engine's is nonsense", test_nonsense);
	TEST("a socket goes to the engine as Node hands on a handle",
	     test_hand);
	TEST("a channel that takes nothing more holds nobody up", test_full);
	return report();
}
