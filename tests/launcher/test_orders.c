/* SPDX-License-Identifier: MIT */
/* test_orders.c - what a pin can be told, and what it takes no notice of */
#include "orders.h"

#include "../setup/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct orders orders;
static char directory_path[] = "/tmp/test-orders-XXXXXX";
static int directory;

static void test_parse(void)
{
	CHECK(order_parse("hold", 4, 0) == ORDER_HOLD);
	CHECK(order_parse("end", 3, 1) == ORDER_END);
	CHECK(order_parse("configure", 9, 4) == ORDER_CONFIGURE);
	CHECK(order_parse("configure", 9, 2) == ORDER_CONFIGURE);
	CHECK(order_parse("hold", 4, 1) == ORDER_NONE);
	CHECK(order_parse("end", 3, 0) == ORDER_NONE);
	CHECK(order_parse("configure", 9, 1) == ORDER_NONE);
	CHECK(order_parse("configure", 9, 3) == ORDER_NONE);
	CHECK(order_parse("hol", 3, 0) == ORDER_NONE);
	CHECK(order_parse("hold\n", 5, 0) == ORDER_NONE);
	CHECK(order_parse("hold", 5, 0) == ORDER_NONE);
	CHECK(order_parse("", 0, 0) == ORDER_NONE);
}

/* Connects as anybody of the same user can. */
static int connect_only(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/order.sock",
		 directory_path);
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static int dial(void)
{
	int fd = connect_only();

	orders_accept(&orders, 0);
	return fd;
}

/* Whether the pin has hung up without an answer. */
static bool is_hung_up(int fd)
{
	char text[8];
	ssize_t got = recv(fd, text, sizeof(text), MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

static void test_request(void)
{
	struct order order;
	char answer[16] = "";
	int fd = dial();

	CHECK(send(fd, "hold", 4, 0) == 4);
	CHECK(orders_receive(&orders, 0, &order) && order.kind == ORDER_HOLD);
	CHECK(orders.connections[0] == -1);
	orders_answer(&order, "ok");
	CHECK(recv(fd, answer, sizeof(answer), 0) == 2);
	CHECK_TEXT(answer, "ok");
	CHECK(is_hung_up(fd));
	close(fd);
}

static void test_garbage(void)
{
	static const char *const texts[] = {
		"hello",
		"hold me",
		"end",
		"configure",
		"hold that is a good deal longer than any request may be",
	};
	struct order order;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fd = dial();
		CHECK(send(fd, texts[i], strlen(texts[i]), 0) > 0);
		CHECK(!orders_receive(&orders, 0, &order));
		CHECK(is_hung_up(fd));
		close(fd);
	}
	/* One that said nothing and went away. */
	close(dial());
	CHECK(!orders_receive(&orders, 0, &order));
}

static void test_crowd(void)
{
	int fds[ORDERS_MAX + 2], i;
	struct order order;

	for (i = 0; i < ORDERS_MAX + 2; i++)
		fds[i] = dial();
	CHECK(is_hung_up(fds[0]) && is_hung_up(fds[1]) && !is_hung_up(fds[2]));
	/* The last one came in place of the second. */
	CHECK(send(fds[ORDERS_MAX + 1], "hold", 4, 0) == 4);
	CHECK(orders_receive(&orders, 1, &order) && order.kind == ORDER_HOLD);
	orders_answer(&order, "ok");
	for (i = 0; i < ORDERS_MAX + 2; i++)
		close(fds[i]);
	for (i = 0; i < ORDERS_MAX; i++) {
		if (orders.connections[i] >= 0)
			CHECK(!orders_receive(&orders, (unsigned int)i,
					      &order));
	}
}

/* Whether poll() has something to tell of the listener, as the pin watches it. */
static bool is_told(void)
{
	struct pollfd watches[ORDERS_WATCHED] = {{.events = POLLIN}};

	orders_watch(&orders, watches);
	return poll(watches, 1, 0) > 0;
}

static void test_shortage(void)
{
	struct rlimit before, none;
	struct order order;
	int fd = connect_only();

	CHECK(is_told());
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	none = before;
	none.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	orders_accept(&orders, 1000);
	CHECK(orders.accept_at > 1000 && orders.accept_at <= 1100);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	CHECK(!is_told());
	CHECK(!is_hung_up(fd));
	orders_accept(&orders, orders.accept_at);
	CHECK(orders.connections[0] >= 0 && orders.accept_at == LLONG_MAX);
	CHECK(!is_told());
	close(fd);
	CHECK(!orders_receive(&orders, 0, &order));
}

/* A connection can be gone before it is taken. */
static void test_nobody(void)
{
	orders_accept(&orders, 1000);
	CHECK(orders.accept_at == LLONG_MAX);
}

/* The other end, in a child: its exit status tells what it was answered. */
static void test_give(void)
{
	char answer[ORDER_ANSWER_MAX];
	int status, lock[1];
	struct order order;
	pid_t child;

	lock[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	child = fork();
	if (child == 0) {
		order_give(directory, "end", lock, 1, answer);
		_exit(strcmp(answer, " held") == 0 ? 7 : 1);
	}
	while (orders.connections[0] < 0)
		orders_accept(&orders, 0);
	while (recv(orders.connections[0], answer, 1, MSG_PEEK | MSG_TRUNC) < 0)
		;
	CHECK(orders_receive(&orders, 0, &order) && order.kind == ORDER_END);
	CHECK(fcntl(order.fds[0], F_GETFD) == FD_CLOEXEC);
	orders_answer(&order, "ok held");
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	      WEXITSTATUS(status) == 7);
	close(order.fds[0]);
	close(lock[0]);
}

int main(void)
{
	char path[64];

	if (!mkdtemp(directory_path))
		return EXIT_FAILURE;
	directory = open(directory_path, O_RDONLY | O_DIRECTORY);
	orders_open(&orders, directory);
	TEST("an order has its word and its descriptors", test_parse);
	TEST("a request is answered once", test_request);
	TEST("what is no request is hung up on", test_garbage);
	TEST("one connection too many displaces the oldest", test_crowd);
	TEST("a connection for which there is no descriptor is left for a "
	     "moment",
	     test_shortage);
	TEST("where there is no connection, the next one is waited for",
	     test_nobody);
	TEST("an order comes with its descriptor, and the answer back",
	     test_give);
	snprintf(path, sizeof(path), "%s/order.sock", directory_path);
	unlink(path);
	rmdir(directory_path);
	return report();
}
