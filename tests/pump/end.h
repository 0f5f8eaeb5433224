/* SPDX-License-Identifier: MIT */
/*
 * end.h - one end of a tunnel between memory and memory, and packets for it
 *
 * Each end has a pump with one or more peers. The keys of a generation are made
 * from its number, so that either end, and a test, can make them.
 */
#ifndef WG_WRAP_TEST_END_H
#define WG_WRAP_TEST_END_H

#include "aead.h"
#include "pump.h"
#include "ring.h"
#include "wire.h"

#include <stdbool.h>

enum { END_PEERS = 4, END_MTU = 1420, BIRTH_MS = 1000000 };

struct end {
	struct pump *pump;
	struct pump_activity *activity;
	/* 0 or 1. */
	unsigned int side;
	/* Room for what is taken. */
	uint8_t *buffer;
};

/* A flow of TCP or UDP, with what its next packet has. */
struct flow {
	bool is_v6, is_udp, has_timestamps, may_fragment;
	uint16_t port;
	uint32_t sequence, acknowledgement;
	uint16_t id;
	uint8_t flags, ecn;
	/* Added to what they are at first. */
	uint8_t ttl, window, timestamp;
};

bool load_openssl(void);
unsigned int next_random(void);

void end_open(struct end *end, unsigned int side, uint32_t without);
void end_open_with(struct end *end, unsigned int side, uint32_t without,
		   uint32_t workers);
void end_close(struct end *end);
struct pump_endpoint end_place(unsigned int side);
/* Accepts on the keys of a generation, for a peer. */
void end_install(struct end *end, uint32_t peer, uint32_t generation,
		 bool unconfirmed);
void end_install_at(struct end *end, uint32_t peer, uint32_t generation,
		    bool unconfirmed, uint64_t birth_ms);
uint32_t end_index(unsigned int side, uint32_t generation);
/* Both, for both ends, with everything allowed. */
void ends_connect(struct end ends[2], uint32_t generation);
void end_allow_all(struct end *end, uint32_t peer);

/* The next output or message; NULL if there is none. Valid until the next. */
const struct ring_output *end_output(struct end *end);
const struct pump_message *end_message(struct end *end);
int end_count_outputs(struct end *end, uint32_t kind);

/* Seals as the other side would: a whole datagram to this one. */
uint32_t craft(struct end *to, uint32_t generation, uint64_t counter,
	       const void *packet, uint32_t len, uint8_t *datagram);
void end_give(struct end *end, const void *datagram, uint32_t len);

/* Makes a frame of 10 bytes of virtio_net_hdr and a packet; size 0 is whole. */
uint32_t make_frame(struct flow *flow, uint8_t *frame, uint32_t payload,
		    uint32_t size);

#endif
