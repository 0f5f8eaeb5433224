/* SPDX-License-Identifier: MIT */
/*
 * fuzz_channel.c - any bytes of an engine's are words, nonsense or its end
 *
 * The first byte is how many of the others come at once.
 */
#include "engine.h"

#include "value.h"

#include "fuzz.h"

/* What a word leaves behind must be fit for its use. */
static void check(const struct engine *engine, enum engine_word word)
{
	switch (word) {
	case ENGINE_SAYS_SOCKETS:
		if (engine->port < ENGINE_SAME_PORT || engine->port > 65535)
			abort();
		break;
	case ENGINE_SAYS_TOWARDS:
		if (!value_is_address(engine->towards))
			abort();
		break;
	case ENGINE_SAYS_TIMESTAMP:
		if (strlen(engine->timestamp) != TIMESTAMP_DIGITS ||
		    strspn(engine->timestamp, "0123456789abcdef") !=
			    TIMESTAMP_DIGITS)
			abort();
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct engine engine;
	enum engine_word word;
	size_t at = 1, count;

	if (size == 0)
		return 0;
	engine_prepare(&engine);
	memset(engine.line, 0xee, sizeof(engine.line));
	while (at < size) {
		/* As much as engine_listen() would receive. */
		count = 1U + data[0];
		if (count > size - at)
			count = size - at;
		if (count > sizeof(engine.line) - engine.filled)
			count = sizeof(engine.line) - engine.filled;
		memcpy(engine.line + engine.filled, data + at, count);
		engine.filled += count;
		at += count;
		/* Without a channel, the end follows the last whole line. */
		while ((word = engine_listen(&engine)) != ENGINE_HANGS_UP)
			check(&engine, word);
		if (engine.filled == sizeof(engine.line))
			return 0;
	}
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(int argc, char **argv)
{
	static const struct fuzz_seed seeds[] = {
		FUZZ_TEXT("\x07\"ready\"\n\"connected\"\n\"stale\"\n"
			  "{\"cmd\":\"NODE_HANDLE_ACK\"}\n\"resolve\"\n"),
		FUZZ_TEXT("\xff\"timestamp 400000006553f0ff0a1b2c3d\"\n"
			  "\"sockets\"\n\"sockets 65535\"\n\"sockets 0\"\n"),
		FUZZ_TEXT("\x1f\"towards 203.0.113.4\"\n\"towards "
			  "2001:db8:1111:2222:3333:4444:255.255.255.255\"\n"),
	};

	return fuzz_main(argc, argv, seeds, 3, "engines do no harm");
}
#endif
