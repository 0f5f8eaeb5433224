/* SPDX-License-Identifier: MIT */
/* pin.h - the launcher as a daemon, one a tunnel */
#ifndef WG_WRAP_PIN_H
#define WG_WRAP_PIN_H

/* argv[0] of a launcher that is to be a pin. */
#define PIN_NAME "wg-wrap-pin"

/* With the namespaces in between (join.h), these numbers are for life. */
enum {
	PIN_TUN = 10,
	PIN_UDP4 = 14,
	PIN_UDP6 = 15,
	PIN_CONFIGURATION = 16,
	PIN_CONTROL = 17,
};

_Noreturn void pin_main(void);

#endif
