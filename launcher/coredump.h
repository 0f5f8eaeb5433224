/* SPDX-License-Identifier: MIT */
/* coredump.h - processes that must leave no core dump */
#ifndef WG_WRAP_COREDUMP_H
#define WG_WRAP_COREDUMP_H

void coredump_forbid(void);

#endif
