/* SPDX-License-Identifier: MIT */
/* message.h - which message of WireGuard's a datagram is */
#ifndef WG_WRAP_PUMP_MESSAGE_H
#define WG_WRAP_PUMP_MESSAGE_H

#include <stdint.h>

uint32_t message_type(const uint8_t *datagram, uint32_t len);
void message_clear_reserved(uint8_t *datagram, uint32_t len,
			    const uint8_t *reserved);

#endif
