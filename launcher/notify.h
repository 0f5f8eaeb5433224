/* SPDX-License-Identifier: MIT */
/* notify.h - telling a service manager how things stand */
#ifndef WG_WRAP_NOTIFY_H
#define WG_WRAP_NOTIFY_H

/*
 * Sends assignments, one a line, as sd_notify(3) does. Does nothing where no
 * manager has asked for it, and warns where it can't be reached.
 */
__attribute__((format(printf, 1, 2))) void notify(const char *format, ...);

#endif
