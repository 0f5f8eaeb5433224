/* SPDX-License-Identifier: MIT */
/*
 * requests.c - an HTTP server and its clients, a new connection each time
 *
 *	requests serve ADDRESS PORT
 *		Answers until its input ends.
 *	requests ask ADDRESS PORT CONNECTIONS MILLISECONDS
 *		Keeps so many requests under way; prints how many were answered
 *		in full, and in how many nanoseconds.
 *
 * The server closes first, as with HTTP/1.0, so that no port of the client's is
 * kept waiting for late packets.
 */
#include "program.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	EVENTS = 64,
	CONNECTIONS_MAX = 1024,
	BODY_BYTES = 1024,
	BACKLOG = 1024,
};

static const char request[] = "GET / HTTP/1.0\r\nHost: bench\r\n\r\n";
static const char head[] =
	"HTTP/1.0 200 OK\r\nContent-Length: 1024\r\nConnection: close\r\n\r\n";

static char answer[sizeof(head) - 1 + BODY_BYTES];

/**
 * watch() - Have epoll tell about a descriptor
 * @epoll:	Epoll
 * @fd:		Descriptor
 * @events:	What is waited for
 */
static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("epoll_ctl");
}

/**
 * take_connections() - Accept whoever waits
 * @epoll:	Epoll
 * @listener:	Listening socket
 */
static void take_connections(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(epoll, fd, EPOLLIN);
}

/**
 * give_answer() - Answer a request, which is one segment, and close
 * @fd:		Connection with something to read
 */
static void give_answer(int fd)
{
	char asked[512];
	ssize_t len = read(fd, asked, sizeof(asked));

	if (len > 0)
		(void)!write(fd, answer, sizeof(answer));
	close(fd);
}

/**
 * serve() - Answer until the input ends
 * @epoll:	Epoll
 * @listener:	Listening socket
 */
static void serve(int epoll, int listener)
{
	struct epoll_event events[EVENTS];
	int count, i;

	memcpy(answer, head, sizeof(head) - 1);
	memset(answer + sizeof(head) - 1, 'x', BODY_BYTES);
	watch(epoll, listener, EPOLLIN);
	watch(epoll, STDIN_FILENO, EPOLLIN | EPOLLHUP);
	say_ready();
	for (;;) {
		count = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < count; i++) {
			if (events[i].data.fd == STDIN_FILENO)
				return;
			if (events[i].data.fd == listener)
				take_connections(epoll, listener);
			else
				give_answer(events[i].data.fd);
		}
	}
}

/**
 * begin_request() - Connect; the request goes out once that is done
 * @epoll:	Epoll
 * @to:		Server
 */
static void begin_request(int epoll, const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0 &&
	    errno != EINPROGRESS)
		fail("connect");
	watch(epoll, fd, EPOLLOUT);
}

/**
 * go_on() - Take a connection one step further
 * @epoll:	Epoll
 * @event:	What happened
 * @got:	Bytes of the answer so far, by descriptor
 * Returns 1 if that was the end of a whole answer, -1 if it was another end,
 * and 0 else.
 */
static int go_on(int epoll, const struct epoll_event *event, uint32_t *got)
{
	struct epoll_event next = {.events = EPOLLIN, .data = event->data};
	char bytes[4096];
	int fd = event->data.fd;
	ssize_t len;

	if (event->events & EPOLLOUT) {
		got[fd] = 0;
		if (write(fd, request, sizeof(request) - 1) < 0 ||
		    epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &next) != 0)
			fail("request");
		return 0;
	}
	len = read(fd, bytes, sizeof(bytes));
	if (len > 0) {
		got[fd] += (uint32_t)len;
		return 0;
	}
	close(fd);
	return len == 0 && got[fd] == sizeof(answer) ? 1 : -1;
}

/**
 * ask() - Keep requests under way for some time
 * @epoll:	Epoll
 * @to:		Server
 * @connections: How many at a time
 * @ms:		How long
 */
static void ask(int epoll, const struct sockaddr_in *to, uint32_t connections,
		uint32_t ms)
{
	static uint32_t got[CONNECTIONS_MAX + EVENTS];
	struct epoll_event events[EVENTS];
	uint64_t begin = now(), time = begin, answered = 0;
	uint32_t n;
	int count, i, end;

	for (n = 0; n < connections; n++)
		begin_request(epoll, to);
	while (time - begin < (uint64_t)ms * NS_PER_MS) {
		count = epoll_wait(epoll, events, EVENTS, 1000);
		for (i = 0; i < count; i++) {
			end = go_on(epoll, &events[i], got);
			if (end < 0)
				fail("answer");
			if (end == 0)
				continue;
			answered++;
			begin_request(epoll, to);
		}
		time = now();
	}
	printf("%llu %llu\n", (unsigned long long)answered,
	       (unsigned long long)(time - begin));
}

int main(int argc, char **argv)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener, one = 1;
	struct sockaddr_in address;
	uint32_t connections;

	if (argc != 4 && argc != 6) {
		fputs("usage: requests serve ADDRESS PORT\n"
		      "       requests ask ADDRESS PORT CONNECTIONS "
		      "MILLISECONDS\n",
		      stderr);
		return 64;
	}
	address = parse_address(argv[2], argv[3]);
	if (epoll < 0)
		fail("epoll_create1");
	if (argc == 6) {
		connections = parse_number(argv[4]);
		if (connections > CONNECTIONS_MAX) {
			errno = EINVAL;
			fail(argv[4]);
		}
		ask(epoll, &address, connections, parse_number(argv[5]));
		return 0;
	}
	listener =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0 ||
	    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) !=
		    0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, BACKLOG) != 0)
		fail("listen");
	serve(epoll, listener);
	return 0;
}
