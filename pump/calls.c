/* SPDX-License-Identifier: MIT */
/*
 * calls.c - what the core decided, and what it sends; for the caller's thread
 *
 * A call first checks everything, then changes. What is taken out of a table is
 * made unreachable first and freed after epoch_synchronize(). tx may just be
 * promoting a keypair that is being removed: so it is looked for once more
 * after the first wait, when no promotion can find it any more.
 */
#include "pump.h"

#include "activity.h"
#include "descriptors.h"
#include "state.h"
#include "tx.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	/* Longest datagram or packet that the core makes itself. */
	CORE_BYTES_MAX = 2048,
	/* Of tx's queue, for promotions alone: a later one must not overtake. */
	PROMOTIONS_BYTES = 72 * 1024,
};

int pump_set_sockets(struct pump *pump, int udp4, int udp6)
{
	struct pump_endpoint endpoint;
	uint32_t i;

	if (pump->runs)
		return -EBUSY;
	pump->descriptors->udp[FAMILY4] = udp4;
	pump->descriptors->udp[FAMILY6] = udp6;
	for (i = 0; i < pump->config.peers_max; i++) {
		if (endpoint_version(&pump->peers[i].endpoint) == 0)
			continue;
		endpoint_read(&pump->peers[i].endpoint, &endpoint);
		endpoint.has_local = 0;
		endpoint.local_interface = 0;
		memset(endpoint.local, 0, sizeof(endpoint.local));
		endpoint_write(&pump->peers[i].endpoint, &endpoint);
	}
	return 0;
}

int pump_set_mtu(struct pump *pump, uint32_t mtu)
{
	if (mtu < 68 || mtu > PACKET_BYTES_MAX)
		return -EINVAL;
	atomic_store(&pump->mtu, mtu);
	return 0;
}

int pump_set_allowed_ips(struct pump *pump, const struct pump_prefix *prefixes,
			 uint32_t count)
{
	struct allowedips *table, *old;
	uint32_t i;

	for (i = 0; i < count; i++)
		if (prefixes[i].peer >= pump->config.peers_max ||
		    (prefixes[i].family != 4 && prefixes[i].family != 6) ||
		    prefixes[i].length > (prefixes[i].family == 4 ? 32 : 128))
			return -EINVAL;
	table = allowedips_build(prefixes, count);
	if (!table)
		return -ENOMEM;
	old = atomic_exchange(&pump->allowedips, table);
	epoch_synchronize(&pump->epoch);
	free(old);
	return 0;
}

int pump_peer_endpoint(struct pump *pump, uint32_t peer,
		       const struct pump_endpoint *endpoint)
{
	static const struct pump_endpoint nowhere;

	if (peer >= pump->config.peers_max ||
	    (endpoint->family != 0 && !endpoint_is_valid(endpoint)))
		return -EINVAL;
	pthread_mutex_lock(&pump->endpoints_lock);
	endpoint_write(&pump->peers[peer].endpoint, endpoint);
	endpoint_write(&pump->peers[peer].moved, &nowhere);
	pthread_mutex_unlock(&pump->endpoints_lock);
	return 0;
}

int pump_peer_moved(struct pump *pump, uint32_t peer,
		    struct pump_endpoint *endpoint)
{
	if (peer >= pump->config.peers_max)
		return -EINVAL;
	endpoint_read(&pump->peers[peer].moved, endpoint);
	return 0;
}

/**
 * remove_keypair() - Wipe a keypair
 * @pump:	Pump
 * @keypair:	One of its keypairs
 */
static void remove_keypair(struct pump *pump, struct keypair *keypair)
{
	struct peer *peer = &pump->peers[keypair->peer];
	struct keypair *expected = keypair;

	keypairs_take_out(&pump->keypairs, keypair);
	epoch_synchronize(&pump->epoch);
	if (atomic_compare_exchange_strong(&peer->current, &expected, NULL))
		epoch_synchronize(&pump->epoch);
	keypair_free(keypair);
}

int pump_peer_remove(struct pump *pump, uint32_t peer)
{
	static const struct pump_endpoint nowhere;
	struct keypair *keypair;

	if (peer >= pump->config.peers_max)
		return -EINVAL;
	while ((keypair = keypairs_of_peer(&pump->keypairs, peer)) != NULL)
		remove_keypair(pump, keypair);
	pump_peer_endpoint(pump, peer, &nowhere);
	activity_forget(&pump->activity->peers[peer]);
	return 0;
}

