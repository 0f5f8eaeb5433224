/* SPDX-License-Identifier: MIT */
/* segment.h - what was read from the TUN, as packets */
#ifndef WG_WRAP_PUMP_SEGMENT_H
#define WG_WRAP_PUMP_SEGMENT_H

#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

/* Walks through the packets of one read. */
struct segmenter {
	const uint8_t *packet;
	/* Bytes of packet, of its IP header, and of all its headers. */
	uint32_t len, ip_len, header_len;
	/* Payload of a segment; 0 for a packet that is whole. */
	uint32_t size;
	uint32_t protocol;
	/* Sum of the pseudo-header, but for the length. */
	uint64_t pseudo;
	/* Where the payload of the next segment begins. */
	uint32_t at;
	uint32_t index;
	struct vnet_header vnet;
	bool is_done;
};

int segment_begin(struct segmenter *segmenter, const struct vnet_header *vnet,
		  const uint8_t *packet, uint32_t len);
uint32_t segment_length(const struct segmenter *segmenter);
void segment_next(struct segmenter *segmenter, uint8_t *out);
uint32_t segment_abandon(struct segmenter *segmenter);

#endif
