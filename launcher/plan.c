/* SPDX-License-Identifier: MIT */
/*
 * plan.c - the tunnel to build, as the controller wrote it
 *
 * The plan is text of one "key value" a line, the value being everything after
 * the first space; docs/architecture.md has the keys. It comes from a process
 * of ours, yet each value is checked for what it is used for further on: as a
 * name in a message, as a line in resolv.conf, as a path that is executed. A
 * plan without a final newline is one whose writer died, and is refused.
 *
 * plan_parse() touches nothing but its arguments, so that it can be fuzzed.
 */
#include "plan.h"

#include "die.h"
#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MTU_MIN = 576, MTU_MAX = 65535, NAME_MAX_BYTES = 255 };

/* What 32 bits hold, so that a plan means the same on every machine. */
#define LINGER_MAX_MS 4294967295UL

/* One key: how often it may come, and who takes its value. */
struct key {
	const char *name;
	unsigned int min;
	unsigned int max;
	/* Returns NULL, or what is wrong with the value. */
	const char *(*take)(struct plan *plan, char *value);
	const char *missing;
};

/* In the order of docs/architecture.md; each as struct key's take. */

/** take_version() - Take the plan's version */
static const char *take_version(struct plan *plan, char *value)
{
	(void)plan;
	return strcmp(value, "1") == 0 ? NULL : "not a version known here";
}

/** take_tunnel() - Take the tunnel's name */
static const char *take_tunnel(struct plan *plan, char *value)
{
	plan->tunnel = value;
	return value_is_plain(value, NAME_MAX_BYTES) ? NULL : "not a name";
}

/** take_config() - Take the configuration's path */
static const char *take_config(struct plan *plan, char *value)
{
	plan->config = value;
	return value_is_path(value) ? NULL : "not an absolute path";
}

/** take_stamp() - Take the configuration's four numbers */
static const char *take_stamp(struct plan *plan, char *value)
{
	plan->stamp = value;
	return value_is_stamp(value) ? NULL : "not a stamp";
}

/** take_option() - Take an option that the tunnel was started with */
static const char *take_option(struct plan *plan, char *value)
{
	return options_set_text(&plan->options, value) ? NULL : "not an option";
}

/** take_node() - Take the path of Node */
static const char *take_node(struct plan *plan, char *value)
{
	plan->node = value;
	return value_is_path(value) ? NULL : "not an absolute path";
}

/** take_engine() - Take the path of the engine's script */
static const char *take_engine(struct plan *plan, char *value)
{
	plan->engine = value;
	return value_is_path(value) ? NULL : "not an absolute path";
}

/** take_controller() - Take the path of the controller's script */
static const char *take_controller(struct plan *plan, char *value)
{
	plan->controller = value;
	return value_is_path(value) ? NULL : "not an absolute path";
}

/** take_node_option() - Take an option for Node; else it would be a script */
static const char *take_node_option(struct plan *plan, char *value)
{
	plan->node_options[plan->node_option_count++] = value;
	return value[0] == '-' ? NULL : "not an option";
}

/** take_interface() - Take the interface's name */
static const char *take_interface(struct plan *plan, char *value)
{
	plan->interface = value;
	return value_is_interface(value) ? NULL : "not an interface name";
}

/** take_mtu() - Take the interface's MTU */
static const char *take_mtu(struct plan *plan, char *value)
{
	unsigned long mtu;

	if (!value_number(value, MTU_MAX, &mtu) || mtu < MTU_MIN)
		return "not an MTU of 576 to 65535";
	plan->mtu = (unsigned int)mtu;
	return NULL;
}

/** take_address() - Take an address of the interface */
static const char *take_address(struct plan *plan, char *value)
{
	return value_prefix(value, &plan->addresses[plan->address_count++]);
}

/** take_route() - Take a route through the tunnel */
static const char *take_route(struct plan *plan, char *value)
{
	struct plan_prefix *route = &plan->routes[plan->route_count++];
	const char *error = value_prefix(value, route);

	if (!error && value_has_host_bits(route))
		error = "a route with host bits";
	return error;
}

/** take_dns() - Take whose servers resolv.conf names */
static const char *take_dns(struct plan *plan, char *value)
{
	if (strcmp(value, "tunnel") == 0)
		plan->dns = PLAN_DNS_TUNNEL;
	else if (strcmp(value, "none") == 0)
		plan->dns = PLAN_DNS_NONE;
	else
		return "not a DNS mode known here";
	return NULL;
}

/** take_nameserver() - Take a line of resolv.conf */
static const char *take_nameserver(struct plan *plan, char *value)
{
	plan->nameservers[plan->nameserver_count++] = value;
	return value_is_address(value) ? NULL : "not an address";
}

/** take_search() - Take a word of resolv.conf */
static const char *take_search(struct plan *plan, char *value)
{
	plan->searches[plan->search_count++] = value;
	return value_is_domain(value) ? NULL : "not a domain";
}

/** take_resolve() - Take the name of an endpoint */
static const char *take_resolve(struct plan *plan, char *value)
{
	return hostnames_add(&plan->names, value) ? NULL : "not a host name";
}

/** take_linger() - Take how long the tunnel outlives its last session */
static const char *take_linger(struct plan *plan, char *value)
{
	if (!value_number(value, LINGER_MAX_MS, &plan->linger_ms))
		return "not a number of milliseconds";
	return NULL;
}

/** take_quiet() - Take that no warnings are wanted */
static const char *take_quiet(struct plan *plan, char *value)
{
	plan->is_quiet = true;
	return strcmp(value, "1") == 0 ? NULL : "not 1";
}

