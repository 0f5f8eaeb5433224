/* SPDX-License-Identifier: MIT */
/*
 * test_keep.c - a keeper with engines that do what no honest one does
 *
 * The keeper is a child, as it is in a pin. Its engine is this program again,
 * and so is the controller that looks up names. What an engine is to do is the
 * text of its configuration; what it finds out goes to its TUN, which is a
 * socket of the test's.
 */
#include "daemon.h"
#include "engine.h"
#include "hostnames.h"
#include "keep.h"
#include "memfd.h"
#include "orders.h"
#include "pin.h"
#include "plan.h"
#include "record.h"

#include "../setup/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Nothing here takes nearly that long. */
enum { LIMIT_MS = 20000 };

/* What an engine finds (docs/architecture.md). */
enum { TUN = 3, UDP4 = 4, CONFIGURATION = 6, CHANNEL = 8 };

/* Out of the way of a pin's numbers. */
enum { HIGH = 40 };

struct bench {
	char path[32];
	int directory;
	int tun; /* reports come from here */
	pid_t keeper;
};

static char program_path[] = "/proc/self/exe";

/* --- what the engine is ------------------------------------------------- */

static void report_text(const char *text)
{
	if (send(TUN, text, strlen(text), 0) < 0)
		_exit(1);
}

static void say(const char *words)
{
	if (send(CHANNEL, words, strlen(words), 0) < 0)
		_exit(1);
}

/* Hears that it is to stop, and does everything else. */
static void be_stubborn(void)
{
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	say("\"ready\"\n");
	for (;;) {
		sigwait(&signals, &number);
		say("\"sockets 0\"\n\"ready\"\n\"connected\"\n");
	}
}

static void talk_without_end(void)
{
	static char words[1 << 16];
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (strlen(words) < sizeof(words) - 16)
		strcat(words, "\"resolve\"\n");
	say("\"ready\"\n");
	for (;;)
		say(words);
}

static void say_many_words_at_once(void)
{
	char words[4096] = "\"ready\"\n";
	int i;

	for (i = 0; i < 200; i++)
		strcat(words, "\"resolve\"\n");
	strcat(words, "\"connected\"\n");
	say(words);
	pause();
}

/* The first one dies; others tell what they were told. */
static void die_connected(const char *argument)
{
	if (!argument) {
		say("\"ready\"\n\"connected\"\n");
		_exit(0);
	}
	report_text(argument);
	say("\"ready\"\n");
	pause();
}

static void tell_argument(const char *argument)
{
	report_text(argument ? argument : "no argument");
	say("\"ready\"\n");
	pause();
}

static void tell_port(void)
{
	struct sockaddr_in address = {0};
	socklen_t len = sizeof(address);
	char text[16];

	getsockname(UDP4, (struct sockaddr *)&address, &len);
	snprintf(text, sizeof(text), "port %u", ntohs(address.sin_port));
	report_text(text);
	say("\"ready\"\n");
	pause();
}

static void ask_for_names(void)
{
	char heard[256];
	ssize_t len;

	say("\"ready\"\n\"resolve\"\n");
	for (;;) {
		len = recv(CHANNEL, heard, sizeof(heard) - 1, 0);
		if (len <= 0)
			_exit(1);
		heard[len] = '\0';
		if (strncmp(heard, "\"resolved ", 10) == 0)
			report_text(heard);
	}
}

static int be_engine(const char *argument)
{
	char what[32] = "";

	if (pread(CONFIGURATION, what, sizeof(what) - 1, 0) <= 0)
		return 1;
	if (strcmp(what, "stubborn") == 0)
		be_stubborn();
	if (strcmp(what, "endless") == 0)
		talk_without_end();
	if (strcmp(what, "many") == 0)
		say_many_words_at_once();
	if (strcmp(what, "mortal") == 0)
		die_connected(argument);
	if (strcmp(what, "argument") == 0)
		tell_argument(argument);
	if (strcmp(what, "port") == 0)
		tell_port();
	if (strcmp(what, "names") == 0)
		ask_for_names();
	say("\"ready\"\n");
	pause();
	return 0;
}

/* What the pin starts for names: `node CONTROLLER resolve NAME...`. */
static int be_controller(int argc, char **argv)
{
	int i;

	for (i = 3; i < argc; i++)
		printf("%s 192.0.2.%d\n", argv[i], i);
	return 0;
}

