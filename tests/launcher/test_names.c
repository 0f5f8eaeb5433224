/* SPDX-License-Identifier: MIT */
/* test_names.c - a resolver's run, with a shell script in the place of ours */
#include "names.h"
#include "plan.h"

#include "../setup/test.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

static char path[] = "/tmp/wg-wrap-test-names-XXXXXX";

static void write_script(const char *script)
{
	FILE *file = fopen(path, "w");

	CHECK(file && fputs(script, file) >= 0 && fclose(file) == 0);
}

static struct plan make_plan(void)
{
	struct plan plan = {
		.node = (char *)"/bin/sh",
		.controller = path,
		.names = {.list = {"vpn.test", "-b_.test"}, .count = 2}};

	return plan;
}

/* Waits for the next answer, or NULL at the end. */
static const char *wait_for(struct names *names)
{
	struct pollfd answers = {.fd = names->answers, .events = POLLIN};
	const char *line = names_take(names);

	while (!line && names->answers >= 0) {
		if (poll(&answers, 1, 20000) != 1)
			return "nothing for 20 s";
		line = names_take(names);
	}
	return line;
}

static void reap(struct names *names)
{
	pid_t pid = names->pid;
	int status;

	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	names_ended(names, pid);
	CHECK(names->pid == 0 && names->kill_at == LLONG_MAX);
}

static void test_answers(void)
{
	struct plan plan = make_plan();
	struct names names;

	write_script("echo other.test 192.0.2.9\n"
		     "echo \"$2\" 192.0.2.1,2001:db8::1\n"
		     "echo; echo vpn.test; echo 'vpn.test \"'\n"
		     "echo vpn.test 192.0.2.1 192.0.2.2\n"
		     "echo \"$3\" 192.0.2.3\n"
		     "echo vpn.test 192.0.2.4 | tr -d '\\n'\n");
	names_prepare(&names, &plan, STDERR_FILENO);
	names_start(&names, 0);
	CHECK_TEXT(wait_for(&names), "vpn.test 192.0.2.1,2001:db8::1");
	CHECK_TEXT(wait_for(&names), "-b_.test 192.0.2.3");
	CHECK_TEXT(wait_for(&names), NULL);
	reap(&names);
}

static void test_surroundings(void)
{
	struct plan plan = make_plan();
	int leak = open("/dev/null", O_RDONLY);
	struct names names;

	setenv("NODE_OPTIONS", "--inspect", 1);
	write_script("test \"$1 $#\" = 'resolve 3' && test \"$PWD\" = / &&\n"
		     "test -z \"$NODE_OPTIONS$HOME\" && test -n \"$PATH\" &&\n"
		     "test \"$(cat)\" = '' && test ! -e /proc/$$/fd/3 &&\n"
		     "test \"$(env | grep -vc -e ^PATH= -e ^PWD= -e ^_= "
		     "-e ^SHLVL= -e ^OLDPWD=)\" = 0 &&\n"
		     "echo vpn.test 192.0.2.1\n");
	names_prepare(&names, &plan, STDERR_FILENO);
	names_start(&names, 0);
	CHECK_TEXT(wait_for(&names), "vpn.test 192.0.2.1");
	reap(&names);
	close(leak);
}

static void test_one_at_a_time(void)
{
	static const struct hostnames none;
	struct plan plan = make_plan();
	struct names names;
	pid_t first;

	write_script("echo vpn.test 192.0.2.1; exec sleep 1000\n");
	names_prepare(&names, &plan, STDERR_FILENO);
	names_start(&names, 1000);
	first = names.pid;
	names_start(&names, 1001);
	CHECK(names.pid == first);
	CHECK_TEXT(wait_for(&names), "vpn.test 192.0.2.1");
	names_ended(&names, first + 1);
	CHECK(names.pid == first);
	names_expire(&names, 15999);
	CHECK(waitpid(first, NULL, WNOHANG) == 0);
	names_expire(&names, 16000);
	reap(&names);
	CHECK_TEXT(wait_for(&names), NULL);
	names_replace(&names, &none);
	names_start(&names, 2000);
	CHECK(names.pid == 0);
}

static void test_other_names(void)
{
	static const struct hostnames other = {.list = {"new.test"},
					       .count = 1};
	struct plan plan = make_plan();
	struct names names;
	pid_t first;

	write_script(
		"test \"$2\" = new.test || exec sleep 1000\n"
		"echo vpn.test 192.0.2.1\n"
		"echo \"$* $#\" | grep -q ' 2$' && echo new.test 192.0.2.2\n");
	names_prepare(&names, &plan, STDERR_FILENO);
	names_start(&names, 0);
	first = names.pid;
	names_replace(&names, &other);
	names_start(&names, 0);
	CHECK(names.pid == first);
	reap(&names);
	names_start(&names, 0);
	CHECK_TEXT(wait_for(&names), "new.test 192.0.2.2");
	CHECK_TEXT(wait_for(&names), NULL);
	reap(&names);
}

static void test_bounds(void)
{
	struct plan plan = make_plan();
	struct names names;
	unsigned int count = 0;

	write_script("exec yes 'vpn.test 192.0.2.1'\n");
	names_prepare(&names, &plan, STDERR_FILENO);
	names_start(&names, 0);
	while (wait_for(&names) && count < 1000000)
		count++;
	CHECK(count > 100 && count < 20000);
	kill(names.pid, SIGKILL);
	reap(&names);

	write_script("exec tr '\\0' x </dev/zero\n");
	names_start(&names, 0);
	CHECK_TEXT(wait_for(&names), NULL);
	kill(names.pid, SIGKILL);
	reap(&names);
}

int main(void)
{
	int file = mkstemp(path);

	if (file < 0)
		return EXIT_FAILURE;
	close(file);
	TEST("only answers about the plan's names are taken", test_answers);
	TEST("a resolver has nothing of the pin's", test_surroundings);
	TEST("one resolver runs at a time, for so long and no longer",
	     test_one_at_a_time);
	TEST("other names take the place of the plan's at once",
	     test_other_names);
	TEST("a resolver that never ends is not read to its end", test_bounds);
	unlink(path);
	return report();
}
