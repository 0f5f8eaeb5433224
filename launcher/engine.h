/* SPDX-License-Identifier: MIT */
/* engine.h - the engine's process, as its keeper sees it */
#ifndef WG_WRAP_ENGINE_H
#define WG_WRAP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A longer line on the channel is not ours. */
enum { CHANNEL_LINE_MAX = 4096 };

/* Hexadecimal digits of a TAI64N timestamp. */
enum { TIMESTAMP_DIGITS = 24 };

/* In place of a port. */
enum { ENGINE_SAME_PORT = -1 };

enum engine_word {
	ENGINE_SAYS_NOTHING, /* for the moment */
	ENGINE_SAYS_READY,
	ENGINE_SAYS_CONNECTED,
	ENGINE_SAYS_STALE,     /* data goes out, and no peer answers */
	ENGINE_SAYS_TIMESTAMP, /* it is in struct engine, as are the next two */
	ENGINE_SAYS_SOCKETS,
	ENGINE_SAYS_TOWARDS,
	ENGINE_SAYS_RESOLVE,
	ENGINE_SAYS_THANKS, /* it took a descriptor */
	ENGINE_SAYS_NONSENSE,
	ENGINE_HANGS_UP,
};

/* What is executed, and where. */
struct engine_program {
	const char *node;
	char *const *node_options;
	unsigned int node_option_count;
	const char *script;
	const char *role;   /* argument of the script, or NULL */
	const char *before; /* another one: how its predecessor left things */
	const char *pump;   /* another one: how it is to move packets */
	/*
	 * Called in the child: goes where the engine is to be, and leaves it
	 * no capability but those that it needs.
	 */
	void (*settle)(void);
};

/* Descriptors that are handed on, in the order of their numbers. */
struct engine_fds {
	int output;
	int log;
	int tun;
	int udp4;
	int udp6;
	int configuration;
	int control;
};

struct engine {
	pid_t pid;   /* 0: none */
	int channel; /* -1: none */
	long long started_ms;
	unsigned int pause_ms; /* before the next start */
	/*
	 * The latest that its initiations bore, or empty. A successor's must be
	 * later even if the clock was set back, or the peers refuse them.
	 */
	char timestamp[TIMESTAMP_DIGITS + 1];
	unsigned long question; /* which one the answer with sockets is to */
	int port;		/* of the sockets that it wants, 0 for any */
	char towards[46];	/* address that it sends to */
	size_t filled;
	char line[CHANNEL_LINE_MAX];
};

void engine_prepare(struct engine *engine);
bool engine_start(struct engine *engine, const struct engine_program *program,
		  const struct engine_fds *fds, long long now_ms);
enum engine_word engine_listen(struct engine *engine);
bool engine_has_word(const struct engine *engine);
bool engine_tell(const struct engine *engine, const char *word);
bool engine_hand(const struct engine *engine, const char *word, int socket);
unsigned int engine_ended(struct engine *engine, long long now_ms);
void engine_signal(const struct engine *engine, int signal);
void engine_bound_log(int log);

#endif
