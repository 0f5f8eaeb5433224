/* SPDX-License-Identifier: MIT */
/*
 * tx.c - TUN → UDP, in the order in which a packet travels
 *
 *	read	a batch of packets and super-packets
 *	route	destination → peer → endpoint and usable keypair, or hand up
 *	cut	a super-packet into its packets, each behind the last in the arena
 *	head	counter, padding, header
 *	group	equal datagrams for one endpoint; a shorter one ends a group
 *	seal	AEAD in place, all of them, with the workers' help
 *	send	all groups, outside of the epoch: it may have to wait
 *
 * What the core sends down comes first, so that what was staged goes out before
 * a packet that came later. A super-packet whose datagrams don't fit the arena
 * is routed again after the arena was sent: its keypair may be gone by then.
 */
#include "tx.h"

#include "activity.h"
#include "ip.h"
#include "route.h"
#include "segment.h"
#include "state.h"
#include "workers.h"

#include <stddef.h>
#include <stdlib.h>

enum {
	/* Two of the longest datagrams, and then some. */
	ARENA_BYTES = 144 * 1024,
	/* From here on what is there is sent: the receiver has work to do. A
	 * super-packet of a TUN with a fitting gso_max_size is one group. */
	ARENA_ENOUGH = DATAGRAM_BYTES_MAX,
	OVERHEAD_BYTES = TRANSPORT_HEADER_BYTES + TAG_BYTES,
};

struct tx {
	struct pump *pump;
	uint64_t now;
	bool has_sent;
	uint32_t used;
	/* Headed, and not yet sealed. */
	uint32_t job_count;
	/* Whether one could not be sealed. */
	bool has_failed;
	int group_count;
	struct group groups[BODY_GROUPS];
	struct frame frames[BODY_FRAMES];
	struct job jobs[WORKERS_JOBS];
	_Alignas(64) uint8_t arena[ARENA_BYTES];
};

/**
 * tx_create() - Make what tx works with
 * @pump:	Its pump
 * Returns NULL without memory.
 */
struct tx *tx_create(struct pump *pump)
{
	struct tx *tx = aligned_alloc(64, (sizeof(*tx) + 63) & ~(size_t)63);

	if (!tx)
		return NULL;
	memset(tx, 0, offsetof(struct tx, arena));
	tx->pump = pump;
	return tx;
}

/**
 * tx_free() - Free it
 * @tx:		Tx, of which no thread runs
 */
void tx_free(struct tx *tx)
{
	free(tx);
}

/**
 * tx_promote() - Let a keypair be the one that is sent on
 * @pump:	Pump; the caller is in the epoch, or the caller's thread
 * @local_index: Index of the keypair, which may be gone
 */
void tx_promote(struct pump *pump, uint32_t local_index)
{
	struct keypair *keypair = keypairs_lookup(&pump->keypairs, local_index);
	struct pump_peer_activity *activity;

	if (!keypair)
		return;
	activity = &pump->activity->peers[keypair->peer];
	activity_store(&activity->sending_index, local_index);
	activity_store(&activity->next_counter, keypair_next_counter(keypair));
	atomic_store(&pump->peers[keypair->peer].current, keypair);
}

/**
 * leave() - Seal what is headed, and leave the epoch
 * @tx:		Tx, in the epoch
 */
static void leave(struct tx *tx)
{
	uint32_t i;

	workers_run(&tx->pump->sealers, tx->jobs, tx->job_count);
	for (i = 0; i < tx->job_count; i++)
		tx->has_failed = tx->has_failed || !tx->jobs[i].has_worked;
	tx->job_count = 0;
	epoch_leave(&tx->pump->epoch, EPOCH_TX);
}

/**
 * flush() - Send what was sealed
 * @tx:		Tx, outside of the epoch
 * A cipher that fails does so for all. What might not be sealed isn't sent.
 */
static void flush(struct tx *tx)
{
	struct body *body = &tx->pump->body;
	int i;

	for (i = 0; tx->has_failed && i < tx->group_count; i++)
		activity_drop(tx->pump->activity, PUMP_UNSEALED,
			      tx->groups[i].count);
	if (!tx->has_failed && tx->group_count > 0)
		body->calls->send(body->context, tx->groups, tx->group_count,
				  tx->now);
	tx->has_failed = false;
	tx->group_count = 0;
	tx->used = 0;
}

/**
 * group_takes() - Whether a datagram may go behind the last one of a group
 * @tx:		Tx
 * @group:	Last group
 * @route:	Where the datagram goes
 * @len:	Its length
 * @tos:	Its outer class
 */
