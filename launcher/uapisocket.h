/* SPDX-License-Identifier: MIT */
/* uapisocket.h - the socket by which wg(8) finds a device */
#ifndef WG_WRAP_UAPISOCKET_H
#define WG_WRAP_UAPISOCKET_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct uapisocket {
	int listener;
	int events; /* readable when something happens in the directory */
	dev_t device;
	ino_t inode;
	struct sockaddr_un address;
};

/* Binds the socket of the interface called name. Dies on failure. */
void uapisocket_bind(struct uapisocket *socket, const char *name);

/* Takes the events. Returns whether the socket is still where it was. */
bool uapisocket_is_there(const struct uapisocket *socket);

/* Removes the socket, if it is there. */
void uapisocket_remove(const struct uapisocket *socket);

#endif
