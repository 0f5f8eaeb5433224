/* SPDX-License-Identifier: MIT */
/* filter.h - system calls that the pin and its children never need */
#ifndef WG_WRAP_FILTER_H
#define WG_WRAP_FILTER_H

void filter_install(void);

#endif
