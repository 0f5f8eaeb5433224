/* SPDX-License-Identifier: MIT */
/*
 * route.c - where a packet of the TUN goes
 *
 * Destination → peer by the longest prefix of the allowed IPs; peer → endpoint,
 * and the keypair that is sent on. Whatever is missing is the core's business.
 */
#include "route.h"

#include "ip.h"

/**
 * route_to_peer() - Find endpoint and keypair of a peer
 * @pump:	Pump; the caller is tx, in the epoch
 * @now:	CLOCK_BOOTTIME in ms
 * @number:	Peer
 * @route:	Gets them
 * Returns false if there is no endpoint or no usable keypair.
 */
bool route_to_peer(struct pump *pump, uint64_t now, uint32_t number,
		   struct route *route)
{
	struct peer *peer = &pump->peers[number];

	route->peer = number;
	route->keypair = atomic_load(&peer->current);
	if (!route->keypair || !keypair_can_send(route->keypair, now))
		return false;
	route->version = endpoint_read(&peer->endpoint, &route->to);
	return route->to.family != 0;
}

/**
 * route_packet() - Find where a packet goes
 * @pump:	Pump; the caller is tx, in the epoch
 * @now:	CLOCK_BOOTTIME in ms
 * @packet:	Packet with a whole header
 * @version:	4 or 6
 * @route:	Gets it; the peer, or PUMP_NO_PEER, also where this fails
 */
bool route_packet(struct pump *pump, uint64_t now, const uint8_t *packet,
		  uint32_t version, struct route *route)
{
	const struct allowedips *table = atomic_load(&pump->allowedips);
	uint32_t peer =
		allowedips_lookup(table, ip_destination(packet), version);

	route->peer = peer;
	return peer != (uint32_t)PUMP_NO_PEER &&
	       route_to_peer(pump, now, peer, route);
}
