/* SPDX-License-Identifier: MIT */
/* test_outside.c - new sockets for an engine, with us as its pin */
#include "outside.h"

#include "pin.h"
#include "plan.h"
#include "sockets.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* The limit on descriptors for a host that is short of them. */
enum { FEW = PIN_CONTROL + 1 };

static struct outside outside;
static struct engine engine;
static int other;

/* The last line that the engine was told; sockets that came are not kept. */
static const char *told(void)
{
	static char text[4096];
	size_t len = 0;
	ssize_t got;
	char *line;

	/* What comes with a socket is read by itself. */
	while ((got = recv(other, text + len, sizeof(text) - 1 - len,
			   MSG_DONTWAIT)) > 0)
		len += (size_t)got;
	while (len > 0 && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

/* The engine asks; what it is told must be this. */
static void ask(int port, const char *answer)
{
	engine.port = port;
	outside_hear(&outside, ENGINE_SAYS_SOCKETS, 0);
	CHECK_TEXT(told(), answer);
}

/* The same while the host has no descriptor to spare. */
static void ask_in_need(int port, const char *answer)
{
	struct rlimit before, few;
	int fds[FEW], count = 0;

	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	few = before;
	few.rlim_cur = FEW;
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	while (count < FEW && (fds[count] = dup(STDIN_FILENO)) >= 0)
		count++;
	ask(port, answer);
	while (count > 0)
		close(fds[--count]);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

/* Gives the pin's copies a port, as the controller does. Returns it. */
static unsigned short begin(void)
{
	static struct plan plan;
	struct sockets sockets;
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	engine_prepare(&engine);
	engine.channel = pair[0];
	other = pair[1];
	outside_open(&outside, &engine, &plan, STDERR_FILENO);
	CHECK(sockets_open(0, &sockets) == 0);
	CHECK(dup2(sockets.udp4, PIN_UDP4) == PIN_UDP4);
	CHECK(dup2(sockets.udp6 < 0 ? STDIN_FILENO : sockets.udp6, PIN_UDP6) ==
	      PIN_UDP6);
	sockets_close(&sockets);
	return sockets.port;
}

static void end(void)
{
	close(outside.news.changes);
	close(outside.news.clock);
	close(outside.news.routes);
	close(engine.channel);
	close(other);
	close(PIN_UDP4);
	close(PIN_UDP6);
}

static void test_same_port(void)
{
	unsigned short port = begin();
	char answer[64];

	snprintf(answer, sizeof(answer), "\"sockets %u\"", port);
	ask(ENGINE_SAME_PORT, answer);
	CHECK(sockets_port(PIN_UDP4) == port);
	end();
}

static void test_need(void)
{
	unsigned short port = begin();
	char answer[64];

	ask_in_need(ENGINE_SAME_PORT, "\"sockets failed EMFILE\"");
	/* The engine has closed its own, so that the port can be had again. */
	CHECK(sockets_port(PIN_UDP4) == 0 && sockets_port(PIN_UDP6) == 0);
	ask_in_need(ENGINE_SAME_PORT, "\"sockets failed EMFILE\"");
	snprintf(answer, sizeof(answer), "\"sockets %u\"", port);
	ask(ENGINE_SAME_PORT, answer);
	CHECK(sockets_port(PIN_UDP4) == port);
	end();
}

static void test_need_of_another(void)
{
	unsigned short port = begin();

	ask_in_need(0, "\"sockets failed EMFILE\"");
	CHECK(sockets_port(PIN_UDP4) == port);
	end();
}

int main(void)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	close(null);
	TEST("new sockets have the port of those before", test_same_port);
	TEST("a host that was short of descriptors gives the same port later",
	     test_need);
	TEST("sockets stay where others can't be had", test_need_of_another);
	return report();
}
