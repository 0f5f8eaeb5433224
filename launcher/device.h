/* SPDX-License-Identifier: MIT */
/* device.h - an interface in this network namespace, configured by wg(8) */
#ifndef WG_WRAP_DEVICE_H
#define WG_WRAP_DEVICE_H

/* As `wg-wrap device`, and by this name where a command must be one word. */
#define DEVICE_WORD "device"
#define DEVICE_NAME "wg-wrap-device"

/* The words after that; ends with NULL. */
_Noreturn void device_main(char *const *words);

#endif
