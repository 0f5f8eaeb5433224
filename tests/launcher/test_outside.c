/* SPDX-License-Identifier: MIT */
/* test_outside.c - the answers to an engine that asks for sockets */
#include "fds.h"
#include "outside.h"
#include "pin.h"
#include "sockets.h"

#include "../setup/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* What the engine has heard. */
struct answer {
	char text[512];
	int sockets[4];
	unsigned int count;
};

static struct engine engine;
static struct outside outside;
static int other;

/* A pin that was started with one socket, and an engine that it started. */
static void begin(unsigned short port)
{
	struct sockets first;
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			 ends) == 0);
	engine_prepare(&engine);
	engine.pid = 1234;
	engine.channel = ends[0];
	other = ends[1];
	memset(&outside, 0, sizeof(outside));
	outside.engine = &engine;
	CHECK(sockets_open(port, &first) == 0);
	CHECK(dup3(first.udp4, PIN_UDP4, O_CLOEXEC) == PIN_UDP4);
	close(PIN_UDP6);
	sockets_close(&first);
}

static void end(void)
{
	close(engine.channel);
	close(other);
	close(PIN_UDP4);
	close(PIN_UDP6);
}

/* Asks as the engine would. */
static void ask(unsigned long question, int port)
{
	engine.question = question;
	engine.port = port;
	outside_hear(&outside, ENGINE_SAYS_SOCKETS, 0);
}

/* Takes everything that was answered. */
static void hear(struct answer *answer)
{
	size_t len = 0;
	unsigned int count;
	ssize_t got;

	memset(answer, 0, sizeof(*answer));
	do {
		count = 4 - answer->count;
		got = fds_receive(other, answer->text + len,
				  sizeof(answer->text) - 1 - len,
				  answer->sockets + answer->count, &count);
		if (got > 0) {
			len += (size_t)got;
			answer->count += count;
		}
	} while (got > 0);
}

static void forget(struct answer *answer)
{
	while (answer->count > 0)
		close(answer->sockets[--answer->count]);
}

static bool says(const struct answer *answer, const char *word)
{
	return strstr(answer->text, word) != NULL;
}

static void test_answer(void)
{
	struct answer answer;
	unsigned short port;
	char last[32];

	begin(0);
	port = sockets_port(PIN_UDP4);
	ask(1, ENGINE_SAME_PORT);
	hear(&answer);
	CHECK(answer.count > 0 && says(&answer, "\"udp 1 4\""));
	snprintf(last, sizeof(last), "\"sockets 1 %u\"\n", port);
	CHECK(says(&answer, last));
	CHECK(sockets_port(answer.sockets[0]) == port);
	CHECK(sockets_port(PIN_UDP4) == port);
	forget(&answer);
	end();
}

/* How many descriptors of ours are one and the same socket can't be told, but
 * others could not have been bound to its port. */
static void test_again(void)
{
	struct answer first, second, third;
	unsigned short port;

	begin(0);
	port = sockets_port(PIN_UDP4);
	ask(1, ENGINE_SAME_PORT);
	hear(&first);
	ask(1, ENGINE_SAME_PORT);
	hear(&second);
	CHECK_TEXT(second.text, first.text);
	CHECK(second.count == first.count && second.count > 0);
	CHECK(sockets_port(second.sockets[0]) == port);
	/* Another question gets others, and so does another engine. */
	ask(2, ENGINE_SAME_PORT);
	hear(&third);
	CHECK(sockets_port(third.sockets[0]) != port);
	forget(&first);
	forget(&second);
	forget(&third);
	ask(2, port);
	hear(&first);
	engine.pid++;
	ask(2, ENGINE_SAME_PORT);
	hear(&second);
	CHECK(second.count > 0 && sockets_port(second.sockets[0]) !=
					  sockets_port(first.sockets[0]));
	forget(&first);
	forget(&second);
	end();
}

/* A move whose answer was lost is asked for anew, by another question. */
static void test_move_again(void)
{
	struct answer answer;
	unsigned short port;
	char last[32];

	begin(0);
	ask(1, 0);
	hear(&answer);
	port = sockets_port(PIN_UDP4);
	forget(&answer);
	ask(2, port);
	hear(&answer);
	snprintf(last, sizeof(last), "\"sockets 2 %u\"\n", port);
	CHECK(says(&answer, last) && answer.count > 0);
	forget(&answer);
	end();
}

/* Leaves no descriptor free below the limit; returns how many that took. */
static int fill(int taken[PIN_UDP6 + 1])
{
	int count = 0, fd;

	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		taken[count++] = fd;
	return count;
}

static void test_failed(void)
{
	struct rlimit limit, few;
	struct answer answer;
	int taken[PIN_UDP6 + 1], count;
	unsigned short port;
	char last[32];

	begin(0);
	port = sockets_port(PIN_UDP4);
	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = PIN_UDP6 + 1;
	setrlimit(RLIMIT_NOFILE, &few);
	count = fill(taken);
	ask(1, ENGINE_SAME_PORT);
	hear(&answer);
	CHECK_TEXT(answer.text, "\"sockets 1 failed EMFILE\"\n");
	setrlimit(RLIMIT_NOFILE, &limit);
	while (count > 0)
		close(taken[--count]);
	ask(1, ENGINE_SAME_PORT);
	hear(&answer);
	snprintf(last, sizeof(last), "\"sockets 1 %u\"\n", port);
	CHECK(says(&answer, last));
	forget(&answer);
	end();
}

int main(void)
{
	TEST("new sockets have the port of those before", test_answer);
	TEST("a question that comes again gets the same sockets", test_again);
	TEST("a port that is asked for once more is no other's",
	     test_move_again);
	TEST("a failure is told, and the port isn't forgotten", test_failed);
	return report();
}
