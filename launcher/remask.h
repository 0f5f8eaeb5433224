/* SPDX-License-Identifier: MIT */
/* remask.h - mount masks again as soon as the host's services destroy them */
#ifndef WG_WRAP_REMASK_H
#define WG_WRAP_REMASK_H

int remask_watch(void);
void remask_heed(int events);

#endif
