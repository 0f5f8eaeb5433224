/* SPDX-License-Identifier: MIT */
/* coalesce.h - packets for the TUN, as super-packets where they follow */
#ifndef WG_WRAP_PUMP_COALESCE_H
#define WG_WRAP_PUMP_COALESCE_H

#include "body.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	COALESCE_PACKETS = 2048,
	COALESCE_UNITS = 1024,
	COALESCE_FLOWS = 8,
};

/* What a TCP or UDP packet looks like. */
struct shape {
	uint32_t ip_len, header_len, payload;
	uint32_t protocol;
	/* Not the hash of a stranger's choice alone: it is only a filter. */
	uint32_t hash;
	/* Whether it may be a segment of a super-packet. */
	bool is_mergeable;
};

/* Payload that was appended to a unit. */
struct piece {
	const uint8_t *bytes;
	uint32_t len;
	int32_t next;
};

/* A packet, or a super-packet under way. */
struct unit {
	uint8_t *first;
	uint32_t first_len;
	struct shape shape;
	/* Payload altogether; the first's is the size of a segment. */
	uint32_t payload;
	uint32_t count;
	int32_t first_piece, last_piece;
	bool is_closed;
};

/* The packets of one batch. */
struct coalescer {
	struct body *body;
	struct pump_activity *activity;
	uint32_t vnet_bytes;
	int32_t unit_count, piece_count, flow_count;
	/* The units that were last begun, of different flows; newest last. */
	int32_t flows[COALESCE_FLOWS];
	struct unit units[COALESCE_UNITS];
	struct piece pieces[COALESCE_PACKETS];
};

void coalesce_add(struct coalescer *coalescer, uint8_t *packet, uint32_t len);
void coalesce_flush(struct coalescer *coalescer);

#endif
