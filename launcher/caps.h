/* SPDX-License-Identifier: MIT */
/* caps.h - what a process may still do after its last privileged step */
#ifndef WG_WRAP_CAPS_H
#define WG_WRAP_CAPS_H

void caps_keep_net_admin(void);
void caps_keep_for_device(void);
void caps_drop_all(void);

#endif
