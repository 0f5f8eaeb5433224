/* SPDX-License-Identifier: MIT */
/* activity.h - counters and times that the caller reads */
#ifndef WG_WRAP_PUMP_ACTIVITY_H
#define WG_WRAP_PUMP_ACTIVITY_H

#include "pump.h"

#include <stdbool.h>
#include <stdint.h>

void activity_store(uint64_t *word, uint64_t value);
void activity_add(uint64_t *word, uint64_t value);
bool activity_set_bits(uint64_t *word, uint64_t bits);
void activity_clear_bits(uint64_t *word, uint64_t bits);
void activity_drop(struct pump_activity *activity, enum pump_drop reason,
		   uint64_t count);
void activity_error(uint64_t errors[PUMP_ERRNOS], int error, uint64_t count);
void activity_sent(struct pump_peer_activity *peer, uint64_t now,
		   uint32_t packet, uint32_t datagram);
void activity_received(struct pump_peer_activity *peer, uint64_t now,
		       uint32_t packet);
void activity_accepted(struct pump_peer_activity *peer, uint32_t packet,
		       uint32_t datagram);
void activity_forget(struct pump_peer_activity *peer);

#endif