static bool group_takes(const struct tx *tx, const struct group *group,
			const struct route *route, uint32_t len, uint8_t tos)
{
	const struct body *body = &tx->pump->body;

	if (!(route->to.family == 4 ? body->groups4 : body->groups6))
		return false;
	return group->peer == route->peer && group->version == route->version &&
	       group->tos == tos && group->count < BODY_SEGMENTS &&
	       group->len == group->segment * group->count &&
	       len <= group->segment && group->len + len <= DATAGRAM_BYTES_MAX;
}

/**
 * group_add() - Take a datagram at the end of the arena
 * @tx:		Tx, with room for a group
 * @route:	Where it goes
 * @len:	Its length
 * @tos:	Its outer class
 */
static void group_add(struct tx *tx, const struct route *route, uint32_t len,
		      uint8_t tos)
{
	struct group *group =
		tx->group_count > 0 ? &tx->groups[tx->group_count - 1] : NULL;

	if (group && group_takes(tx, group, route, len, tos)) {
		group->len += len;
		group->count++;
	} else {
		tx->groups[tx->group_count++] = (struct group){
			.to = route->to,
			.version = route->version,
			.peer = route->peer,
			.bytes = tx->arena + tx->used,
			.len = len,
			.segment = len,
			.count = 1,
			.tos = tos,
		};
	}
	tx->used += len;
}

/**
 * head() - Make a datagram, but for its sealing, of the packet in its place
 * @tx:		Tx, in the epoch, with room
 * @route:	Where it goes; its keypair can send
 * @len:	Of the packet; 0 for a keepalive
 */
static void head(struct tx *tx, const struct route *route, uint32_t len)
{
	struct pump *pump = tx->pump;
	struct pump_peer_activity *activity =
		&pump->activity->peers[route->peer];
	struct keypair *keypair = route->keypair;
	uint8_t *datagram = tx->arena + tx->used;
	uint8_t *packet = datagram + TRANSPORT_HEADER_BYTES;
	const uint8_t *reserved = reserved_of(pump);
	uint8_t tos = ip_outer_ecn(packet, len);
	uint64_t counter = keypair_next_counter(keypair);
	uint32_t padding = ip_padding(
		len, atomic_load_explicit(&pump->mtu, memory_order_relaxed));

	/* By no other thread: so there is nothing to add atomically. */
	atomic_store_explicit(&keypair->next_counter, counter + 1,
			      memory_order_relaxed);
	activity_store(&activity->next_counter, counter + 1);
	memset(packet + len, 0, padding);
	store32_le(datagram, TYPE_TRANSPORT);
	if (reserved)
		memcpy(datagram + 1, reserved, 3);
	store32_le(datagram + 4, keypair->remote_index);
	store64_le(datagram + 8, counter);
	tx->jobs[tx->job_count++] = (struct job){.hands = keypair->seals,
						 .counter = counter,
						 .bytes = packet,
						 .len = len + padding};
	tx->has_sent = true;
	activity_sent(activity, tx->now, len, len + padding + OVERHEAD_BYTES);
	group_add(tx, route, len + padding + OVERHEAD_BYTES, tos);
}

/**
 * has_room() - Whether a packet could be taken without sending first
 * @tx:		Tx
 * @len:	Of the packet
 */
static bool has_room(const struct tx *tx, uint32_t len)
{
	return tx->group_count < BODY_GROUPS && tx->job_count < WORKERS_JOBS &&
	       tx->used < ARENA_ENOUGH &&
	       tx->used + len + PADDING_MULTIPLE + OVERHEAD_BYTES <=
		       ARENA_BYTES;
}

/**
 * hand_up() - Hand the packets of a frame up
 * @tx:		Tx
 * @peer:	Whose they would be, or PUMP_NO_PEER
 * @segmenter:	What is left of the frame; nothing afterwards
 */
static void hand_up(struct tx *tx, uint32_t peer, struct segmenter *segmenter)
{
	struct pump_message *message;
	uint32_t len;

	while ((len = segment_length(segmenter)) > 0) {
		message = handup_reserve(&tx->pump->handup, EPOCH_TX, len);
		if (!message)
			break;
		message->kind = PUMP_PACKET;
		message->peer = peer;
		segment_next(segmenter, (uint8_t *)(message + 1));
		handup_publish(&tx->pump->handup, EPOCH_TX, message, len);
	}
	activity_drop(tx->pump->activity, PUMP_PACKETS_FULL,
		      segment_abandon(segmenter));
}

