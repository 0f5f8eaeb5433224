/* SPDX-License-Identifier: MIT */
/*
 * down.c - wg-wrap down: ending tunnels
 *
 * The instance's lock is held all the time, so that nobody begins to use the
 * tunnel between the look at who does and its end. The pin, which needs the
 * lock for its own last steps, is given a share in it (orders.c).
 */
#include "down.h"

#include "arguments.h"
#include "die.h"
#include "orders.h"
#include "tunnels.h"
#include "users.h"

#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The engine gets a second to stop; the rest is for a machine that is busy. */
enum { GONE_MS = 10000 };

/**
 * down_end() - End a tunnel and wait until it is gone
 * @instance:	Held instance, with its record open
 * @record:	The record
 */
bool down_end(struct instance *instance, const struct record *record)
{
	struct pollfd pin = {.events = POLLIN};
	char answer[ORDER_ANSWER_MAX];

	pin.fd = (int)syscall(SYS_pidfd_open, record->pid, 0);
	order_give(instance->directory, "end", &instance->lock, 1, answer);
	if (pin.fd >= 0) {
		poll(&pin, 1, GONE_MS);
		close(pin.fd);
	}
	if (flock(instance->record, LOCK_EX | LOCK_NB) != 0)
		die(STATUS_SETUP, "tunnel \"%s\" does not end (pin %d)",
		    record->tunnel, (int)record->pid);
	close(instance->record);
	instance->record = -1;
	return strcmp(answer, " held") == 0;
}

/**
 * end() - End a tunnel that was found, unless somebody uses it
 * @tunnel:	Tunnel; its instance is closed
 * @wants_kill:	Whoever uses it is ended first
 * Returns whether it has ended, by us or before.
 */
static bool end(struct tunnel *tunnel, bool wants_kill)
{
	struct instance *instance = &tunnel->instance;
	struct record *record = &tunnel->record;
	bool is_over = true;

	if (instance_hold_found(instance) && instance_find_record(instance)) {
		record_read(instance->record, record);
		if (wants_kill)
			users_kill(instance->directory, record);
		else
			is_over = users_tell_none(instance->directory, record);
		if (is_over)
			down_end(instance, record);
	}
	instance_close(instance);
	return is_over;
}

/**
 * down_all() - End all tunnels of the user
 * @wants_kill:	Whoever uses them is ended first
 * Those that can be ended are, even if others can't.
 */
static _Noreturn void down_all(bool wants_kill)
{
	static struct tunnel tunnel;
	struct tunnels tunnels;
	bool are_over = true;

	tunnels_open(&tunnels);
	while (tunnels_next(&tunnels, &tunnel))
		are_over = end(&tunnel, wants_kill) && are_over;
	_exit(are_over ? 0 : STATUS_SETUP);
}

/**
 * down_main() - End a tunnel
 * @arguments:	What is asked
 */
_Noreturn void down_main(const struct arguments *arguments)
{
	static struct tunnel tunnel;

	if (arguments->is_all)
		down_all(arguments->wants_kill);
	if (!tunnels_find(arguments->tunnel, &tunnel)) {
		if (!arguments->tunnel)
			die(STATUS_SETUP, "no tunnel is running");
		die(STATUS_SETUP, "no tunnel \"%s\" is running",
		    arguments->tunnel);
	}
	_exit(end(&tunnel, arguments->wants_kill) ? 0 : STATUS_SETUP);
}
