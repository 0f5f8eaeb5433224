/* SPDX-License-Identifier: MIT */
/* test_plan.c - what a plan may say, and everything that it may not */
#include "plan.h"

#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>

static const char *const whole[] = {
	"plan 1",
	"tunnel work",
	"config /home/ada/work.conf",
	"stamp 1 22 333 4444",
	"linger 0",
	"node /usr/bin/node",
	"engine /usr/lib/wg-wrap/engine.js",
	"interface wg0",
	"mtu 1420",
	"address 10.2.0.2/32",
	"dns tunnel",
	"controller /usr/lib/wg-wrap/controller.js",
};

enum { WHOLE = sizeof(whole) / sizeof(*whole) };

/* Composes the whole plan, without the line skip, and with more at its end. */
static char *compose(int skip, const char *more)
{
	char *text = calloc(1, 8192 + strlen(more));
	int i;

	for (i = 0; i < WHOLE; i++) {
		if (i == skip)
			continue;
		strcat(text, whole[i]);
		strcat(text, "\n");
	}
	return strcat(text, more);
}

/* Parses a copy that has no byte to spare, so that a sanitizer sees the end. */
static const char *parse(const char *text, size_t len, unsigned int *line)
{
	char *exact = malloc(len ? len : 1);
	struct plan plan;
	const char *error;

	memcpy(exact, text, len);
	error = plan_parse(exact, len, &plan);
	if (line)
		*line = plan.line;
	plan_release(&plan);
	free(exact);
	return error;
}

/* The error for the whole plan with one more line. */
static const char *error_with(const char *more)
{
	char *text = compose(-1, more);
	const char *error;
	unsigned int line;

	error = parse(text, strlen(text), &line);
	CHECK(!error || line == WHOLE + 1);
	free(text);
	return error;
}

/* The error for the whole plan with one line changed. */
static const char *error_instead(int number, const char *line)
{
	char *text = compose(number, line);
	const char *error = parse(text, strlen(text), NULL);

	free(text);
	return error;
}

static void takes_every_key(void)
{
	char *text = compose(-1, "node-option --inspect-port=0.0.0.1:1024\n"
				 "node-option -e\n"
				 "address fd00::2/64\n"
				 "route 0.0.0.0/0\n"
				 "route 2001:db8::/32\n"
				 "option mtu 1300\n"
				 "option ignore-unknown \n"
				 "nameserver 10.2.0.1\n"
				 "nameserver fd00::1\n"
				 "search corp.example\n"
				 "resolve vpn.example.com\n"
				 "resolve -a_b.\n");
	struct plan plan;
	char address[INET6_ADDRSTRLEN];

	CHECK_TEXT(plan_parse(text, strlen(text), &plan), NULL);
	CHECK_TEXT(plan.tunnel, "work");
	CHECK_TEXT(plan.config, "/home/ada/work.conf");
	CHECK_TEXT(plan.stamp, "1 22 333 4444");
	CHECK(plan.options.count == 2);
	CHECK_TEXT(options_value(&plan.options, "mtu"), "1300");
	CHECK_TEXT(options_value(&plan.options, "ignore-unknown"), "");
	CHECK_TEXT(options_value(&plan.options, "dns"), NULL);
	CHECK_TEXT(plan.node, "/usr/bin/node");
	CHECK_TEXT(plan.engine, "/usr/lib/wg-wrap/engine.js");
	CHECK(plan.node_option_count == 2);
	CHECK_TEXT(plan.node_options[0], "--inspect-port=0.0.0.1:1024");
	CHECK_TEXT(plan.node_options[1], "-e");
	CHECK_TEXT(plan.interface, "wg0");
	CHECK(plan.mtu == 1420);
	CHECK(plan.address_count == 2);
	CHECK(plan.addresses[0].family == AF_INET);
	CHECK(plan.addresses[0].length == 32);
	CHECK(plan.addresses[1].length == 64);
	inet_ntop(plan.addresses[1].family, plan.addresses[1].address, address,
		  sizeof(address));
	CHECK_TEXT(address, "fd00::2");
	CHECK(plan.route_count == 2);
	CHECK(plan.routes[0].family == AF_INET && plan.routes[0].length == 0);
	CHECK(plan.routes[1].family == AF_INET6);
	CHECK(plan.dns == PLAN_DNS_TUNNEL);
	CHECK(plan.nameserver_count == 2);
	CHECK_TEXT(plan.nameservers[1], "fd00::1");
	CHECK(plan.search_count == 1);
	CHECK_TEXT(plan.searches[0], "corp.example");
	CHECK_TEXT(plan.controller, "/usr/lib/wg-wrap/controller.js");
	CHECK(plan.names.count == 2);
	CHECK_TEXT(plan.names.list[0], "vpn.example.com");
	CHECK_TEXT(plan.names.list[1], "-a_b.");
	CHECK(plan.linger_ms == 0);
	plan_release(&plan);
	free(text);
}