/**
 * cut_frame() - Take packets of a frame until it ends or the arena is full
 * @tx:		Tx, in the epoch
 * @segmenter:	What is left of the frame
 * @version:	4 or 6
 */
static void cut_frame(struct tx *tx, struct segmenter *segmenter,
		      uint32_t version)
{
	struct route route;
	uint32_t len;

	if (!route_packet(tx->pump, tx->now, segmenter->packet, version,
			  &route)) {
		hand_up(tx, route.peer, segmenter);
		return;
	}
	while ((len = segment_length(segmenter)) > 0 && has_room(tx, len)) {
		if (!keypair_can_send(route.keypair, tx->now)) {
			hand_up(tx, route.peer, segmenter);
			return;
		}
		segment_next(segmenter,
			     tx->arena + tx->used + TRANSPORT_HEADER_BYTES);
		head(tx, &route, len);
	}
}

/**
 * take_frame() - Take what one read gave
 * @tx:		Tx, in the epoch
 * @frame:	Frame
 */
static void take_frame(struct tx *tx, const struct frame *frame)
{
	struct pump *pump = tx->pump;
	uint32_t version = ip_version(frame->packet, frame->len);
	struct segmenter segmenter;

	if (version == 0 || frame->len < ip_header_bytes(version)) {
		activity_drop(pump->activity, PUMP_OUTBOUND_NOT_IP, 1);
		return;
	}
	if (segment_begin(&segmenter, &frame->vnet, frame->packet,
			  frame->len) != 0) {
		activity_drop(pump->activity, PUMP_BAD_SUPER_PACKET, 1);
		return;
	}
	if (segmenter.size > 0)
		activity_add(&pump->activity->tun_super_packets, 1);
	while (segment_length(&segmenter) > 0) {
		if (!has_room(tx, segment_length(&segmenter))) {
			leave(tx);
			flush(tx);
			epoch_enter(&pump->epoch, EPOCH_TX);
		}
		cut_frame(tx, &segmenter, version);
	}
}

/**
 * send_down() - Take a packet that the core sent down
 * @tx:		Tx, in the epoch, with room
 * @message:	Peer and packet
 */
static void send_down(struct tx *tx, const struct pump_message *message)
{
	struct pump_message header = {.kind = PUMP_PACKET,
				      .peer = message->peer};
	uint32_t len = message->payload_bytes;
	struct route route;

	if (route_to_peer(tx->pump, tx->now, message->peer, &route)) {
		memcpy(tx->arena + tx->used + TRANSPORT_HEADER_BYTES,
		       message + 1, len);
		head(tx, &route, len);
		return;
	}
	/* The core stages a packet, and makes a handshake. */
	if (len == 0)
		activity_drop(tx->pump->activity, PUMP_UNSENT, 1);
	else if (!handup_message(&tx->pump->handup, EPOCH_TX, &header,
				 message + 1, len))
		activity_drop(tx->pump->activity, PUMP_PACKETS_FULL, 1);
}

/**
 * drain_sends() - Do what the core asked for, in order
 * @tx:		Tx
 */
static void drain_sends(struct tx *tx)
{
	struct pump *pump = tx->pump;
	const struct pump_message *message;

	while ((message = queue_peek(&pump->sends)) != NULL) {
		if (!has_room(tx, message->payload_bytes))
			flush(tx);
		epoch_enter(&pump->epoch, EPOCH_TX);
		if (message->kind == SEND_PROMOTION)
			tx_promote(pump, message->index);
		else
			send_down(tx, message);
		leave(tx);
		queue_pop(&pump->sends, message);
	}
}

/**
 * tx_step() - Do one batch
 * @tx:		Tx
 * @reads_tun:	Whether there is a TUN still
 * Returns the number of frames read, or the negative errno of reading the TUN.
 */
int tx_step(struct tx *tx, bool reads_tun)
{
	struct body *body = &tx->pump->body;
	int count = 0, i;

	tx->now = body->calls->now(body->context);
	tx->has_sent = false;
	drain_sends(tx);
	if (reads_tun)
		count = body->calls->read_tun(body->context, tx->frames);
	epoch_enter(&tx->pump->epoch, EPOCH_TX);
	for (i = 0; i < count; i++)
		take_frame(tx, &tx->frames[i]);
	leave(tx);
	flush(tx);
	if (tx->has_sent)
		handup_active(&tx->pump->handup, EPOCH_TX);
	return count;
}
