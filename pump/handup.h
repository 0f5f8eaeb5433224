/* SPDX-License-Identifier: MIT */
/* handup.h - messages to TypeScript */
#ifndef WG_WRAP_PUMP_HANDUP_H
#define WG_WRAP_PUMP_HANDUP_H

#include "epoch.h"
#include "queue.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct handup {
	/* One a writer: what a stranger can fill holds up nobody's packets. */
	struct queue queues[EPOCH_READERS];
	/* Both ends of the wake socket; the second is the caller's. */
	int wake[2];
	/* The reader found nothing, and is to be woken. */
	_Atomic bool is_awaited;
	/* The caller wants to know of the next packet. */
	_Atomic bool is_watched;
	/* Why the TUN is gone, an errno; 0 if it isn't, or that was told. */
	_Atomic uint32_t gone;
};

int handup_init(struct handup *handup);
void handup_destroy(struct handup *handup);
bool handup_message(struct handup *handup, enum epoch_reader from,
		    const struct pump_message *header, const void *payload,
		    uint32_t len);
struct pump_message *handup_reserve(struct handup *handup,
				    enum epoch_reader from, uint32_t len);
void handup_publish(struct handup *handup, enum epoch_reader from,
		    struct pump_message *message, uint32_t len);
void handup_gone(struct handup *handup, uint32_t error);
void handup_active(struct handup *handup, enum epoch_reader from);
uint32_t handup_take(struct handup *handup, uint8_t *buffer, uint32_t len);

#endif
