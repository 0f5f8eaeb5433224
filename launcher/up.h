/* SPDX-License-Identifier: MIT */
/* up.h - wg-wrap up: a tunnel without a command */
#ifndef WG_WRAP_UP_H
#define WG_WRAP_UP_H

struct front;

_Noreturn void up_main(struct front *front);

#endif
