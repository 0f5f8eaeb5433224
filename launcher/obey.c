/* SPDX-License-Identifier: MIT */
/*
 * obey.c - what a keeper does when it is told something
 *
 * Whoever may tell it anything is the same user (orders.c), so the checks here
 * are against mistakes: descriptors are what they should be, or nothing is done.
 */
#include "hostnames.h"
#include "keeper.h"
#include "memfd.h"
#include "pin.h"
#include "record.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* What comes with a configuration. */
enum { FD_CONFIGURATION, FD_NAMES, FD_UDP4, FD_UDP6 };

/* An engine that is asked to stop gets this long. */
enum { STOP_MS = 1000 };

/**
 * end() - Share the lock, and end
 * @keep:	Keeper
 * @order:	Order with the lock
 * @now:	Time
 * A tunnel that ends already is told to do so with the lock from now on.
 */
static void end(struct keep *keep, const struct order *order, long long now)
{
	bool is_held = keep->census.is_held;

	if (!census_share_lock(&keep->census, order->fds[0])) {
		close(order->fds[0]);
		orders_answer(order, "error the lock of another tunnel");
		return;
	}
	orders_answer(order, is_held ? "ok held" : "ok");
	if (keep->phase != ENDING)
		keep_end(keep, now);
}

/**
 * put_in_place() - Give the descriptors of an order their numbers for life
 * @order:	Order
 */
static bool put_in_place(const struct order *order)
{
	static const int numbers[ORDER_MAX_FDS] = {
		[FD_CONFIGURATION] = PIN_CONFIGURATION,
		[FD_NAMES] = -1,
		[FD_UDP4] = PIN_UDP4,
		[FD_UDP6] = PIN_UDP6,
	};
	bool is_done = true;
	unsigned int i;

	for (i = 0; i < order->fd_count && i < ORDER_MAX_FDS; i++) {
		if (numbers[i] >= 0 &&
		    dup3(order->fds[i], numbers[i], O_CLOEXEC) < 0)
			is_done = false;
		close(order->fds[i]);
	}
	return is_done;
}

/**
 * configure() - Replace the engine by one with another configuration
 * @keep:	Keeper
 * @order:	Order with configuration, names and the host's sockets
 * @now:	Time
 * What the old one still sends goes through its own copies of its descriptors.
 */
static void configure(struct keep *keep, const struct order *order,
		      long long now)
{
	struct hostnames names;
	unsigned int i;

	if (keep->phase != RUNNING || keep->is_replacing ||
	    !memfd_is_sealed(order->fds[FD_CONFIGURATION]) ||
	    !hostnames_read(&names, order->fds[FD_NAMES])) {
		for (i = 0; i < order->fd_count; i++)
			close(order->fds[i]);
		orders_answer(order,
			      "error the tunnel can't be configured now");
		return;
	}
	if (!put_in_place(order)) {
		orders_answer(order, "error the pin is short of descriptors");
		return;
	}
	outside_rename(&keep->outside, &names);
	keep->is_replacing = true;
	keep->is_replaced = keep->service.engine.pid == 0;
	keep->replacement = *order;
	record_set_state(keep->tunnel.record, RECORD_STARTING);
	record_forget_stamp(keep->tunnel.record);
	if (keep->service.engine.pid > 0) {
		keep->service.ready_by = now + STOP_MS;
		engine_signal(&keep->service.engine, SIGTERM);
	} else {
		service_start(&keep->service, now);
	}
}

/**
 * keep_answer_replacement() - Tell whoever ordered another engine
 * @keep:	Keeper
 * @answer:	Answer
 */
void keep_answer_replacement(struct keep *keep, const char *answer)
{
	if (!keep->is_replacing)
		return;
	keep->is_replacing = false;
	keep->is_replaced = false;
	orders_answer(&keep->replacement, answer);
}

/**
 * keep_replace() - Start the engine that was ordered in another's place
 * @keep:	Keeper, running, whose engine has ended
 * @now:	Time
 */
bool keep_replace(struct keep *keep, long long now)
{
	if (keep->is_replaced)
		keep_answer_replacement(keep,
					"error the new engine did not start");
	if (!keep->is_replacing)
		return false;
	keep->is_replaced = true;
	service_start(&keep->service, now);
	return true;
}

/**
 * obey() - Do what a connection asks for
 * @keep:	Keeper
 * @connection:	Which one
 * @now:	Time
 */
static void obey(struct keep *keep, unsigned int connection, long long now)
{
	struct order order;

	if (!orders_receive(&keep->orders, connection, &order))
		return;
	switch (order.kind) {
	case ORDER_HOLD:
		keep->census.is_held = keep->phase != ENDING;
		orders_answer(&order, keep->census.is_held
					      ? "ok"
					      : "error the tunnel is ending");
		break;
	case ORDER_END:
		end(keep, &order, now);
		break;
	case ORDER_CONFIGURE:
		configure(keep, &order, now);
		break;
	case ORDER_NONE:
		break;
	}
}

/**
 * keep_obey() - Take orders
 * @keep:	Keeper
 * @watches:	The listener's events, and those of the connections
 * @now:	Time
 */
void keep_obey(struct keep *keep, const struct pollfd *watches, long long now)
{
	unsigned int i;

	for (i = 0; i < ORDERS_MAX; i++) {
		if (watches[1 + i].revents != 0)
			obey(keep, i, now);
	}
	if (watches[0].revents != 0 || now >= keep->orders.accept_at)
		orders_accept(&keep->orders, now);
}
