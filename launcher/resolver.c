/* SPDX-License-Identifier: MIT */
/*
 * resolver.c - the texts that steer how names are looked up
 *
 * With "files dns" and nothing else the C library loads no module that asks a
 * daemon of the host: systemd-resolved, avahi, machined, winbind. Some of those
 * answered for the host's own name and for localhost, so hosts(5) has to.
 */
#include "resolver.h"

#include "plan.h"

#include <string.h>
#include <strings.h>

static const char blank[] = " \t\r\f\v";

/**
 * resolver_put_servers() - Write resolv.conf
 * @out:	Where it goes
 * @plan:	Servers and domains
 */
void resolver_put_servers(FILE *out, const struct plan *plan)
{
	unsigned int i;

	if (plan->dns == PLAN_DNS_NONE) {
		fputs("# No resolver: wg-wrap runs with --dns none.\n", out);
		return;
	}
	fputs("# Written by wg-wrap: the tunnel's resolver, and no other.\n",
	      out);
	for (i = 0; i < plan->nameserver_count; i++)
		fprintf(out, "nameserver %s\n", plan->nameservers[i]);
	if (plan->search_count > 0)
		fputs("search", out);
	for (i = 0; i < plan->search_count; i++)
		fprintf(out, " %s", plan->searches[i]);
	if (plan->search_count > 0)
		fputc('\n', out);
	fputs("options edns0\n", out);
}

/**
 * is_hosts_line() - Is this the line of the database "hosts"?
 * @line:	Start of a line
 * The name ends at a colon or at white space, as the C library reads it.
 */
static bool is_hosts_line(const char *line)
{
	static const char name[] = "hosts";

	line += strspn(line, blank);
	if (strncmp(line, name, sizeof(name) - 1) != 0)
		return false;
	line += sizeof(name) - 1;
	return *line == ':' || (*line && strchr(blank, *line));
}

/**
 * resolver_put_switch() - Write nsswitch.conf
 * @out:	Where it goes
 * @host:	The host's text
 */
void resolver_put_switch(FILE *out, const char *host)
{
	static const char line[] = "hosts: files dns\n";
	bool has_line = false;
	size_t len;

	for (; *host; host += len) {
		len = strcspn(host, "\n");
		if (!is_hosts_line(host)) {
			fwrite(host, 1, len, out);
			fputc('\n', out);
		} else if (!has_line) {
			fputs(line, out);
			has_line = true;
		}
		len += host[len] == '\n';
	}
	if (!has_line)
		fputs(line, out);
}

/**
 * has_name() - Does hosts(5) have a name?
 * @text:	Its text
 * @name:	The name
 */
static bool has_name(const char *text, const char *name)
{
	size_t name_len = strlen(name);
	const char *line, *end, *word;
	size_t len;

	for (line = text; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		word = line + strspn(line, blank);
		/* The first word is the address. */
		word += strcspn(word, " \t\r\f\v#\n");
		while (word < end && *word != '#') {
			word += strspn(word, blank);
			len = strcspn(word, " \t\r\f\v#\n");
			if (len == name_len &&
			    strncasecmp(word, name, len) == 0)
				return true;
			word += len;
		}
	}
	return false;
}

/**
 * resolver_put_hosts() - Write hosts
 * @out:	Where it goes
 * @host:	The host's text
 * @hostname:	The host's own name
 * Returns whether the host's text has all names.
 */
bool resolver_put_hosts(FILE *out, const char *host, const char *hostname)
{
	bool has_localhost = has_name(host, "localhost");
	bool has_hostname = !*hostname || has_name(host, hostname);
	size_t len = strlen(host);

	fputs(host, out);
	if (len > 0 && host[len - 1] != '\n')
		fputc('\n', out);
	if (!has_localhost)
		fputs("127.0.0.1 localhost\n::1 localhost\n", out);
	if (!has_hostname && strcasecmp(hostname, "localhost") != 0)
		fprintf(out, "127.0.1.1 %s\n", hostname);
	return has_localhost && has_hostname;
}
