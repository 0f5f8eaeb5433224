/* SPDX-License-Identifier: MIT */
/* apply.h - another configuration for a tunnel that lives */
#ifndef WG_WRAP_APPLY_H
#define WG_WRAP_APPLY_H

/* argv[0] of a launcher that is to apply a plan. */
#define APPLY_NAME "wg-wrap-apply"

_Noreturn void apply_main(void);

#endif
