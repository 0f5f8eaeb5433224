/* SPDX-License-Identifier: MIT */
/* front.h - the user's process, until it is the command */
#ifndef WG_WRAP_FRONT_H
#define WG_WRAP_FRONT_H

_Noreturn void front_main(int argc, char **argv);

#endif