static void value_has_spaces(void)
{
	CHECK_TEXT(error_instead(2, "config /home/ada/my  work.conf\n"), NULL);
	CHECK_TEXT(error_instead(1, "tunnel my work\n"), NULL);
}

static void refuses_missing_keys(void)
{
	static const char *const missing[WHOLE] = {
		NULL,
		"no tunnel in the plan",
		"no config in the plan",
		"no stamp in the plan",
		"no linger in the plan",
		"no node in the plan",
		"no engine in the plan",
		"no interface in the plan",
		"no mtu in the plan",
		"no address in the plan",
		"no dns in the plan",
		"no controller in the plan",
	};
	int i;

	for (i = 1; i < WHOLE; i++)
		CHECK_TEXT(error_instead(i, ""), missing[i]);
	CHECK_TEXT(error_instead(0, ""),
		   "the version belongs in the first line");
}

static void refuses_second_ones(void)
{
	char line[128];
	int i;

	for (i = 1; i < WHOLE; i++) {
		if (strncmp(whole[i], "address", 7) == 0)
			continue;
		snprintf(line, sizeof(line), "%s\n", whole[i]);
		CHECK_TEXT(error_with(line), "a key too often");
	}
	CHECK_TEXT(error_with("plan 1\n"),
		   "the version belongs in the first line");
}

/* The error for one line repeated, after the whole plan. */
static const char *error_repeated(const char *line, int times)
{
	char *text = malloc(8192 + strlen(line) * (size_t)times);
	char *base = compose(-1, ""), *end;
	const char *error;

	end = stpcpy(text, base);
	while (times-- > 0)
		end = stpcpy(end, line);
	error = parse(text, (size_t)(end - text), NULL);
	free(base);
	free(text);
	return error;
}

static void refuses_too_many(void)
{
	static const char often[] = "a key too often";

	CHECK_TEXT(error_repeated("node-option -a\n", 8), NULL);
	CHECK_TEXT(error_repeated("node-option -a\n", 9), often);
	CHECK_TEXT(error_repeated("address 10.0.0.1/8\n", 63), NULL);
	CHECK_TEXT(error_repeated("address 10.0.0.1/8\n", 64), often);
	CHECK_TEXT(error_repeated("nameserver ::1\n", 3), NULL);
	CHECK_TEXT(error_repeated("nameserver ::1\n", 4), often);
	CHECK_TEXT(error_repeated("search a\n", 32), NULL);
	CHECK_TEXT(error_repeated("search a\n", 33), often);
	CHECK_TEXT(error_repeated("resolve a\n", 64), NULL);
	CHECK_TEXT(error_repeated("resolve a\n", 65), often);
	CHECK_TEXT(error_repeated("route ::/0\n", 65536), NULL);
	CHECK_TEXT(error_repeated("route ::/0\n", 65537), often);
}

static void refuses_broken_lines(void)
{
	unsigned int line;

	CHECK_TEXT(error_with("colour blue\n"), "an unknown key");
	CHECK_TEXT(error_with("MTU 1420\n"), "an unknown key");
	CHECK_TEXT(error_with(" mtu 1420\n"), "an unknown key");
	CHECK_TEXT(error_with("mtu\n"), "a key without a value");
	CHECK_TEXT(error_with("\n"), "a key without a value");
	CHECK_TEXT(error_with("search a"), "no newline at the end");
	CHECK_TEXT(parse("", 0, NULL), "nothing in it");
	CHECK_TEXT(parse("plan 1\0\n", 8, NULL), "a NUL byte in the plan");
	CHECK_TEXT(parse("plan 2\n", 7, &line), "not a version known here");
	CHECK(line == 1);
}