#define KEY(key, min, max, take)                                               \
	{                                                                      \
		key, min, max, take, "no " key " in the plan"                  \
	}

static const struct key keys[] = {
	KEY("plan", 1, 1, take_version),
	KEY("tunnel", 1, 1, take_tunnel),
	KEY("config", 1, 1, take_config),
	KEY("stamp", 1, 1, take_stamp),
	KEY("option", 0, OPTIONS_MAX, take_option),
	KEY("node", 1, 1, take_node),
	KEY("engine", 1, 1, take_engine),
	KEY("controller", 1, 1, take_controller),
	KEY("node-option", 0, PLAN_MAX_NODE_OPTIONS, take_node_option),
	KEY("interface", 1, 1, take_interface),
	KEY("mtu", 1, 1, take_mtu),
	KEY("address", 1, PLAN_MAX_ADDRESSES, take_address),
	KEY("route", 0, PLAN_MAX_ROUTES, take_route),
	KEY("dns", 1, 1, take_dns),
	KEY("nameserver", 0, PLAN_MAX_NAMESERVERS, take_nameserver),
	KEY("search", 0, PLAN_MAX_SEARCHES, take_search),
	KEY("resolve", 0, HOSTNAMES_MAX, take_resolve),
	KEY("linger", 1, 1, take_linger),
	KEY("quiet", 0, 1, take_quiet),
};

enum { KEY_COUNT = sizeof(keys) / sizeof(*keys) };

/**
 * parse_line() - Parse one line
 * @plan:	The plan
 * @line:	The line, without its newline, cut in two at the space
 * @counts:	How often each key came
 */
static const char *parse_line(struct plan *plan, char *line,
			      unsigned int *counts)
{
	char *space = strchr(line, ' ');
	size_t i;

	if (!space)
		return "a key without a value";
	*space = '\0';
	for (i = 0; i < KEY_COUNT; i++) {
		if (strcmp(line, keys[i].name) == 0)
			break;
	}
	if (i == KEY_COUNT)
		return "an unknown key";
	if ((plan->line == 1) != (i == 0))
		return "the version belongs in the first line";
	if (counts[i]++ == keys[i].max)
		return "a key too often";
	return keys[i].take(plan, space + 1);
}

/**
 * check_whole() - Check what no single line shows
 * @plan:	The plan
 * @counts:	How often each key came
 */
static const char *check_whole(const struct plan *plan,
			       const unsigned int *counts)
{
	size_t i;

	for (i = 0; i < KEY_COUNT; i++) {
		if (counts[i] < keys[i].min)
			return keys[i].missing;
	}
	if (plan->dns == PLAN_DNS_NONE && plan->nameserver_count > 0)
		return "a nameserver although dns is none";
	return NULL;
}

/**
 * count_routes() - Count the lines that may be routes
 * @text:	The plan's text
 * @len:	Number of bytes
 * Returns at most what a plan may have; more are refused by their count.
 */
static size_t count_routes(const char *text, size_t len)
{
	static const char route[] = "\nroute ";
	const char *next = text;
	size_t count = 0;

	while (count < PLAN_MAX_ROUTES &&
	       (next = memmem(next, len - (size_t)(next - text), route,
			      sizeof(route) - 1))) {
		next++;
		count++;
	}
	return count;
}

/**
 * plan_parse() - Parse a plan
 * @text:	Its text, cut into strings in place
 * @len:	Number of bytes
 * @plan:	Where it goes; to be released in any case
 * Returns NULL, or what is wrong with plan->line.
 */
const char *plan_parse(char *text, size_t len, struct plan *plan)
{
	unsigned int counts[KEY_COUNT] = {0};
	char *end = text + len, *line, *newline;
	const char *error;

	memset(plan, 0, sizeof(*plan));
	plan->line = 1;
	if (len > PLAN_MAX_BYTES)
		return "more than 1 MiB";
	if (len == 0)
		return "nothing in it";
	if (memchr(text, '\0', len))
		return "a NUL byte in the plan";
	plan->routes =
		calloc(count_routes(text, len) + 1, sizeof(*plan->routes));
	if (!plan->routes)
		return "no memory";

	for (line = text; line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline)
			return "no newline at the end";
		*newline = '\0';
		error = parse_line(plan, line, counts);
		if (error)
			return error;
		plan->line++;
	}
	plan->line--;
	return check_whole(plan, counts);
}

/**
 * plan_release() - Free what plan_parse() allocated
 * @plan:	The plan
 */
void plan_release(struct plan *plan)
{
	free(plan->routes);
	plan->routes = NULL;
	plan->route_count = 0;
}

/**
 * plan_read() - Read a plan from a descriptor to its end
 * @fd:		The descriptor
 * @plan:	Where it goes. Its text stays allocated for good.
 */
void plan_read(int fd, struct plan *plan)
{
	char *text = malloc(PLAN_MAX_BYTES + 1);
	const char *error;
	size_t len = 0;
	ssize_t got;

	if (!text)
		die_errno("can't hold the plan");
	while (len <= PLAN_MAX_BYTES) {
		got = read(fd, text + len, PLAN_MAX_BYTES + 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die_errno("can't read the plan");
		if (got == 0)
			break;
		len += (size_t)got;
	}
	error = plan_parse(text, len, plan);
	if (error)
		die(STATUS_SETUP, "internal: plan line %u: %s", plan->line,
		    error);
}
