/* SPDX-License-Identifier: MIT */
/*
 * channel.c - the words between the engine and its keeper
 *
 * The channel speaks Node's own framing, a JSON value a line. Our words are
 * strings without anything to escape, so they are compared as they are. With a
 * descriptor comes the form in which Node passes on a handle; Node thanks for
 * it in the same form.
 */
#include "engine.h"

#include "die.h"
#include "fds.h"
#include "value.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/**
 * take_timestamp() - Keep what the engine told of its initiations
 * @engine:	Engine
 * @len:	Length of the line
 * Returns false if the line is none such.
 */
static bool take_timestamp(struct engine *engine, size_t len)
{
	static const char before[] = "\"timestamp ";
	const char *digits = engine->line + sizeof(before) - 1;

	if (len != sizeof(before) - 1 + TIMESTAMP_DIGITS + 1 ||
	    memcmp(engine->line, before, sizeof(before) - 1) != 0 ||
	    strspn(digits, "0123456789abcdef") != TIMESTAMP_DIGITS ||
	    digits[TIMESTAMP_DIGITS] != '"')
		return false;
	memcpy(engine->timestamp, digits, TIMESTAMP_DIGITS);
	return true;
}

/**
 * argument() - Find what follows a word on the line
 * @engine:	Engine
 * @len:	Length of the line
 * @word:	Word
 * @size:	Most bytes of the argument, with its NUL
 * Returns the argument, ended in place; NULL if it is another word.
 */
static const char *argument(struct engine *engine, size_t len, const char *word,
			    size_t size)
{
	size_t before = strlen(word) + 2;

	if (len < before + 2 || len - before > size || engine->line[0] != '"' ||
	    engine->line[len - 1] != '"' || engine->line[before - 1] != ' ' ||
	    memcmp(engine->line + 1, word, before - 2) != 0)
		return NULL;
	engine->line[len - 1] = '\0';
	return engine->line + before;
}

/**
 * take_question() - Keep which sockets the engine wants
 * @engine:	Engine
 * @text:	Number of the question, and a port if it isn't to be the same
 * Returns false if it is something else.
 */
static bool take_question(struct engine *engine, const char *text)
{
	const char *space = strchr(text, ' ');
	char question[sizeof("4294967295")] = "";
	unsigned long number, port;
	size_t len = space ? (size_t)(space - text) : strlen(text);

	if (len >= sizeof(question))
		return false;
	memcpy(question, text, len);
	if (!value_number(question, UINT32_MAX, &number) ||
	    (space && !value_number(space + 1, UINT16_MAX, &port)))
		return false;
	engine->question = number;
	engine->port = space ? (int)port : ENGINE_SAME_PORT;
	return true;
}

/**
 * take_request() - Keep what the engine asks for
 * @engine:	Engine
 * @len:	Length of the line
 * Returns the word, or ENGINE_SAYS_NONSENSE.
 */
static enum engine_word take_request(struct engine *engine, size_t len)
{
	const char *text =
		argument(engine, len, "sockets", sizeof("4294967295 65535"));

	if (text)
		return take_question(engine, text) ? ENGINE_SAYS_SOCKETS
						   : ENGINE_SAYS_NONSENSE;
	text = argument(engine, len, "towards", sizeof(engine->towards));
	if (text && value_is_address(text)) {
		memcpy(engine->towards, text, strlen(text) + 1);
		return ENGINE_SAYS_TOWARDS;
	}
	return ENGINE_SAYS_NONSENSE;
}

/**
 * take_line() - Take the first complete line out of the buffer
 * @engine:	Engine
 * Returns what it means; ENGINE_SAYS_NOTHING if there is no complete line.
 */
