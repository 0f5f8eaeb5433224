/* SPDX-License-Identifier: MIT */
/*
 * notify.c - telling a service manager how things stand
 *
 * The protocol of sd_notify(3): a datagram of assignments to the Unix socket
 * that NOTIFY_SOCKET names, which is a path, or an abstract name with "@" in
 * place of its NUL.
 */
#include "notify.h"

#include "die.h"
#include "errname.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/**
 * notify() - Tell the service manager something
 * @format:	Assignments, one a line
 */
void notify(const char *format, ...)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;
	char text[512];
	va_list arguments;
	socklen_t size;
	int fd;

	if (len < 2 || (name[0] != '/' && name[0] != '@'))
		return;
	if (len >= sizeof(address.sun_path)) {
		warn("NOTIFY_SOCKET is too long");
		return;
	}
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL,
			     (struct sockaddr *)&address, size) < 0)
		warn("can't tell the service manager (%s)", errname(errno));
	if (fd >= 0)
		close(fd);
}
