/* SPDX-License-Identifier: MIT */
/* masks.h - the host's paths that must not be reached from inside */
#ifndef WG_WRAP_MASKS_H
#define WG_WRAP_MASKS_H

#include <stdbool.h>

/*
 * Hides the state directories of all tunnels behind an empty private one each.
 * inside is the text of the record that is left in its place. Called once, by
 * the set-up child.
 */
void masks_hide_state(const char *wg_wrap_dir, const char *inside);

/*
 * Hides the sockets of the host's resolver daemons. own_etc says that
 * /etc/resolv.conf is ours already, and may stand in for theirs.
 */
void masks_hide_resolvers(bool own_etc);

/* Hides the sockets of D-Bus, for a tunnel with that option. */
void masks_hide_buses(const char *wg_wrap_dir);

/*
 * Whether an open directory is the top of what hides state directories. Only
 * there the record inside can be believed.
 */
bool masks_is_state(int directory);

/*
 * Looks at every mask and mounts again what the host's services destroyed.
 * Called by a process that has just joined the user and mount namespaces, and
 * still has its capabilities. Dies with STATUS_SETUP where a mask can't be
 * restored: the command must not run without it. hides_buses says that the tunnel
 * has that option.
 */
void masks_refresh(bool hides_buses);

#endif
