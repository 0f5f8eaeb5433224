/* SPDX-License-Identifier: MIT */
/*
 * names.c - the names of endpoints, looked up again on the host
 *
 * The engine is inside, where the host's resolver can't be asked, so the pin
 * asks for it: by a short-lived controller, which has a resolver that a static
 * program hasn't. One at a time, for the names of the configuration and no
 * others, with nothing of the pin's but stdout and the log, and never for longer
 * than LIMIT_MS. What it prints is handed on only if it is an answer, as the channel
 * to the engine carries it unescaped.
 */
#include "names.h"

#include "die.h"
#include "fds.h"
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LIMIT_MS = 15000,
	TOTAL_MAX_BYTES = 256 * 1024,
	/* Node, its options, script, role, names, NULL. */
	WORDS_MAX = 4 + PLAN_MAX_NODE_OPTIONS + HOSTNAMES_MAX,
};

/**
 * names_prepare() - Initialise
 * @names:	Resolver
 * @plan:	Plan, which says what is executed and which names there are at first
 * @log:	Descriptor for its stderr
 */
void names_prepare(struct names *names, const struct plan *plan, int log)
{
	memset(names, 0, sizeof(*names));
	names->plan = plan;
	names->wanted = plan->names;
	names->log = log;
	names->answers = -1;
	names->kill_at = LLONG_MAX;
}

/**
 * run_child() - Become the controller
 * @names:	Resolver
 * @output:	Its stdout
 * @parent:	Pid of the pin
 */
static _Noreturn void run_child(struct names *names, int output, pid_t parent)
{
	char *environment[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin",
			       NULL};
	int table[] = {fds_dev_null(), output, names->log};
	const struct plan *plan = names->plan;
	char *words[WORDS_MAX];
	unsigned int count = 0, i;
	sigset_t none;

	sigemptyset(&none);
	dup2(names->log, STDERR_FILENO);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
	    signal(SIGPIPE, SIG_DFL) == SIG_ERR || chdir("/") != 0 ||
	    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL) != 0)
		die_errno("can't prepare a resolver");
	if (getppid() != parent)
		_exit(STATUS_SETUP);
	fds_place(table, 3);
	words[count++] = (char *)"node";
	for (i = 0; i < plan->node_option_count; i++)
		words[count++] = plan->node_options[i];
	words[count++] = plan->controller;
	words[count++] = (char *)"resolve";
	for (i = 0; i < names->wanted.count; i++)
		words[count++] = names->wanted.list[i];
	words[count] = NULL;
	execve(plan->node, words, environment);
	die_errno("can't execute %s", plan->node);
}

/**
 * hang_up() - Read no more
 * @names:	Resolver
 */
static void hang_up(struct names *names)
{
	close(names->answers);
	names->answers = -1;
}

/**
 * names_replace() - Look up other names from now on
 * @names:	Resolver
 * @wanted:	Names
 * A run for the former ones would only keep the next one waiting.
 */
void names_replace(struct names *names, const struct hostnames *wanted)
{
	names->wanted = *wanted;
	if (names->answers >= 0)
		hang_up(names);
	if (names->pid > 0)
		kill(names->pid, SIGKILL);
}

/**
 * names_start() - Start a resolver
 * @names:	Resolver
 * @now_ms:	Time
 * Where the kernel is short of something there is no answer; the engine asks
 * again.
 */
void names_start(struct names *names, long long now_ms)
{
	pid_t parent = getpid();
	int ends[2];

	if (names->pid > 0 || names->wanted.count == 0 ||
	    pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	/* Its own end waits, as any program's stdout does. */
	fcntl(ends[1], F_SETFL, 0);
	names->pid = fork();
	if (names->pid == 0)
		run_child(names, ends[1], parent);
	close(ends[1]);
	if (names->pid < 0) {
		names->pid = 0;
		close(ends[0]);
		return;
	}
	if (names->answers >= 0)
		hang_up(names);
	names->answers = ends[0];
	names->kill_at = now_ms + LIMIT_MS;
	names->total = names->filled = names->taken = 0;
}

/**
 * names_is_answer() - Is this an answer about one of the names?
 * @wanted:	Names
 * @line:	The line
 * Nothing in an answer has to be escaped for the engine.
 */
bool names_is_answer(const struct hostnames *wanted, const char *line)
{
	const char *space = strchr(line, ' ');
	size_t len = space ? (size_t)(space - line) : 0;

	if (len == 0 || space[1] == '\0' ||
	    space[1 + strspn(space + 1, "0123456789abcdef.:,")] != '\0')
		return false;
	return hostnames_have(wanted, line, len);
}

/**
 * take_line() - Take the first complete line out of the buffer
 * @names:	Resolver
 * Returns NULL if there is none.
 */
static const char *take_line(struct names *names)
{
	char *end;

	names->filled -= names->taken;
	memmove(names->line, names->line + names->taken, names->filled);
	names->taken = 0;
	end = memchr(names->line, '\n', names->filled);
	if (!end)
		return NULL;
	*end = '\0';
	names->taken = (size_t)(end - names->line) + 1;
	return names->line;
}

/**
 * names_take() - Take the next answer, without waiting
 * @names:	Resolver
 * A resolver that says more than it should is not read to its end.
 */
const char *names_take(struct names *names)
{
	const char *line;
	ssize_t got;

	while (names->answers >= 0) {
		while ((line = take_line(names))) {
			if (names_is_answer(&names->wanted, line))
				return line;
		}
		got = read(names->answers, names->line + names->filled,
			   sizeof(names->line) - names->filled);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return NULL;
		if (got <= 0) {
			hang_up(names);
			break;
		}
		names->filled += (size_t)got;
		names->total += (size_t)got;
		if (names->total > TOTAL_MAX_BYTES)
			hang_up(names);
	}
	return NULL;
}

/**
 * names_expire() - Kill a resolver whose time is over
 * @names:	Resolver
 * @now_ms:	Time
 */
void names_expire(struct names *names, long long now_ms)
{
	if (now_ms < names->kill_at)
		return;
	names->kill_at = LLONG_MAX;
	if (names->pid > 0)
		kill(names->pid, SIGKILL);
}

/**
 * names_ended() - A child ended
 * @names:	Resolver
 * @pid:	Child, which was waited for
 * What it has printed can still be taken.
 */
void names_ended(struct names *names, pid_t pid)
{
	if (pid != names->pid)
		return;
	names->pid = 0;
	names->kill_at = LLONG_MAX;
}
