/* SPDX-License-Identifier: MIT */
/*
 * outside.c - what the engine needs of the host, where it can't be itself
 *
 *	names	  it asks for the endpoints' names, and gets their addresses
 *	sockets	  it asks for new sockets, and gets them as descriptors
 *	news	  it is told to wake, unasked
 *
 * The engine chooses nothing of it: the names are its configuration's, sockets
 * are UDP sockets like the first ones, and where it sends to is only looked up. The
 * pin's own copies of the sockets are those that a successor will get.
 */
#include "outside.h"

#include "die.h"
#include "errname.h"
#include "pin.h"
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WATCH_NAMES = NEWS_WATCHES };

/**
 * outside_open() - Begin to listen to the host
 * @outside:	Outside
 * @engine:	Engine to serve
 * @plan:	Plan
 * @log:	Where its helpers' stderr goes
 */
void outside_open(struct outside *outside, struct engine *engine,
		  const struct plan *plan, int log)
{
	outside->engine = engine;
	memset(&outside->answered, 0, sizeof(outside->answered));
	outside->port = 0;
	names_prepare(&outside->names, plan, log);
	news_open(&outside->news);
}

/**
 * outside_rename() - Have the engine's names be others
 * @outside:	Outside
 * @names:	Names of endpoints
 */
void outside_rename(struct outside *outside, const struct hostnames *names)
{
	names_replace(&outside->names, names);
}

/**
 * keep_copy() - Have a successor get this socket
 * @socket:	Socket, or -1 for a family that is missing
 * @number:	PIN_UDP4 or PIN_UDP6
 */
static void keep_copy(int socket, int number)
{
	/* The pin's stdin is /dev/null: this takes no new descriptor. */
	if (dup3(socket < 0 ? STDIN_FILENO : socket, number, O_CLOEXEC) < 0)
		die_errno("can't replace a socket");
}

/**
 * own_port() - Tell the port of the pin's copies
 * Returns 0 if there are none.
 */
static unsigned short own_port(void)
{
	unsigned short port = sockets_port(PIN_UDP4);

	return port != 0 ? port : sockets_port(PIN_UDP6);
}

/**
 * open_sockets() - Open what the engine wants
 * @outside:	Outside
 * @sockets:	Gets the pair
 * For the same port the engine has closed its copies, and so are ours. It may
 * be somebody else's a moment later; then any other does. Where there is none
 * to be had for the moment, the port is kept in mind for the next time.
 */
static int open_sockets(struct outside *outside, struct sockets *sockets)
{
	int wanted = outside->engine->port, errnum;
	unsigned short port;

	if (wanted != ENGINE_SAME_PORT)
		return sockets_open((unsigned short)wanted, sockets);
	port = own_port();
	if (port != 0)
		outside->port = port;
	keep_copy(-1, PIN_UDP4);
	keep_copy(-1, PIN_UDP6);
	errnum = sockets_open(outside->port, sockets);
	if (errnum == EADDRINUSE || errnum == EACCES)
		errnum = sockets_open(0, sockets);
	return errnum;
}

/**
 * hand_sockets() - Hand the engine the sockets that a successor would get
 * @engine:	Engine
 * What can't be told now is asked for again: the engine waits for the last word.
 */
static void hand_sockets(const struct engine *engine)
{
	static const int sockets[] = {PIN_UDP4, PIN_UDP6};
	unsigned short port, last = 0;
	char word[48];
	int i;

	for (i = 0; i < 2; i++) {
		port = sockets_port(sockets[i]);
		if (port == 0)
			continue;
		last = port;
		snprintf(word, sizeof(word), "udp %lu %d", engine->question,
			 i == 0 ? 4 : 6);
		if (!engine_hand(engine, word, sockets[i]))
			return;
	}
	snprintf(word, sizeof(word), "sockets %lu %u", engine->question, last);
	engine_tell(engine, word);
}

/**
 * answer() - Give the engine the sockets that it asks for
 * @outside:	Outside
 * A question that comes again has been answered, but the answer didn't get
 * through, or not in time. The same sockets are good then; others could not even
 * have the same port, which these hold. So it is with a port that is asked for
 * once more.
 */
static void answer(struct outside *outside)
{
	const struct engine *engine = outside->engine;
	struct sockets sockets;
	bool is_again = outside->answered.engine == engine->pid &&
			outside->answered.question == engine->question;
	char word[48];
	int errnum;

	if (!is_again && (engine->port <= 0 || engine->port != own_port())) {
		errnum = open_sockets(outside, &sockets);
		if (errnum != 0) {
			snprintf(word, sizeof(word), "sockets %lu failed %s",
				 engine->question, errname(errnum));
			engine_tell(engine, word);
			return;
		}
		keep_copy(sockets.udp4, PIN_UDP4);
		keep_copy(sockets.udp6, PIN_UDP6);
		sockets_close(&sockets);
		outside->answered.engine = engine->pid;
		outside->answered.question = engine->question;
	}
	hand_sockets(engine);
}

/**
 * outside_hear() - Do what a word of the engine's asks for
 * @outside:	Outside
 * @word:	Word
 * @now_ms:	Time
 */
void outside_hear(struct outside *outside, enum engine_word word,
		  long long now_ms)
{
	switch (word) {
	case ENGINE_SAYS_RESOLVE:
		names_start(&outside->names, now_ms);
		break;
	case ENGINE_SAYS_SOCKETS:
		answer(outside);
		break;
	case ENGINE_SAYS_TOWARDS:
		news_watch(&outside->news, outside->engine->towards);
		break;
	default:
		break;
	}
}

/**
 * outside_poll() - Fill in what to poll for
 * @outside:	Outside
 * @watches:	Gets it
 */
void outside_poll(const struct outside *outside,
		  struct pollfd watches[OUTSIDE_WATCHES])
{
	news_poll(&outside->news, watches);
	watches[WATCH_NAMES].fd = outside->names.answers;
	watches[WATCH_NAMES].events = POLLIN;
	watches[WATCH_NAMES].revents = 0;
}

/**
 * outside_act() - Do what the host makes necessary
 * @outside:	Outside
 * @watches:	What outside_poll() filled in, with its results
 * @now_ms:	Time
 */
void outside_act(struct outside *outside,
		 const struct pollfd watches[OUTSIDE_WATCHES], long long now_ms)
{
	char word[NAMES_LINE_MAX + 16];
	const char *answer;

	while ((answer = names_take(&outside->names))) {
		snprintf(word, sizeof(word), "resolved %s", answer);
		engine_tell(outside->engine, word);
	}
	names_expire(&outside->names, now_ms);
	news_hear(&outside->news, watches, now_ms);
	if (news_look(&outside->news, now_ms))
		engine_tell(outside->engine, "wake");
}

/**
 * outside_next() - When to act without an event
 * @outside:	Outside
 * Returns LLONG_MAX for never.
 */
long long outside_next(const struct outside *outside)
{
	long long look_at = outside->news.look_at;
	long long kill_at = outside->names.kill_at;

	return look_at < kill_at ? look_at : kill_at;
}

/**
 * outside_child_ended() - A child of the pin's ended
 * @outside:	Outside
 * @pid:	Child
 */
void outside_child_ended(struct outside *outside, pid_t pid)
{
	names_ended(&outside->names, pid);
}
