/* SPDX-License-Identifier: MIT */
/*
 * ring.h - a pump between memory and memory, with a clock that is set
 *
 * For tests: the same steps as in the threads, done when they are asked for, in
 * the thread that asks. A pump is opened with -1 for its descriptors, attached,
 * and given input; what comes out is taken. Nothing of this is in libwgpump.so.
 */
#ifndef WG_WRAP_PUMP_RING_H
#define WG_WRAP_PUMP_RING_H

#include "pump.h"

#include <assert.h>
#include <stdint.h>

enum ring_output_kind {
	/* Datagrams to an endpoint: to, tos, segment. */
	RING_DATAGRAMS = 1,
	/* virtio_net_hdr and packet for the TUN. */
	RING_PACKET = 2,
};

struct ring_output {
	/* With this header and with padding to a multiple of 8. */
	uint32_t bytes;
	/* enum ring_output_kind */
	uint32_t kind;
	struct pump_endpoint to;
	uint32_t tos;
	/* Length of each datagram but the last. */
	uint32_t segment;
	uint32_t payload_bytes;
	uint32_t unused;
};
static_assert(sizeof(struct ring_output) == 72, "read by TypeScript");

/**
 * ring_attach() - Let a pump that doesn't run work in memory
 * @pump:	Pump
 * All that offloads allow is in use, but for what its config is without.
 */
PUMP_API int ring_attach(struct pump *pump);

/**
 * ring_detach() - Free what ring_attach() made; before pump_close()
 * @pump:	Pump
 */
PUMP_API int ring_detach(struct pump *pump);

/**
 * ring_set_clock() - Say what time it is
 * @pump:	Pump
 * @now_ms:	As if CLOCK_BOOTTIME were that, in ms
 */
PUMP_API int ring_set_clock(struct pump *pump, uint64_t now_ms);

/**
 * ring_give_packet() - Put a packet where the TUN is read
 * @pump:	Pump
 * @frame:	virtio_net_hdr, if the pump has one, and packet
 * @bytes:	Their length
 * -ENOBUFS: a step has to be done first.
 */
PUMP_API int ring_give_packet(struct pump *pump, const void *frame,
			      uint32_t bytes);

/**
 * ring_give_datagrams() - Put datagrams where the socket is read
 * @pump:	Pump
 * @from:	Where from
 * @ecn:	Outer codepoint
 * @segment:	Length of each but the last
 * @datagrams:	Datagrams, one behind the other
 * @bytes:	Their length
 * -ENOBUFS: a step has to be done first.
 */
PUMP_API int ring_give_datagrams(struct pump *pump,
				 const struct pump_endpoint *from, uint32_t ecn,
				 uint32_t segment, const void *datagrams,
				 uint32_t bytes);

/**
 * ring_step() - Do a batch of tx, and one of rx
 * @pump:	Pump
 */
PUMP_API int ring_step(struct pump *pump);

/**
 * ring_take() - Take the oldest output
 * @pump:	Pump
 * @buffer:	Gets one struct ring_output and what belongs to it
 * @bytes:	Its size, at least PUMP_TAKE_BYTES
 * Returns the number of bytes written; 0 if there is none.
 */
PUMP_API int ring_take(struct pump *pump, void *buffer, uint32_t bytes);

#endif
