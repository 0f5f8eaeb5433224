/* SPDX-License-Identifier: MIT */
/*
 * engine.c - the engine's process, as its keeper sees it
 *
 * The child becomes the engine in this order:
 *
 * 1. stderr to the log, so that whatever fails next can be read there.
 * 2. "/" as working directory, no core dumps: the key would be in them.
 * 3. Where it is to be, and with which capabilities: that is the keeper's to
 *    say (struct engine_program).
 * 4. The parent's death as a deadly signal. Changing credentials would clear
 *    it, so it comes after 3. A parent that died before is seen by its pid.
 * 5. The table of descriptors, and nothing else: a pin's namespaces must not
 *    get inside, since they would be a way out.
 * 6. SIGURG to this pid when the TUN has packets; the pid is the same after
 *    execve(). Not the default SIGIO, which would kill Node before it listens.
 * 7. execve() with a fresh environment, so that no NODE_ or LD_ variable of the
 *    caller steers a process that holds the key.
 *
 * An engine that dies is started again after a pause that doubles, and is short
 * again after an engine that lived for a while.
 */
#include "engine.h"

#include "coredump.h"
#include "die.h"
#include "fds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FIRST_PAUSE_MS = 50,
	LONGEST_PAUSE_MS = 5000,
	LONG_LIFE_MS = 30000,
	LOG_MAX_BYTES = 1 << 20,
	LAST_WORDS_MAX = 4096,
};

enum { ENGINE_TUN = 3, ENGINE_CHANNEL = 8 };
#define ENGINE_CHANNEL_TEXT "8"

/* Arguments of Node: itself, its options, the script, three for it, NULL. */
enum { NODE_OPTIONS_MAX = 8, WORDS_MAX = NODE_OPTIONS_MAX + 6 };

/**
 * engine_prepare() - Initialise an engine that was never started
 * @engine:	Engine
 */
void engine_prepare(struct engine *engine)
{
	memset(engine, 0, sizeof(*engine));
	engine->channel = -1;
	engine->pause_ms = FIRST_PAUSE_MS;
}

/**
 * reset_signals() - Undo the keeper's signal set-up
 */
static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
	    signal(SIGPIPE, SIG_DFL) == SIG_ERR)
		die_errno("can't reset signals for the engine");
}

/**
 * settle() - Steps 2 to 4
 * @program:	Program
 * @parent:	Pid of the keeper
 */
static void settle(const struct engine_program *program, pid_t parent)
{
	coredump_forbid();
	program->settle();
	if (chdir("/") != 0)
		die_errno("can't change to /");
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL) != 0)
		die_errno("can't tie the engine to its keeper");
	if (getppid() != parent)
		_exit(STATUS_SETUP);
}

/**
 * announce_packets() - Have the TUN raise SIGURG here when it is readable
 */
static void announce_packets(void)
{
	int flags = fcntl(ENGINE_TUN, F_GETFL);

	if (flags < 0 || fcntl(ENGINE_TUN, F_SETOWN, getpid()) != 0 ||
	    fcntl(ENGINE_TUN, F_SETSIG, SIGURG) != 0 ||
	    fcntl(ENGINE_TUN, F_SETFL, flags | O_ASYNC) != 0)
		die_errno("can't ask the TUN for signals");
}

/**
 * execute() - Become Node
 * @program:	Program
 */
static _Noreturn void execute(const struct engine_program *program)
{
	char *environment[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin",
			       (char *)"NODE_CHANNEL_FD=" ENGINE_CHANNEL_TEXT,
			       (char *)"NODE_CHANNEL_SERIALIZATION_MODE=json",
			       NULL};
	char *words[WORDS_MAX];
	unsigned int count = 0, i;

	words[count++] = (char *)"node";
	for (i = 0; i < program->node_option_count && i < NODE_OPTIONS_MAX; i++)
		words[count++] = program->node_options[i];
	words[count++] = (char *)program->script;
	if (program->role)
		words[count++] = (char *)program->role;
	if (program->before)
		words[count++] = (char *)program->before;
	if (program->pump)
		words[count++] = (char *)program->pump;
	words[count] = NULL;
	execve(program->node, words, environment);
	die_errno("can't execute %s", program->node);
}

