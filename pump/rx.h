/* SPDX-License-Identifier: MIT */
/* rx.h - UDP → TUN */
#ifndef WG_WRAP_PUMP_RX_H
#define WG_WRAP_PUMP_RX_H

#include "pump.h"

struct rx;

struct rx *rx_create(struct pump *pump);
void rx_free(struct rx *rx);
int rx_step(struct rx *rx);

#endif
