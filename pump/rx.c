/* SPDX-License-Identifier: MIT */
/*
 * rx.c - UDP → TUN, in the order in which a datagram travels
 *
 *	receive		a batch; what came as one group is cut again
 *	type		1 to 3 of right length go up; the rest is transport data
 *	index		→ keypair, and its age
 *	open		in place, all of them, with the workers' help
 *	window		only now, and from here on one by one, in the order in
 *			which they came: a forged counter must not move it
 *	confirm		say so, once; the endpoint likewise
 *	what happened	the activity block
 *	check		version, length, source: this very peer's
 *	coalesce, write
 *
 * The order is that of consumeTransport in src/wireguard/device.ts, and so are
 * the reasons for drops: whoever sent the datagram is authentic from the window
 * on, whatever the packet inside is like.
 */
#include "rx.h"

#include "activity.h"
#include "coalesce.h"
#include "ip.h"
#include "message.h"
#include "state.h"
#include "workers.h"

#include <stdlib.h>

/* A datagram that goes on: a handshake message, or one to be opened. */
struct arrival {
	const struct receipt *receipt;
	uint8_t *datagram;
	uint32_t len;
	/* NULL for a handshake message, which has no job. */
	struct keypair *keypair;
};

struct rx {
	struct pump *pump;
	uint64_t now;
	bool has_received;
	/* Peer whose endpoint was compared with this receipt's, and when. */
	const struct receipt *compared_receipt;
	uint32_t compared_peer, compared_version;
	struct receipt receipts[BODY_RECEIPTS];
	/* In the order in which they came; each but handshakes has a job. */
	uint32_t arrival_count, job_count;
	struct arrival arrivals[WORKERS_JOBS];
	struct job jobs[WORKERS_JOBS];
	struct coalescer coalescer;
};

/**
 * rx_create() - Make what rx works with
 * @pump:	Its pump
 * Returns NULL without memory.
 */
struct rx *rx_create(struct pump *pump)
{
	struct rx *rx = calloc(1, sizeof(*rx));

	if (!rx)
		return NULL;
	rx->pump = pump;
	rx->coalescer.body = &pump->body;
	rx->coalescer.activity = pump->activity;
	rx->coalescer.vnet_bytes = pump->config.vnet_header_bytes;
	return rx;
}

/**
 * rx_free() - Free it
 * @rx:		Rx, of which no thread runs
 */
void rx_free(struct rx *rx)
{
	free(rx);
}

/**
 * drop() - Count a datagram that goes no further
 * @rx:		Rx
 * @reason:	Why
 */
static void drop(struct rx *rx, enum pump_drop reason)
{
	activity_drop(rx->pump->activity, reason, 1);
}

/**
 * notify() - Say something about a peer
 * @rx:		Rx
 * @notice:	Its bit, which stays if the message finds no room
 * @message:	Message
 * Until its bit was taken the reader has still to look, and sees this, too.
 */
static void notify(struct rx *rx, enum pump_notice notice,
		   const struct pump_message *message)
{
	struct pump *pump = rx->pump;

	if (!activity_set_bits(&pump->activity->peers[message->peer].notices,
			       notice))
		return;
	if (!handup_message(&pump->handup, EPOCH_RX, message, NULL, 0))
		drop(rx, PUMP_HANDSHAKES_FULL);
}

/**
 * compare_endpoint() - See whether an authentic datagram came from elsewhere
 * @rx:		Rx
 * @number:	Its peer
 * @receipt:	Where it came from
 * Another address of this host is remembered at once; another place of the peer
 * is the core's to decide, who is told where the peer was last. If it has been
 * back before the core heard of the other place, it was nowhere else.
 */
static void compare_endpoint(struct rx *rx, uint32_t number,
			     const struct receipt *receipt)
{
	static const struct pump_endpoint nowhere;
	const struct pump_endpoint *from = &receipt->from;
	struct pump_message message = {.kind = PUMP_MOVED, .peer = number};
	struct peer *peer = &rx->pump->peers[number];
	struct pump_endpoint known, told;
	bool tells = false;

	rx->compared_version = endpoint_read(&peer->endpoint, &known);
	rx->compared_receipt = receipt;
	rx->compared_peer = number;
	endpoint_read(&peer->moved, &told);
	if (told.family == 0 && memcmp(&known, from, sizeof(known)) == 0)
		return;
	pthread_mutex_lock(&rx->pump->endpoints_lock);
	endpoint_read(&peer->endpoint, &known);
	endpoint_read(&peer->moved, &told);
	if (!endpoint_same_remote(&known, from)) {
		tells = !endpoint_same_remote(&told, from);
		if (tells)
			endpoint_write(&peer->moved, from);
	} else {
		if (told.family != 0)
			endpoint_write(&peer->moved, &nowhere);
		if (from->has_local && memcmp(&known, from, sizeof(known)) != 0)
			endpoint_write(&peer->endpoint, from);
	}
	rx->compared_version = endpoint_version(&peer->endpoint);
	pthread_mutex_unlock(&rx->pump->endpoints_lock);
	message.from = *from;
	if (tells)
		notify(rx, PUMP_NOTICE_MOVED, &message);
}