/**
 * run_child() - What the forked child does
 * @program:	What it becomes
 * @fds:	Descriptors to hand on
 * @channel:	The engine's end of the channel
 * @parent:	Pid of the keeper
 */
static _Noreturn void run_child(const struct engine_program *program,
				const struct engine_fds *fds, int channel,
				pid_t parent)
{
	int null = fds_dev_null();
	int table[ENGINE_CHANNEL + 1] = {
		null,	   fds->output, fds->log,	    fds->tun,
		fds->udp4, fds->udp6,	fds->configuration, fds->control,
		channel};

	if (dup2(fds->log, STDERR_FILENO) < 0)
		die_errno("can't write to the log");
	reset_signals();
	settle(program, parent);
	fds_place(table, ENGINE_CHANNEL + 1);
	announce_packets();
	execute(program);
}

/**
 * engine_start() - Start the engine
 * @engine:	Engine that isn't running
 * @program:	What it is
 * @fds:	Descriptors to hand on; they stay open here
 * @now_ms:	Time
 * Returns false if the kernel is short of something; errno says what.
 */
bool engine_start(struct engine *engine, const struct engine_program *program,
		  const struct engine_fds *fds, long long now_ms)
{
	pid_t parent = getpid();
	int pair[2];

	/* A start that fails is a short life, too. */
	engine->started_ms = now_ms;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	engine->pid = fork();
	if (engine->pid == 0)
		run_child(program, fds, pair[1], parent);
	close(pair[1]);
	if (engine->pid < 0) {
		engine->pid = 0;
		close(pair[0]);
		return false;
	}
	engine->channel = pair[0];
	engine->filled = 0;
	return true;
}

/**
 * take_last_words() - Hear what a dead engine has said
 * @engine:	Engine
 * Its successor's timestamps must be later than its last one. A process that it
 * has left behind may talk on, so there is an end to it.
 */
static void take_last_words(struct engine *engine)
{
	enum engine_word word = ENGINE_SAYS_NONSENSE;
	unsigned int i;

	for (i = 0; i < LAST_WORDS_MAX && word != ENGINE_SAYS_NOTHING &&
		    word != ENGINE_HANGS_UP;
	     i++)
		word = engine_listen(engine);
}

/**
 * engine_ended() - Note that the engine's process has ended and was waited for
 * @engine:	Engine
 * @now_ms:	Time
 * Returns how long to wait before the next start.
 */
unsigned int engine_ended(struct engine *engine, long long now_ms)
{
	unsigned int pause_ms;

	if (engine->channel >= 0) {
		take_last_words(engine);
		close(engine->channel);
	}
	engine->channel = -1;
	engine->pid = 0;
	if (now_ms - engine->started_ms >= LONG_LIFE_MS)
		engine->pause_ms = FIRST_PAUSE_MS;
	pause_ms = engine->pause_ms;
	engine->pause_ms *= 2;
	if (engine->pause_ms > LONGEST_PAUSE_MS)
		engine->pause_ms = LONGEST_PAUSE_MS;
	return pause_ms;
}

/**
 * engine_signal() - Send the engine a signal, if there is one
 * @engine:	Engine; not yet waited for, so its pid is still its own
 * @signal:	Signal
 */
void engine_signal(const struct engine *engine, int signal)
{
	if (engine->pid > 0)
		kill(engine->pid, signal);
}

/**
 * engine_bound_log() - Empty a log that has become too long
 * @log:	Open log
 * Its writers append, so they go on at the beginning.
 */
void engine_bound_log(int log)
{
	struct stat file;

	if (fstat(log, &file) == 0 && file.st_size > LOG_MAX_BYTES &&
	    ftruncate(log, 0) != 0)
		warn("can't shorten the log");
}