static enum engine_word take_line(struct engine *engine)
{
	static const struct {
		const char *line;
		enum engine_word word;
	} words[] = {
		{"\"ready\"", ENGINE_SAYS_READY},
		{"\"connected\"", ENGINE_SAYS_CONNECTED},
		{"\"stale\"", ENGINE_SAYS_STALE},
		{"\"resolve\"", ENGINE_SAYS_RESOLVE},
		{"{\"cmd\":\"NODE_HANDLE_ACK\"}", ENGINE_SAYS_THANKS},
	};
	char *end = memchr(engine->line, '\n', engine->filled);
	enum engine_word word = ENGINE_SAYS_NONSENSE;
	size_t len, i;

	if (!end)
		return engine->filled == sizeof(engine->line)
			       ? ENGINE_HANGS_UP
			       : ENGINE_SAYS_NOTHING;
	len = (size_t)(end - engine->line);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].line) == len &&
		    memcmp(words[i].line, engine->line, len) == 0)
			word = words[i].word;
	}
	if (word == ENGINE_SAYS_NONSENSE && take_timestamp(engine, len))
		word = ENGINE_SAYS_TIMESTAMP;
	if (word == ENGINE_SAYS_NONSENSE)
		word = take_request(engine, len);
	engine->filled -= len + 1;
	memmove(engine->line, end + 1, engine->filled);
	return word;
}

/**
 * engine_listen() - Take the next word from the channel, without waiting
 * @engine:	Engine
 * To be called until it returns ENGINE_SAYS_NOTHING or ENGINE_HANGS_UP, or again
 * while engine_has_word(). A line longer than any of ours counts as hanging up.
 */
enum engine_word engine_listen(struct engine *engine)
{
	enum engine_word word = take_line(engine);
	ssize_t got;

	if (word != ENGINE_SAYS_NOTHING)
		return word;
	got = recv(engine->channel, engine->line + engine->filled,
		   sizeof(engine->line) - engine->filled, MSG_DONTWAIT);
	if (got > 0) {
		engine->filled += (size_t)got;
		return take_line(engine);
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return ENGINE_SAYS_NOTHING;
	return ENGINE_HANGS_UP;
}

/**
 * engine_has_word() - Whether a word was read from the channel and not yet taken
 * @engine:	Engine
 * There is no event for it any more.
 */
bool engine_has_word(const struct engine *engine)
{
	return engine->channel >= 0 &&
	       memchr(engine->line, '\n', engine->filled) != NULL;
}

/**
 * engine_tell() - Send the engine a word, without waiting
 * @engine:	Engine
 * @word:	The word, without anything that JSON escapes
 * Returns false if the channel takes nothing for the moment.
 */
bool engine_tell(const struct engine *engine, const char *word)
{
	char line[CHANNEL_LINE_MAX];
	int len = snprintf(line, sizeof(line), "\"%s\"\n", word);
	ssize_t sent;

	if (len < 0 || len >= (int)sizeof(line))
		die(STATUS_SETUP,
		    "internal: a word for the engine is too long");
	sent = send(engine->channel, line, (size_t)len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent == len;
}

/**
 * engine_hand() - Send the engine a socket, without waiting
 * @engine:	Engine
 * @word:	The word that comes with it
 * @socket:	UDP socket; it stays open here
 * The form is Node's own, for a handle that it passes on without a wrapper.
 * Returns false if the channel takes nothing for the moment.
 */
bool engine_hand(const struct engine *engine, const char *word, int socket)
{
	struct pollfd channel = {.fd = engine->channel, .events = POLLOUT};
	char line[128];
	int len = snprintf(line, sizeof(line),
			   "{\"cmd\":\"NODE_HANDLE\",\"type\":"
			   "\"dgram.Native\",\"msg\":\"%s\"}\n",
			   word);

	if (len < 0 || len >= (int)sizeof(line))
		die(STATUS_SETUP,
		    "internal: a word for the engine is too long");
	if (poll(&channel, 1, 0) != 1 || channel.revents != POLLOUT)
		return false;
	return fds_send(engine->channel, line, (size_t)len, &socket, 1) == 0;
}
