/* SPDX-License-Identifier: MIT */
/*
 * device.c - an interface in this network namespace, configured by wg(8)
 *
 * A drop-in for the command wireguard-go: same arguments, same variables, same
 * socket. Unlike all else of ours it takes privileges, CAP_NET_ADMIN for the
 * interface. In order:
 *
 * 1. read	Arguments and environment. Nothing has been changed yet.
 * 2. find	Node and the engine, from the caller's working directory.
 * 3. watch	The links, so that nothing about ours is missed.
 * 4. make	The TUN, then the socket. The TUN's name is taken by one process
 *		only, so two that start at once don't meet at the socket.
 * 5. detach	Unless it is to stay in the foreground. What fails later is
 *		still told: the first process waits until the engine is ready.
 * 6. keep	Until the interface or the socket is removed (devicekeep.c).
 */
#include "device.h"

#include "caps.h"
#include "daemon.h"
#include "devicekeep.h"
#include "die.h"
#include "fds.h"
#include "installation.h"
#include "tun.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE "wg-wrap device [-f|--foreground] NAME"

/* PUMP_WORKERS_MAX of pump/pump.h, as a digit. */
#define WORKERS_MAX "7"

enum { DEFAULT_MTU = 1420 };

/* What is asked for. */
struct request {
	const char *name;
	bool in_foreground;
	bool is_help;
	bool has_log_level;
	enum { LOG_NOTHING, LOG_ERRORS, LOG_ALL } log_level;
	/* The engine's word about it; empty where nothing is asked for. */
	char pump[sizeof("workers=N")];
};

/**
 * is_name() - Is this a name for an interface?
 * @name:	The word
 * What wg-quick(8) allows, but for those that the kernel uses up by itself.
 */
static bool is_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_=+.-";
	size_t len = strlen(name);

	return len > 0 && len < IFNAMSIZ && strspn(name, allowed) == len &&
	       *name != '-' && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/**
 * read_words() - Read the arguments
 * @words:	Arguments
 * @request:	Gets what they ask for
 */
static void read_words(char *const *words, struct request *request)
{
	for (; *words; words++) {
		if (strcmp(*words, "-f") == 0 ||
		    strcmp(*words, "--foreground") == 0)
			request->in_foreground = true;
		else if (strcmp(*words, "-h") == 0 ||
			 strcmp(*words, "--help") == 0)
			request->is_help = true;
		else if (**words == '-')
			die(STATUS_USAGE, "unknown option %s; " USAGE, *words);
		else if (request->name)
			die(STATUS_USAGE, "one device at a time; " USAGE);
		else
			request->name = *words;
	}
	if (request->is_help)
		return;
	if (!request->name)
		die(STATUS_USAGE, "no interface named; " USAGE);
	if (!is_name(request->name))
		die(STATUS_USAGE,
		    "\"%s\" can't name an interface (1 to %d of A-Z a-z 0-9 "
		    "_ = + . -)",
		    request->name, IFNAMSIZ - 1);
}

/**
 * read_environment() - Read the variables that wireguard-go knows
 * @request:	Gets what they ask for
 */
static void read_environment(struct request *request)
{
	const char *foreground = getenv("WG_PROCESS_FOREGROUND");
	const char *level = getenv("LOG_LEVEL");

	if (foreground && strcmp(foreground, "1") == 0)
		request->in_foreground = true;
	request->has_log_level = level && *level;
	request->log_level = LOG_ERRORS;
	if (!request->has_log_level)
		return;
	if (strcmp(level, "verbose") == 0 || strcmp(level, "debug") == 0)
		request->log_level = LOG_ALL;
	else if (strcmp(level, "silent") == 0)
		request->log_level = LOG_NOTHING;
}

/**
 * read_pump() - Read the variables about the pump, as the controller does
 * @request:	Gets what they ask for
 */
static void read_pump(struct request *request)
{
	const char *workers = getenv("WG_WRAP_PUMP_WORKERS");
	const char *pump = getenv("WG_WRAP_PUMP");

	if (workers && *workers) {
		if (*workers < '0' || *workers > *WORKERS_MAX || workers[1])
			die(STATUS_USAGE,
			    "WG_WRAP_PUMP_WORKERS \"%s\": expected a number "
			    "from 0 to " WORKERS_MAX,
			    workers);
		snprintf(request->pump, sizeof(request->pump), "workers=%c",
			 *workers);
	}
	if (pump && strcmp(pump, "off") == 0)
		strcpy(request->pump, "pump=off");
}

/**
 * settle_engine() - Leave the engine's child what it needs
 * A process group of its own: ^C on a terminal is for the keeper.
 */
static void settle_engine(void)
{
	if (setpgid(0, 0) != 0)
		die_errno("can't create a process group");
	caps_keep_for_device();
}

/**
 * absolute_node() - Find Node by a path that holds in any directory
 * @path:	Gets the path
 */
static void absolute_node(char path[PATH_MAX])
{
	char found[PATH_MAX];

	installation_find_node(found);
	if (!realpath(found, path))
		die_errno("can't examine %s", found);
}

/**
 * device_main() - Be a device
 * @words:	Arguments
 */
_Noreturn void device_main(char *const *words)
{
	char node[PATH_MAX], script[PATH_MAX];
	struct request request = {.name = NULL};
	struct engine_program program = {.node = node,
					 .script = script,
					 .role = "device",
					 .settle = settle_engine};
	struct devicekeep device = {.program = &program, .report = -1};
	int null;

	read_words(words, &request);
	if (request.is_help) {
		dprintf(STDOUT_FILENO, "Usage: %s\n", USAGE);
		_exit(0);
	}
	read_environment(&request);
	read_pump(&request);
	if (*request.pump)
		program.pump = request.pump;
	absolute_node(node);
	installation_find_script("engine.js", script);
	fds_close_from(STDERR_FILENO + 1);
	daemon_settle(DEVICE_NAME);
	null = fds_dev_null();
	device.name = request.name;
	link_open(&device.link);
	device.link.tun = tun_create_single(request.name);
	link_set_mtu(&device.link, request.name, DEFAULT_MTU);
	uapisocket_bind(&device.socket, request.name);
	if (!request.in_foreground)
		device.report = daemon_detach(DEVICE_NAME);
	device.keeps_stderr =
		request.in_foreground ||
		(request.has_log_level && request.log_level != LOG_NOTHING);
	device.output = request.log_level == LOG_ALL ? STDERR_FILENO : null;
	device.log = request.log_level == LOG_NOTHING ? null : STDERR_FILENO;
	devicekeep_run(&device);
}
