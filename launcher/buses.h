/* SPDX-License-Identifier: MIT */
/* buses.h - the sockets of D-Bus that --mask-dbus covers one by one */
#ifndef WG_WRAP_BUSES_H
#define WG_WRAP_BUSES_H

/* The tunnel's option. */
#define BUSES_OPTION "mask-dbus"

/* Where a session bus has its sockets, below a runtime directory. */
extern const char *const buses_sockets[];

enum { BUSES_SOCKETS = 2 };

/*
 * Covers the sockets of session buses: in the directory above wg_wrap_dir, if
 * there is one, in the user's usual runtime directory, and where the
 * environment says. What is covered already, or is not there, stays as it is.
 * Dies where one can't be covered.
 */
void buses_hide(const char *wg_wrap_dir);

/*
 * Calls visit, if it isn't NULL, for each path of a socket in an address of
 * D-Bus's. Returns how many there are.
 */
int buses_each_path(const char *address, void (*visit)(const char *path));

#endif