static void refuses_too_long(void)
{
	size_t len = PLAN_MAX_BYTES + 1;
	char *text = malloc(len);

	memset(text, 'a', len);
	CHECK_TEXT(parse(text, len, NULL), "more than 1 MiB");
	CHECK_TEXT(parse(text, len - 1, NULL), "no newline at the end");
	free(text);
}

static void refuses_names_and_paths(void)
{
	CHECK_TEXT(error_instead(1, "tunnel \n"), "not a name");
	CHECK_TEXT(error_instead(1, "tunnel a\033b\n"), "not a name");
	CHECK_TEXT(error_instead(1, "tunnel a\rb\n"), "not a name");
	CHECK_TEXT(error_instead(2, "config work.conf\n"),
		   "not an absolute path");
	CHECK_TEXT(error_instead(5, "node node\n"), "not an absolute path");
	CHECK_TEXT(error_instead(6, "engine \n"), "not an absolute path");
	CHECK_TEXT(error_instead(WHOLE - 1, "controller c.js\n"),
		   "not an absolute path");
	CHECK_TEXT(error_with("resolve vpn example\n"), "not a host name");
	CHECK_TEXT(error_with("resolve \n"), "not a host name");
	CHECK_TEXT(error_with("resolve a\"b\n"), "not a host name");
	CHECK_TEXT(error_with("node-option script.js\n"), "not an option");
	CHECK_TEXT(error_instead(7, "interface lo\n"), "not an interface name");
	CHECK_TEXT(error_instead(7, "interface \n"), "not an interface name");
	CHECK_TEXT(error_instead(7, "interface wg%d\n"),
		   "not an interface name");
	CHECK_TEXT(error_instead(7, "interface ../wg0\n"),
		   "not an interface name");
	CHECK_TEXT(error_instead(7, "interface abcdefghijklmno\n"), NULL);
	CHECK_TEXT(error_instead(7, "interface abcdefghijklmnop\n"),
		   "not an interface name");
}

static void refuses_numbers(void)
{
	static const char mtu[] = "not an MTU of 576 to 65535";
	static const char option[] = "not an option";
	static const char ms[] = "not a number of milliseconds";

	CHECK_TEXT(error_instead(3, "stamp 1 2 3\n"), "not a stamp");
	CHECK_TEXT(error_instead(3, "stamp 1 2 3 4 5\n"), "not a stamp");
	CHECK_TEXT(error_instead(3, "stamp 1  2 3\n"), "not a stamp");
	CHECK_TEXT(error_instead(3, "stamp 1 2 3 \n"), "not a stamp");
	CHECK_TEXT(error_instead(3, "stamp 1 2 3 x\n"), "not a stamp");
	CHECK_TEXT(error_with("quiet 1\n"), NULL);
	CHECK_TEXT(error_with("quiet 0\n"), "not 1");
	CHECK_TEXT(error_with("option mtu\n"), option);
	CHECK_TEXT(error_with("option  1300\n"), option);
	CHECK_TEXT(error_with("option MTU 1300\n"), option);
	CHECK_TEXT(error_with("option -mtu 1300\n"), option);
	CHECK_TEXT(error_with("option mtu 13\t00\n"), option);
	CHECK_TEXT(error_with("option add-host one 10.0.0.1\n"), NULL);
	CHECK_TEXT(error_instead(8, "mtu 575\n"), mtu);
	CHECK_TEXT(error_instead(8, "mtu 576\n"), NULL);
	CHECK_TEXT(error_instead(8, "mtu 65535\n"), NULL);
	CHECK_TEXT(error_instead(8, "mtu 65536\n"), mtu);
	CHECK_TEXT(error_instead(8, "mtu 01420\n"), mtu);
	CHECK_TEXT(error_instead(8, "mtu -1\n"), mtu);
	CHECK_TEXT(error_instead(8, "mtu 1420 \n"), mtu);
	CHECK_TEXT(error_instead(8, "mtu 99999999999999999999\n"), mtu);
	CHECK_TEXT(error_instead(4, "linger 4294967295\n"), NULL);
	CHECK_TEXT(error_instead(4, "linger 4294967296\n"), ms);
	CHECK_TEXT(error_instead(4, "linger 1.5\n"), ms);
	CHECK_TEXT(error_instead(4, "linger \n"), ms);
}

