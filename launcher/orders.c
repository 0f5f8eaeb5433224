/* SPDX-License-Identifier: MIT */
/*
 * orders.c - what a pin can be told, from both ends of its socket
 *
 * `order.sock` is a Unix socket that keeps records apart: a connection carries
 * one request and one answer. It is the pin's and not the engine's, because it
 * is about the tunnel's life, which goes on without an engine.
 *
 *   hold		stay without sessions, until "end"
 *   end + lock		end now; the descriptor is the state directory's lock,
 *			held, and the pin shares it to its end: nobody joins, or
 *			starts a successor, in between
 *   configure + configuration, names [, udp4, udp6]
 *			start the engine again with these; without sockets, with
 *			those that it has
 *
 * Whoever may write to the socket is the same user, who could kill the pin as
 * well. The pin nevertheless waits for nobody: it has a few connections, each
 * new one displaces the oldest, and what isn't a request is hung up on.
 */
#include "orders.h"

#include "die.h"
#include "fds.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* The pin answers at once, or when a new engine is ready or is given up. */
enum { ANSWER_SECONDS = 15 };

/* A connection that can't be taken for want of something is left for so long. */
enum { REST_MS = 100 };

static const struct {
	const char *text;
	enum order_kind kind;
	unsigned int fds;
} requests[] = {
	{"hold", ORDER_HOLD, 0},
	{"end", ORDER_END, 1},
	{"configure", ORDER_CONFIGURE, 2},
	{"configure", ORDER_CONFIGURE, 4},
};

/**
 * order_parse() - Understand a request
 * @text:	Its bytes
 * @len:	How many
 * @fds:	How many descriptors came along
 */
enum order_kind order_parse(const char *text, size_t len, unsigned int fds)
{
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strlen(requests[i].text) == len &&
		    memcmp(requests[i].text, text, len) == 0 &&
		    requests[i].fds == fds)
			return requests[i].kind;
	}
	return ORDER_NONE;
}

/**
 * put_address() - Compose the socket's address
 * @address:	Where it goes
 * @directory:	State directory
 * An address holds 107 characters, so a longer path goes through /proc.
 */
static void put_address(struct sockaddr_un *address, int directory)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path),
		 "/proc/self/fd/%d/order.sock", directory);
}

/**
 * orders_open() - Bind the socket
 * @orders:	Orders
 * @directory:	State directory
 */
void orders_open(struct orders *orders, int directory)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);
	unsigned int i;

	put_address(&address, directory);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, ORDERS_MAX) != 0)
		die_errno("can't bind the order socket");
	orders->listener = fd;
	orders->oldest = 0;
	orders->accept_at = LLONG_MAX;
	for (i = 0; i < ORDERS_MAX; i++)
		orders->connections[i] = -1;
}

/**
 * orders_watch() - Fill in what to wait for
 * @orders:	Orders
 * @watches:	The listener's entry, and then one a connection
 */
void orders_watch(const struct orders *orders,
		  struct pollfd watches[ORDERS_WATCHED])
{
	unsigned int i;

	watches[0].fd = orders->accept_at == LLONG_MAX ? orders->listener : -1;
	for (i = 0; i < ORDERS_MAX; i++)
		watches[1 + i].fd = orders->connections[i];
}

/**
 * is_host_process() - Is a process in our own user namespace?
 * @pid:	Process
 */
static bool is_host_process(pid_t pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return stat(path, &other) == 0 &&
	       stat("/proc/self/ns/user", &own) == 0 &&
	       own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

/**
 * is_ours() - Whether the other end of a connection may give orders
 * @listener:	The socket that it came by
 * @connection:	Connection
 * That takes the same user, on the host: inside of a tunnel the socket can be
 * reached only where no mask covers it, and is nobody's business there. A
 * connection has the network namespace of the socket that it was made with, and
 * the listener has ours. A pid tells less, for it may be another process's by
 * now; kernels before 5.14 tell no more.
 */
static bool is_ours(int listener, int connection)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	unsigned long long own, other;

	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    peer.uid != geteuid())
		return false;
	len = sizeof(own);
	if (getsockopt(listener, SOL_SOCKET, SO_NETNS_COOKIE, &own, &len) != 0)
		return is_host_process(peer.pid);
	return getsockopt(connection, SOL_SOCKET, SO_NETNS_COOKIE, &other,
			  &len) == 0 &&
	       own == other;
}

/**
 * orders_accept() - Take a new connection
 * @orders:	Orders
 * @now_ms:	Time
 * One that can't be taken, since there is no descriptor or no memory for it, is
 * still there: poll() would tell of it again and again, and the pin would spin.
 */
void orders_accept(struct orders *orders, long long now_ms)
{
	int fd = accept4(orders->listener, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	unsigned int i;

	orders->accept_at = LLONG_MAX;
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			orders->accept_at = now_ms + REST_MS;
		return;
	}
	if (!is_ours(orders->listener, fd)) {
		close(fd);
		return;
	}
	for (i = 0; i < ORDERS_MAX; i++) {
		if (orders->connections[i] < 0)
			break;
	}
	if (i == ORDERS_MAX) {
		i = orders->oldest;
		orders->oldest = (i + 1) % ORDERS_MAX;
		close(orders->connections[i]);
	}
	orders->connections[i] = fd;
}

/**
 * orders_receive() - Take the request of a connection
 * @orders:	Orders
 * @number:	Which connection
 * @order:	Gets the request
 */
bool orders_receive(struct orders *orders, unsigned int number,
		    struct order *order)
{
	char text[ORDER_MAX_BYTES];
	unsigned int count = ORDER_MAX_FDS, i;
	ssize_t len;

	order->connection = orders->connections[number];
	orders->connections[number] = -1;
	len = fds_receive(order->connection, text, sizeof(text), order->fds,
			  &count);
	if (len < 0)
		count = 0;
	order->fd_count = count;
	order->kind =
		len > 0 ? order_parse(text, (size_t)len, count) : ORDER_NONE;
	if (order->kind != ORDER_NONE)
		return true;
	for (i = 0; i < count; i++)
		close(order->fds[i]);
	close(order->connection);
	return false;
}

/**
 * orders_answer() - Answer a request and hang up
 * @order:	The request
 * @answer:	"ok", "ok TEXT" or "error TEXT"
 */
void orders_answer(const struct order *order, const char *answer)
{
	/* Whoever has gone needs no answer, and the buffer is empty. */
	if (send(order->connection, answer, strlen(answer),
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		errno = 0;
	close(order->connection);
}

/**
 * order_give() - Tell a pin something, and wait for its answer
 * @directory:	State directory
 * @request:	Request
 * @fds:	Descriptors that go along
 * @count:	How many
 * @answer:	Gets what follows "ok", or an empty text
 */
void order_give(int directory, const char *request, const int *fds,
		unsigned int count, char answer[ORDER_ANSWER_MAX])
{
	const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	struct sockaddr_un address;
	ssize_t len;
	int fd;

	put_address(&address, directory);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) !=
		    0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) !=
		    0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    fds_send(fd, request, strlen(request), fds, count) != 0)
		die_errno("can't reach the tunnel's pin");
	do {
		len = recv(fd, answer, ORDER_ANSWER_MAX - 1, 0);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		die_errno("no answer from the tunnel's pin");
	close(fd);
	answer[len] = '\0';
	if (strncmp(answer, "error ", 6) == 0)
		die(STATUS_SETUP, "%s", answer + 6);
	if (strncmp(answer, "ok", 2) != 0)
		die(STATUS_SETUP, "the tunnel's pin ended meanwhile");
	memmove(answer, answer + 2, (size_t)len - 1);
}