int pump_install(struct pump *pump, const struct pump_keypair *from)
{
	struct keypair *keypair;
	int failure;

	if (from->peer >= pump->config.peers_max)
		return -EINVAL;
	keypair = keypair_create(from, &pump->evp, 1 + pump->config.workers);
	if (!keypair)
		return -ENOMEM;
	failure = keypairs_insert(&pump->keypairs, keypair, &pump->epoch);
	if (failure)
		keypair_free(keypair);
	return failure;
}

/**
 * wake_tx() - Have tx look into its queue
 * @pump:	Pump
 */
static void wake_tx(const struct pump *pump)
{
	uint64_t one = 1;

	/* It fails only where tx is being woken already. */
	(void)!write(pump->wake_fd, &one, sizeof(one));
}

int pump_promote(struct pump *pump, uint32_t local_index)
{
	struct pump_message *message;

	if (!keypairs_lookup(&pump->keypairs, local_index))
		return -ENOENT;
	message = pump->runs ? queue_reserve(&pump->sends, 0) : NULL;
	if (!message) {
		/* A thousand wait already, and none of them may be lost. */
		tx_promote(pump, local_index);
		return 0;
	}
	message->kind = SEND_PROMOTION;
	message->index = local_index;
	queue_publish(&pump->sends, message, 0);
	wake_tx(pump);
	return 0;
}

int pump_stop_sending(struct pump *pump, uint32_t peer)
{
	if (peer >= pump->config.peers_max)
		return -EINVAL;
	keypairs_silence(&pump->keypairs, peer);
	return 0;
}

int pump_remove(struct pump *pump, uint32_t local_index)
{
	struct keypair *keypair = keypairs_lookup(&pump->keypairs, local_index);

	if (!keypair)
		return -ENOENT;
	remove_keypair(pump, keypair);
	return 0;
}

int pump_send(struct pump *pump, uint32_t peer, const void *packet,
	      uint32_t bytes)
{
	struct pump_message *message;

	if (peer >= pump->config.peers_max)
		return -EINVAL;
	if (bytes > PACKET_BYTES_MAX)
		return -EMSGSIZE;
	if (!pump->runs) {
		activity_drop(pump->activity, PUMP_UNSENT, 1);
		return -ENETDOWN;
	}
	message = queue_room(&pump->sends) < bytes + PROMOTIONS_BYTES
			  ? NULL
			  : queue_reserve(&pump->sends, bytes);
	if (!message) {
		activity_drop(pump->activity, PUMP_SENDS_FULL, 1);
		return -ENOBUFS;
	}
	message->kind = SEND_PACKET;
	message->peer = peer;
	if (bytes > 0)
		memcpy(message + 1, packet, bytes);
	queue_publish(&pump->sends, message, bytes);
	wake_tx(pump);
	return 0;
}

int pump_datagram(struct pump *pump, const struct pump_endpoint *to,
		  uint32_t tos, const void *datagram, uint32_t bytes)
{
	const uint8_t *reserved = reserved_of(pump);
	uint8_t copy[CORE_BYTES_MAX];
	int result;

	if (!endpoint_is_valid(to) || tos > 0xff || bytes < 4 ||
	    bytes > sizeof(copy))
		return -EINVAL;
	memcpy(copy, datagram, bytes);
	if (reserved)
		memcpy(copy + 1, reserved, 3);
	result = udp_send_one(pump->descriptors, to, (uint8_t)tos, copy, bytes);
	if (result < 0)
		activity_error(pump->activity->udp_send_errors, -result, 1);
	return result;
}

int pump_deliver(struct pump *pump, const void *packet, uint32_t bytes)
{
	static const uint8_t vnet[VNET_BYTES_MAX];
	struct iovec pieces[] = {
		{(void *)(uintptr_t)vnet, pump->config.vnet_header_bytes},
		{(void *)(uintptr_t)packet, bytes},
	};
	int result;

	if (bytes == 0 || bytes > CORE_BYTES_MAX)
		return -EINVAL;
	result = pump->body.calls->write_tun(pump->body.context, pieces, 2);
	if (result < 0)
		activity_error(pump->activity->tun_write_errors, -result, 1);
	return result;
}

int pump_take(struct pump *pump, void *buffer, uint32_t bytes)
{
	if (bytes < PUMP_TAKE_BYTES)
		return -EINVAL;
	return (int)handup_take(&pump->handup, buffer,
				bytes > INT32_MAX ? INT32_MAX : bytes);
}

int pump_watch(struct pump *pump)
{
	atomic_store(&pump->handup.is_watched, true);
	return 0;
}
