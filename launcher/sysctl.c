/* SPDX-License-Identifier: MIT */
/*
 * sysctl.c - settings of the network namespace, all of them optional
 *
 * A container may have /proc/sys read-only, and an old kernel may lack a file:
 * programs inside then miss a comfort, and the tunnel works all the same. A
 * value that is right already is not written.
 */
#include "sysctl.h"

#include "text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/**
 * has_value() - Does the file hold these words already?
 * @path:	The file, which separates its words with tabs
 * @value:	The words, separated by single spaces
 */
static bool has_value(const char *path, const char *value)
{
	char text[64], *tab;

	if (text_read_line(path, text, sizeof(text)) != 0)
		return false;
	while ((tab = strchr(text, '\t')))
		*tab = ' ';
	return strcmp(text, value) == 0;
}

/**
 * sysctl_set() - Give a sysctl a value
 * @name:	Path below /proc/sys
 * @value:	Words, separated by single spaces
 * Returns whether it has the value afterwards.
 */
bool sysctl_set(const char *name, const char *value)
{
	size_t len = strlen(value);
	char path[128];
	ssize_t put;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (has_value(path, value))
		return true;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	put = write(fd, value, len);
	close(fd);
	return put == (ssize_t)len;
}

/**
 * sysctl_set_defaults() - Set what every tunnel is given
 * ping(8) has no capability inside and needs its group in the range, of which
 * only mapped groups can be part. Ports below 1024 are anybody's: nothing but
 * the user's own programs lives in here. With probing, a path that silently
 * drops large packets slows a connection down where it would stall.
 */
void sysctl_set_defaults(void)
{
	char range[64];
	gid_t gid = getegid();

	snprintf(range, sizeof(range), "%u %u", gid, gid);
	sysctl_set("net/ipv4/ping_group_range", range);
	sysctl_set("net/ipv4/ip_unprivileged_port_start", "0");
	sysctl_set("net/ipv4/tcp_mtu_probing", "1");
}
