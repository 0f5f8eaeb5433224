/* SPDX-License-Identifier: MIT */
/* attach.h - becoming a session of a tunnel, which is started if need be */
#ifndef WG_WRAP_ATTACH_H
#define WG_WRAP_ATTACH_H

struct front;

/* Attaches to the tunnel of a located instance, and starts it if need be. */
void attach_to_own(struct front *front);

/* Attaches to the running tunnel that is called so, or dies without one. */
void attach_to_running(struct front *front, const char *name);

#endif
