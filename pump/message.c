/* SPDX-License-Identifier: MIT */
/*
 * message.c - which message of WireGuard's a datagram is (WP 5.4)
 *
 * Nothing but the type and the length is looked at; what else is wrong with a
 * message shows when it is opened.
 */
#include "message.h"

#include "wire.h"

#include <string.h>

/**
 * message_type() - The type of a datagram whose length fits it
 * @datagram:	Datagram
 * @len:	Its length
 * Returns 0 for what is no message of WireGuard's.
 */
uint32_t message_type(const uint8_t *datagram, uint32_t len)
{
	uint32_t type = len < KEEPALIVE_BYTES ? 0 : load32_le(datagram);

	switch (type) {
	case TYPE_INITIATION:
		return len == INITIATION_BYTES ? type : 0;
	case TYPE_RESPONSE:
		return len == RESPONSE_BYTES ? type : 0;
	case TYPE_COOKIE_REPLY:
		return len == COOKIE_REPLY_BYTES ? type : 0;
	case TYPE_TRANSPORT:
		return type;
	default:
		return 0;
	}
}

/**
 * message_clear_reserved() - Zero the reserved bytes where they are ours
 * @datagram:	Datagram
 * @len:	Its length
 * @reserved:	Ours, or NULL where they are zeros anyway
 */
void message_clear_reserved(uint8_t *datagram, uint32_t len,
			    const uint8_t *reserved)
{
	if (reserved && len >= 4 && memcmp(datagram + 1, reserved, 3) == 0)
		memset(datagram + 1, 0, 3);
}
