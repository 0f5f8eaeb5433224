/* SPDX-License-Identifier: MIT */
/* test_resolver.c - resolv.conf, nsswitch.conf and hosts as they are written */
#include "resolver.h"

#include "plan.h"
#include "test.h"

/* Where a text is collected. */
struct memory {
	char *text;
	size_t len;
	FILE *out;
};

static struct memory open_memory(void)
{
	return (struct memory){0};
}

static void check_switch(const char *host, const char *expected)
{
	struct memory memory = open_memory();

	memory.out = open_memstream(&memory.text, &memory.len);
	resolver_put_switch(memory.out, host);
	fclose(memory.out);
	CHECK_TEXT(memory.text, expected);
	free(memory.text);
}

static void check_hosts(const char *host, const char *name,
			const char *expected)
{
	struct memory memory = open_memory();
	bool is_complete;

	memory.out = open_memstream(&memory.text, &memory.len);
	is_complete = resolver_put_hosts(memory.out, host, name);
	fclose(memory.out);
	CHECK_TEXT(memory.text, expected);
	CHECK(is_complete == (strcmp(host, expected) == 0));
	free(memory.text);
}

static void check_servers(const struct plan *plan, const char *expected)
{
	struct memory memory = open_memory();

	memory.out = open_memstream(&memory.text, &memory.len);
	resolver_put_servers(memory.out, plan);
	fclose(memory.out);
	CHECK_TEXT(memory.text, expected);
	free(memory.text);
}

static void replaces_only_hosts(void)
{
	check_switch(
		"# hosts: this is a comment\n"
		"passwd:         files systemd\n"
		"hosts:          files mymachines resolve [!UNAVAIL=return]"
		" dns myhostname\n"
		"networks:       files\n",
		"# hosts: this is a comment\n"
		"passwd:         files systemd\n"
		"hosts: files dns\n"
		"networks:       files\n");
}

static void reads_as_the_library_does(void)
{
	check_switch("\t hosts : resolve\n", "hosts: files dns\n");
	check_switch("hosts:resolve", "hosts: files dns\n");
	check_switch("hostsfile: files\n", "hostsfile: files\n"
					   "hosts: files dns\n");
	check_switch("hosts\n", "hosts\nhosts: files dns\n");
}

static void writes_one_line(void)
{
	check_switch("hosts: a\nhosts: b\n", "hosts: files dns\n");
	check_switch("", "hosts: files dns\n");
	check_switch("passwd: files", "passwd: files\nhosts: files dns\n");
}

static void keeps_complete_hosts(void)
{
	check_hosts("127.0.0.1 localhost\n127.0.1.1\tbox.example Box\n", "box",
		    "127.0.0.1 localhost\n127.0.1.1\tbox.example Box\n");
}

static void adds_missing_names(void)
{
	check_hosts("127.0.0.1 localhost # box\n", "box",
		    "127.0.0.1 localhost # box\n127.0.1.1 box\n");
	check_hosts("127.0.0.1 localhost\n#127.0.1.1 box", "box",
		    "127.0.0.1 localhost\n#127.0.1.1 box\n127.0.1.1 box\n");
	check_hosts("127.0.0.1 localhost boxer\n", "box",
		    "127.0.0.1 localhost boxer\n127.0.1.1 box\n");
	check_hosts("", "localhost", "127.0.0.1 localhost\n::1 localhost\n");
	check_hosts("box 1\n", "box",
		    "box 1\n127.0.0.1 localhost\n::1 localhost\n"
		    "127.0.1.1 box\n");
}

static void names_servers(void)
{
	char first[] = "10.2.0.1", second[] = "fd00::1", domain[] = "a.example";
	char other[] = "b.example";
	struct plan plan = {.dns = PLAN_DNS_TUNNEL,
			    .nameservers = {first, second},
			    .nameserver_count = 2,
			    .searches = {domain, other},
			    .search_count = 2};

	check_servers(&plan, "# Written by wg-wrap: the tunnel's resolver, and "
			     "no other.\n"
			     "nameserver 10.2.0.1\nnameserver fd00::1\n"
			     "search a.example b.example\noptions edns0\n");
	plan.search_count = 0;
	plan.nameserver_count = 1;
	check_servers(&plan, "# Written by wg-wrap: the tunnel's resolver, and "
			     "no other.\n"
			     "nameserver 10.2.0.1\noptions edns0\n");
}

static void names_no_server(void)
{
	struct plan plan = {.dns = PLAN_DNS_NONE};

	check_servers(&plan, "# No resolver: wg-wrap runs with --dns none.\n");
}

int main(void)
{
	TEST("only the line of hosts is replaced", replaces_only_hosts);
	TEST("a line of hosts is found as the C library finds it",
	     reads_as_the_library_does);
	TEST("there is exactly one line of hosts", writes_one_line);
	TEST("hosts with all names stays as it is", keeps_complete_hosts);
	TEST("hosts is given localhost and the own name", adds_missing_names);
	TEST("resolv.conf has the plan's servers and domains", names_servers);
	TEST("resolv.conf names no server with dns none", names_no_server);
	return report();
}