/**
 * confirm() - The first authentic datagram proves that the peer has the keys
 * @rx:		Rx
 * @keypair:	Its keypair
 */
static void confirm(struct rx *rx, struct keypair *keypair)
{
	struct pump_message message = {.kind = PUMP_CONFIRMED,
				       .peer = keypair->peer,
				       .index = keypair->local_index};

	keypair->is_unconfirmed = false;
	activity_store(
		&rx->pump->activity->peers[keypair->peer].confirmed_index,
		keypair->local_index);
	notify(rx, PUMP_NOTICE_CONFIRMED, &message);
}

/**
 * deliver() - Check a packet, and take it for the TUN
 * @rx:		Rx
 * @packet:	Padded packet, not empty
 * @padded:	Its length
 * @peer:	Who sent it
 * @ecn:	Outer codepoint
 * Returns false if it was dropped.
 */
static bool deliver(struct rx *rx, uint8_t *packet, uint32_t padded,
		    uint32_t peer, uint8_t ecn)
{
	uint32_t version = ip_version(packet, padded), len;

	if (version == 0) {
		drop(rx, PUMP_NOT_IP);
		return false;
	}
	if (padded < ip_header_bytes(version)) {
		drop(rx, PUMP_TRUNCATED_HEADER);
		return false;
	}
	len = ip_claimed_length(packet);
	if (len < IPV4_HEADER_BYTES || len > padded) {
		drop(rx, PUMP_WRONG_LENGTH);
		return false;
	}
	if (allowedips_lookup(atomic_load(&rx->pump->allowedips),
			      ip_source(packet), version) != peer) {
		drop(rx, PUMP_WRONG_SOURCE);
		return false;
	}
	ip_apply_outer_ecn(packet, ecn);
	coalesce_add(&rx->coalescer, packet, len);
	return true;
}

/**
 * find_keypair() - Find the keypair of transport data
 * @rx:		Rx, in the epoch
 * @datagram:	Datagram of at least KEEPALIVE_BYTES
 * Returns the keypair, or NULL if the datagram was dropped.
 */
static struct keypair *find_keypair(struct rx *rx, const uint8_t *datagram)
{
	uint64_t counter = load64_le(datagram + 8);
	struct keypair *keypair =
		keypairs_lookup(&rx->pump->keypairs, load32_le(datagram + 4));
	enum pump_drop reason;

	if (!keypair)
		reason = PUMP_UNKNOWN_INDEX;
	else if (keypair_has_expired(keypair, rx->now))
		reason = PUMP_EXPIRED;
	else if (counter >= REJECT_AFTER_MESSAGES)
		reason = PUMP_COUNTER_EXCEEDED;
	else
		return keypair;
	drop(rx, reason);
	return NULL;
}

/**
 * take_opened() - Take transport data that was opened, or couldn't be
 * @rx:		Rx, in the epoch
 * @arrival:	Arrival
 * @job:	Its job
 */
static void take_opened(struct rx *rx, const struct arrival *arrival,
			const struct job *job)
{
	struct keypair *keypair = arrival->keypair;
	struct peer *peer = &rx->pump->peers[keypair->peer];
	struct pump_peer_activity *activity =
		&rx->pump->activity->peers[keypair->peer];
	uint32_t padded = arrival->len - KEEPALIVE_BYTES;

	if (!job->has_worked) {
		drop(rx, PUMP_UNAUTHENTIC);
		return;
	}
	if (!replay_accept(&keypair->window, job->counter)) {
		drop(rx, PUMP_REPLAYED);
		return;
	}
	if (keypair->is_unconfirmed)
		confirm(rx, keypair);
	if (rx->compared_receipt != arrival->receipt ||
	    rx->compared_peer != keypair->peer ||
	    rx->compared_version != endpoint_version(&peer->endpoint))
		compare_endpoint(rx, keypair->peer, arrival->receipt);
	rx->has_received = true;
	activity_received(activity, rx->now, padded);
	if (padded == 0 || deliver(rx, job->bytes, padded, keypair->peer,
				   arrival->receipt->ecn))
		activity_accepted(activity, padded, arrival->len);
}

