/* SPDX-License-Identifier: MIT */
/* tx.h - TUN → UDP */
#ifndef WG_WRAP_PUMP_TX_H
#define WG_WRAP_PUMP_TX_H

#include "pump.h"

#include <stdbool.h>
#include <stdint.h>

struct tx;

/* Beside enum pump_message_kind, in the queue to tx. */
enum { SEND_PACKET = 0x100, SEND_PROMOTION = 0x101 };

struct tx *tx_create(struct pump *pump);
void tx_free(struct tx *tx);
int tx_step(struct tx *tx, bool reads_tun);
void tx_promote(struct pump *pump, uint32_t local_index);

#endif
