/* SPDX-License-Identifier: MIT */
/*
 * attach.c - becoming a session of a tunnel, which is started if need be
 *
 * Stages 3 and 4 of a front (front.c). Under the instance's lock it is either
 * found alive, and then must be what was asked for, or a controller builds it.
 * Whoever waits for a handshake does so without the lock.
 */
#include "attach.h"

#include "controller.h"
#include "dialogue.h"
#include "die.h"
#include "down.h"
#include "fit.h"
#include "front.h"
#include "orders.h"
#include "runtime.h"
#include "tunnels.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the front waits by itself for a handshake under way. */
enum { PATIENCE_MS = 500 };

enum outcome {
	ATTACHED,
	UNREACHABLE, /* it ends just now, or is out of reach */
	UNFIT,	     /* to be ended for another one, and nobody uses it */
};

/**
 * await_controller() - Wait until the controller says go on, or end with it
 * @front:	Run, registered
 * @controller:	Controller
 */
static void await_controller(struct front *front, struct controller *controller)
{
	int status = controller_wait(controller);

	if (status == 0)
		return;
	sessions_withdraw(front->instance.directory, &front->session);
	exit(status);
}

/**
 * is_soon_connected() - Wait for the handshake without a controller
 * @front:	Run, attached to a tunnel that starts
 * Most handshakes take a fraction of this time, and many fronts may wait for
 * one at once: each would start Node for nothing. Only a controller can say
 * why there is none, and only it knows how long the user wants to wait.
 */
static bool is_soon_connected(const struct front *front)
{
	if (front->arguments.has_connect_timeout)
		return false;
	return record_await_usable(front->instance.record, PATIENCE_MS);
}

/**
 * use_living() - Stage 4 for a tunnel that lives
 * @front:	Run, with the lock held and the record open
 * Where its pin can't be reached, errno says why, and nothing has changed.
 */
static enum outcome use_living(struct front *front)
{
	struct controller_fds fds = {.lock = -1, .conversation = -1};
	struct record *record = &front->record;
	struct controller controller;

	record_read(front->instance.record, record);
	if (!join_open(record->pid, record->netns, &front->namespaces))
		return UNREACHABLE;
	if (front->arguments.verb != VERB_EXEC && !fit_is_asked_for(front)) {
		join_close(&front->namespaces);
		return UNFIT;
	}
	sessions_register(front->instance.directory, &front->session);
	sessions_complete(&front->session, record->netns);
	instance_release_lock(&front->instance);
	if (record_is_usable(record_state(front->instance.record)) ||
	    front->arguments.no_wait || is_soon_connected(front))
		return ATTACHED;
	fds.directory = front->instance.directory;
	dialogue_start(front, "connect", &fds, &controller);
	await_controller(front, &controller);
	return ATTACHED;
}

/**
 * hear_ready() - Wait for the controller's word that the pin is ready
 * @conversation:	Socket to the controller
 * Returns false if it ended without.
 */
static bool hear_ready(int conversation)
{
	static const char word[] = "ready\n";
	char heard[sizeof(word)];
	size_t len = 0;
	ssize_t got;

	while (len < sizeof(word) - 1) {
		got = read(conversation, heard + len, sizeof(word) - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		len += (size_t)got;
	}
	return memcmp(heard, word, len) == 0;
}

/**
 * take_built() - Stage 4 for the tunnel that was built for us
 * @front:	Run, with the lock held
 * Returns false if it is gone already.
 */
static bool take_built(struct front *front)
{
	struct record *record = &front->record;

	if (!instance_find_record(&front->instance))
		return false;
	record_read(front->instance.record, record);
	if (!join_open(record->pid, record->netns, &front->namespaces))
		return false;
	sessions_register(front->instance.directory, &front->session);
	sessions_complete(&front->session, record->netns);
	instance_release_lock(&front->instance);
	return true;
}

/**
 * build() - Stages 3 and 4 where no tunnel lives
 * @front:	Run, with the lock held
 */
static void build(struct front *front)
{
	struct instance *instance = &front->instance;
	struct controller controller;
	char path[PATH_MAX];
	int conversation, status;

	conversation = dialogue_begin(front, "cold", &front->arguments.options,
				      &controller);
	if (!hear_ready(conversation)) {
		status = controller_wait(&controller);
		if (status != 0)
			exit(status);
		die(STATUS_SETUP, "the controller ended without a tunnel");
	}
	if (!take_built(front)) {
		kill(controller.pid, SIGTERM);
		runtime_path(instance->directory, path);
		die(STATUS_SETUP, "the tunnel ended at once; see %s/log", path);
	}
	await_controller(front, &controller);
	close(conversation);
}

/**
 * die_unreachable() - Die because a pin lives that can't be reached
 * @front:	Run, with the record
 * @failure:	errno
 */
static _Noreturn void die_unreachable(const struct front *front, int failure)
{
	errno = failure;
	die_errno("can't open the tunnel's namespaces through its pin, process "
		  "%d; is it in another pid namespace?",
		  (int)front->record.pid);
}

/**
 * attach_to_own() - Attach to the tunnel of a located instance
 * @front:	Run, with the instance located
 */
void attach_to_own(struct front *front)
{
	struct instance *instance = &front->instance;
	char answer[ORDER_ANSWER_MAX];
	bool was_held = false;
	int failure;

	instance_hold(instance);
	while (instance_find_record(instance)) {
		switch (use_living(front)) {
		case ATTACHED:
			return;
		case UNFIT:
			was_held = down_end(instance, &front->record);
			continue;
		case UNREACHABLE:
			failure = errno;
			if (!instance_outlive(instance, front->record.pid))
				die_unreachable(front, failure);
		}
	}
	build(front);
	if (was_held)
		order_give(instance->directory, "hold", NULL, 0, answer);
}

/**
 * attach_to_running() - Attach to a tunnel that runs, and start none
 * @front:	Run
 * @name:	What the tunnel is called
 */
void attach_to_running(struct front *front, const char *name)
{
	static struct tunnel tunnel;
	int failure = 0;

	if (tunnels_find(name, &tunnel)) {
		front->instance = tunnel.instance;
		if (instance_hold_found(&front->instance) &&
		    instance_find_record(&front->instance)) {
			if (use_living(front) == ATTACHED)
				return;
			failure = errno;
			if (!instance_outlive(&front->instance,
					      front->record.pid))
				die_unreachable(front, failure);
		}
	}
	die(STATUS_SETUP,
	    "no tunnel \"%s\" is running (wg-wrap up %s starts it)", name,
	    name);
}