/**
 * hand_up() - Hand a handshake message up
 * @rx:		Rx
 * @arrival:	Arrival
 */
static void hand_up(struct rx *rx, const struct arrival *arrival)
{
	struct pump_message message = {.kind = PUMP_HANDSHAKE,
				       .peer = (uint32_t)PUMP_NO_PEER,
				       .from = arrival->receipt->from};

	if (!handup_message(&rx->pump->handup, EPOCH_RX, &message,
			    arrival->datagram, arrival->len))
		drop(rx, PUMP_HANDSHAKES_FULL);
}

/**
 * settle() - Open what has arrived, and take it in order
 * @rx:		Rx, in the epoch
 */
static void settle(struct rx *rx)
{
	const struct arrival *arrival = rx->arrivals;
	const struct arrival *end = arrival + rx->arrival_count;
	const struct job *job = rx->jobs;

	workers_run(&rx->pump->openers, rx->jobs, rx->job_count);
	for (; arrival < end; arrival++) {
		if (arrival->keypair)
			take_opened(rx, arrival, job++);
		else
			hand_up(rx, arrival);
	}
	rx->arrival_count = rx->job_count = 0;
}

/**
 * take_datagram() - Take one datagram as far as it goes before it is opened
 * @rx:		Rx, in the epoch
 * @datagram:	Datagram
 * @len:	Its length
 * @receipt:	Where it came from, and how
 */
static void take_datagram(struct rx *rx, uint8_t *datagram, uint32_t len,
			  const struct receipt *receipt)
{
	struct arrival arrival = {receipt, datagram, len, NULL};
	struct pump *pump = rx->pump;
	uint32_t type;

	if (rx->arrival_count == WORKERS_JOBS)
		settle(rx);
	if (len < 4 || datagram[0] < TYPE_INITIATION ||
	    datagram[0] > TYPE_TRANSPORT)
		activity_add(&pump->activity->foreign, 1);
	message_clear_reserved(datagram, len, reserved_of(pump));
	type = message_type(datagram, len);
	if (type == 0) {
		drop(rx, PUMP_MALFORMED);
		return;
	}
	if (type == TYPE_TRANSPORT) {
		arrival.keypair = find_keypair(rx, datagram);
		if (!arrival.keypair)
			return;
		rx->jobs[rx->job_count++] = (struct job){
			.hands = arrival.keypair->opens,
			.counter = load64_le(datagram + 8),
			.bytes = datagram + TRANSPORT_HEADER_BYTES,
			.len = len - TRANSPORT_HEADER_BYTES,
		};
	}
	rx->arrivals[rx->arrival_count++] = arrival;
}

/**
 * take_receipt() - Take what one receive gave
 * @rx:		Rx, in the epoch
 * @receipt:	Receipt
 */
static void take_receipt(struct rx *rx, const struct receipt *receipt)
{
	uint32_t at = 0, len;
	uint32_t segment = receipt->segment ? receipt->segment : receipt->len;

	if (receipt->is_truncated) {
		drop(rx, PUMP_TRUNCATED);
		return;
	}
	if (receipt->len > segment)
		activity_add(&rx->pump->activity->udp_gro, 1);
	/* A datagram may be empty: that is one, too. */
	do {
		len = receipt->len - at;
		if (len > segment)
			len = segment;
		take_datagram(rx, receipt->bytes + at, len, receipt);
		activity_add(&rx->pump->activity->udp_datagrams_received, 1);
		at += len;
	} while (at < receipt->len);
}

/**
 * rx_step() - Do one batch
 * @rx:		Rx
 * Returns the number of receives.
 */
int rx_step(struct rx *rx)
{
	struct body *body = &rx->pump->body;
	struct epoch *epoch = &rx->pump->epoch;
	int count, i;

	count = body->calls->receive(body->context, rx->receipts);
	if (count == 0)
		return 0;
	rx->now = body->calls->now(body->context);
	rx->has_received = false;
	rx->compared_receipt = NULL;
	epoch_enter(epoch, EPOCH_RX);
	for (i = 0; i < count; i++)
		take_receipt(rx, &rx->receipts[i]);
	settle(rx);
	epoch_leave(epoch, EPOCH_RX);
	coalesce_flush(&rx->coalescer);
	if (rx->has_received)
		handup_active(&rx->pump->handup, EPOCH_RX);
	return count;
}