static void refuses_prefixes(void)
{
	CHECK_TEXT(error_with("address 10.0.0.1\n"),
		   "a prefix without a length");
	CHECK_TEXT(error_with("address 10.0.0/8\n"), "not an address");
	CHECK_TEXT(error_with("address fe80::1%lo/64\n"), "not an address");
	CHECK_TEXT(error_with("address 10.0.0.1/33\n"), "not a prefix length");
	CHECK_TEXT(error_with("address 10.0.0.1/\n"), "not a prefix length");
	CHECK_TEXT(error_with("address 10.0.0.1/08\n"), "not a prefix length");
	CHECK_TEXT(error_with("address ::1/128\n"), NULL);
	CHECK_TEXT(error_with("address ::1/129\n"), "not a prefix length");
	CHECK_TEXT(error_with("route 10.0.0.1/31\n"), "a route with host bits");
	CHECK_TEXT(error_with("route 10.0.0.2/31\n"), NULL);
	CHECK_TEXT(error_with("route 10.0.0.1/32\n"), NULL);
	CHECK_TEXT(error_with("route ::1/127\n"), "a route with host bits");
	CHECK_TEXT(error_with("route 8000::/1\n"), NULL);
	CHECK_TEXT(error_with("route 8000::/0\n"), "a route with host bits");
}

static void refuses_dns(void)
{
	CHECK_TEXT(error_instead(10, "dns host\n"),
		   "not a DNS mode known here");
	CHECK_TEXT(error_instead(10, "dns none\n"), NULL);
	CHECK_TEXT(error_instead(10, "dns none\nnameserver 10.0.0.1\n"),
		   "a nameserver although dns is none");
	CHECK_TEXT(error_with("nameserver dns.example\n"), "not an address");
	CHECK_TEXT(error_with("nameserver 10.0.0.1 \n"), "not an address");
	CHECK_TEXT(error_with("search a b\n"), "not a domain");
	CHECK_TEXT(error_with("search \n"), "not a domain");
	CHECK_TEXT(error_with("search #\n"), "not a domain");
}

/* Reads a file as plan_read() is used, and shows what came of it. */
static void read_plan(const void *path)
{
	struct plan plan;

	plan_read(open(path, O_RDONLY), &plan);
	printf("%s %u\n", plan.tunnel, plan.mtu);
	plan_release(&plan);
}

/* Runs plan_read() on a text. Returns the exit status. */
static int read_text(const char *text, char *output, size_t size)
{
	char path[] = "/tmp/wg-wrap-test-XXXXXX";
	int fd = mkstemp(path), status;

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	status = run_apart(read_plan, path, output, size);
	unlink(path);
	return status;
}

static void reads_from_a_descriptor(void)
{
	char *text = compose(-1, ""), output[256];

	CHECK(read_text(text, output, sizeof(output)) == 0);
	CHECK_TEXT(output, "work 1420\n");
	free(text);
}

static void names_the_line_at_fault(void)
{
	char output[256];

	CHECK(read_text("plan 1\ntunnel a\nmtu 1\n", output, sizeof(output)) ==
	      125);
	CHECK_TEXT(output, "wg-wrap: internal: plan line 3: not an MTU of 576 "
			   "to 65535\n");
}

int main(void)
{
	TEST("a plan with every key is taken", takes_every_key);
	TEST("a value is all behind the first space", value_has_spaces);
	TEST("a plan without a required key is refused", refuses_missing_keys);
	TEST("a second one of a single key is refused", refuses_second_ones);
	TEST("one more than a key's limit is refused", refuses_too_many);
	TEST("a line that is no key and value is refused",
	     refuses_broken_lines);
	TEST("more than 1 MiB is refused", refuses_too_long);
	TEST("names and paths are checked", refuses_names_and_paths);
	TEST("numbers are checked, with their limits", refuses_numbers);
	TEST("addresses and routes are checked", refuses_prefixes);
	TEST("what goes into resolv.conf is checked", refuses_dns);
	TEST("a plan is read from a descriptor to its end",
	     reads_from_a_descriptor);
	TEST("a refused plan ends the process and names the line",
	     names_the_line_at_fault);
	return report();
}