/* --- what the keeper is ------------------------------------------------- */

static void stay_here(void)
{
}

static void announce(void)
{
	if (send(PIN_TUN, "running", 7, 0) < 0)
		_exit(1);
}

static int configuration_of(const char *what)
{
	int fd = memfd_open();

	CHECK(write(fd, what, strlen(what)) == (ssize_t)strlen(what));
	memfd_seal(fd);
	return fd;
}

static void run_keeper(int directory, int tun, int configuration)
{
	static const int signals[] = {SIGCHLD, SIGTERM, 0};
	static struct plan plan = {.node = program_path,
				   .controller = (char *)"controller",
				   .tunnel = (char *)"work",
				   .config = (char *)"/work.conf",
				   .stamp = (char *)"1 2 3 4"};
	struct engine_program program = {
		.node = program_path, .script = "engine", .settle = stay_here};
	struct keep_tunnel tunnel = {
		.plan = &plan, .program = &program, .announce = announce};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), number;
	struct stat netns;

	directory = fcntl(directory, F_DUPFD_CLOEXEC, HIGH);
	configuration = fcntl(configuration, F_DUPFD_CLOEXEC, HIGH);
	tun = fcntl(tun, F_DUPFD_CLOEXEC, HIGH);
	for (number = PIN_TUN; number <= PIN_CONTROL; number++)
		dup3(number == PIN_TUN		   ? tun
		     : number == PIN_CONFIGURATION ? configuration
						   : null,
		     number, O_CLOEXEC);
	/* Its namespace has inhabitants, the test itself, so it stays. */
	if (stat("/proc/self/ns/net", &netns) != 0)
		_exit(1);
	tunnel.directory = directory;
	tunnel.netns = netns.st_ino;
	tunnel.log = openat(directory, "log",
			    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	tunnel.signals = daemon_watch_signals(signals);
	tunnel.record = record_create(directory, &plan, tunnel.netns);
	keep_run(&tunnel);
}

/* --- what the test does ------------------------------------------------- */

static bool is_readable(int fd)
{
	struct pollfd events = {.fd = fd, .events = POLLIN};

	return poll(&events, 1, LIMIT_MS) == 1;
}

/* Waits for the next report and compares it. */
static void expect(const struct bench *bench, const char *expected)
{
	char text[256] = "nothing";
	ssize_t len;

	if (is_readable(bench->tun)) {
		len = recv(bench->tun, text, sizeof(text) - 1, 0);
		text[len < 0 ? 0 : len] = '\0';
	}
	CHECK_TEXT(text, expected);
}

