/* SPDX-License-Identifier: MIT */
/* orders.h - what a pin can be told, from both ends of its socket */
#ifndef WG_WRAP_ORDERS_H
#define WG_WRAP_ORDERS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	ORDER_MAX_BYTES = 32,
	ORDER_MAX_FDS = 4,
	ORDERS_MAX = 4, /* connections at once */
	ORDERS_WATCHED = 1 + ORDERS_MAX,
	ORDER_ANSWER_MAX = 256,
};

enum order_kind {
	ORDER_NONE, /* nothing that anybody here understands */
	ORDER_HOLD,
	ORDER_END,
	ORDER_CONFIGURE,
};

struct order {
	enum order_kind kind;
	int connection; /* where the answer goes; closed by orders_answer() */
	int fds[ORDER_MAX_FDS];
	unsigned int fd_count; /* one of those that the kind may have */
};

/* The pin's end. Unused connections are -1. */
struct orders {
	int listener;
	int connections[ORDERS_MAX];
	unsigned int oldest;
	/* Try again, and don't wait for the listener; LLONG_MAX for neither. */
	long long accept_at;
};

/* Returns the kind of a request of so many bytes and descriptors. */
enum order_kind order_parse(const char *text, size_t len, unsigned int fds);

/* Binds order.sock in the state directory. */
void orders_open(struct orders *orders, int directory);

/* Fills in what to wait for: the listener, then the connections. */
void orders_watch(const struct orders *orders,
		  struct pollfd watches[ORDERS_WATCHED]);

/*
 * Takes a new connection, when there is one and when `accept_at` is over. Never
 * waits; one too many displaces the oldest.
 */
void orders_accept(struct orders *orders, long long now_ms);

/*
 * Takes the request of a connection, which is not watched any more. Returns
 * false, with everything closed, for what is no request.
 */
bool orders_receive(struct orders *orders, unsigned int number,
		    struct order *order);

/* Answers "ok" or "error TEXT" and hangs up. Takes no notice of who is gone. */
void orders_answer(const struct order *order, const char *answer);

/*
 * The other end: sends a request to the pin of a state directory and waits for
 * the answer. Returns what follows "ok", in answer. Dies with the error, or
 * where there is no answer.
 */
void order_give(int directory, const char *request, const int *fds,
		unsigned int count, char answer[ORDER_ANSWER_MAX]);

#endif