static void start(struct bench *bench, const char *what)
{
	int ends[2], configuration;

	strcpy(bench->path, "/tmp/test-keep-XXXXXX");
	CHECK(mkdtemp(bench->path) != NULL);
	bench->directory =
		open(bench->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(openat(bench->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC,
		     0600));
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	configuration = configuration_of(what);
	bench->keeper = fork();
	if (bench->keeper == 0)
		run_keeper(bench->directory, ends[1], configuration);
	close(configuration);
	close(ends[1]);
	bench->tun = ends[0];
	expect(bench, "running");
}

/* Ends the keeper as a system does. */
static void stop(struct bench *bench)
{
	int end = (int)syscall(SYS_pidfd_open, bench->keeper, 0), status;

	kill(bench->keeper, SIGTERM);
	CHECK(is_readable(end));
	kill(bench->keeper, SIGKILL);
	CHECK(waitpid(bench->keeper, &status, 0) == bench->keeper &&
	      WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(end);
	close(bench->tun);
	unlinkat(bench->directory, "lock", 0);
	close(bench->directory);
	CHECK(rmdir(bench->path) == 0);
}

struct request {
	int directory;
	const char *text;
	const int *fds;
	unsigned int count;
};

static void give(const void *context)
{
	const struct request *request = context;
	char answer[ORDER_ANSWER_MAX];

	order_give(request->directory, request->text, request->fds,
		   request->count, answer);
}

/* Gives an order, which is done, or leaves what is wrong in the output. */
static bool order(const struct bench *bench, const char *text, const int *fds,
		  unsigned int count)
{
	struct request request = {bench->directory, text, fds, count};
	char output[256];

	return run_apart(give, &request, output, sizeof(output)) == 0;
}

/* Has the engine replaced by one that does something else. */
static bool configure(const struct bench *bench, const char *what,
		      const char *name, int udp4)
{
	struct hostnames names = {.count = 0};
	int fds[4] = {configuration_of(what), -1, udp4, udp4};
	bool is_done;

	if (name)
		hostnames_add(&names, name);
	fds[1] = hostnames_seal(&names);
	is_done = order(bench, "configure", fds, udp4 < 0 ? 2 : 4);
	close(fds[0]);
	close(fds[1]);
	return is_done;
}

static int open_record(const struct bench *bench)
{
	return openat(bench->directory, "pin", O_RDONLY | O_CLOEXEC);
}

static void test_stubborn(void)
{
	struct bench bench;
	int record;

	start(&bench, "stubborn");
	CHECK(configure(&bench, "plain", NULL, -1));
	record = open_record(&bench);
	/* The one that said "connected" was on its way out. */
	CHECK(record_state(record) == RECORD_STARTING);
	close(record);
	stop(&bench);

	start(&bench, "stubborn");
	stop(&bench);
}

static void test_sockets(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	struct bench bench;
	char expected[16];
	int udp4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(bind(udp4, (struct sockaddr *)&address, len) == 0);
	CHECK(getsockname(udp4, (struct sockaddr *)&address, &len) == 0);
	snprintf(expected, sizeof(expected), "port %u",
		 ntohs(address.sin_port));
	start(&bench, "stubborn");
	CHECK(configure(&bench, "port", NULL, udp4));
	expect(&bench, expected);
	close(udp4);
	stop(&bench);
}

static void test_endless(void)
{
	struct bench bench;

	start(&bench, "endless");
	CHECK(order(&bench, "hold", NULL, 0));
	CHECK(configure(&bench, "endless", NULL, -1));
	stop(&bench);
}

static void test_many(void)
{
	struct bench bench;
	int record;

	start(&bench, "many");
	record = open_record(&bench);
	CHECK(record_await_usable(record, LIMIT_MS));
	close(record);
	stop(&bench);
}

static void test_successor(void)
{
	struct bench bench;

	start(&bench, "mortal");
	expect(&bench, "connected");
	/* What is configured anew was never connected. */
	CHECK(configure(&bench, "argument", NULL, -1));
	expect(&bench, "no argument");
	stop(&bench);
}

static void test_names(void)
{
	struct bench bench;

	start(&bench, "names");
	CHECK(configure(&bench, "names", "new.test", -1));
	expect(&bench, "\"resolved new.test 192.0.2.3\"\n");
	CHECK(configure(&bench, "names", "newer.test", -1));
	expect(&bench, "\"resolved newer.test 192.0.2.3\"\n");
	stop(&bench);
}

static void test_refused(void)
{
	int fds[2] = {configuration_of("plain"), memfd_open()};
	char before[RECORD_MAX] = "", after[RECORD_MAX] = "";
	struct bench bench;
	int record;

	start(&bench, "plain");
	record = open_record(&bench);
	CHECK(pread(record, before, sizeof(before) - 1, 0) > 0);
	CHECK(!order(&bench, "configure", fds, 2));
	CHECK(write(fds[1], "resolve a b\n", 12) == 12);
	memfd_seal(fds[1]);
	CHECK(!order(&bench, "configure", fds, 2));
	/* The engine's pid is in it. */
	CHECK(pread(record, after, sizeof(after) - 1, 0) > 0);
	CHECK(strstr(before, "engine ") &&
	      !strstr(before, "engine 0000000000"));
	CHECK_TEXT(after, before);
	close(fds[0]);
	close(fds[1]);
	close(record);
	stop(&bench);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "engine") == 0)
		return be_engine(argv[2]);
	if (argc > 1 && strcmp(argv[1], "controller") == 0)
		return be_controller(argc, argv);
	TEST("an engine that is to stop can't put that off by its words",
	     test_stubborn);
	TEST("an engine that is replaced can't replace its successor's sockets",
	     test_sockets);
	TEST("an engine that talks without end keeps nobody waiting",
	     test_endless);
	TEST("of many words at once none is left unheard", test_many);
	TEST("an engine that takes over is told how things were",
	     test_successor);
	TEST("a configuration comes with the names that may be asked for",
	     test_names);
	TEST("a configuration without names that are names changes nothing",
	     test_refused);
	return report();
}
