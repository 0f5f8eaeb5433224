/**
 * Why a packet or a datagram went no further. Every input that is not processed to its end adds one
 * to exactly one of these counters; nothing is logged and nothing throws, since a stranger can cause
 * most of them at will.
 *
 * The list is in the order of the packet's path: datagrams first, then packets of the tunnel device.
 */

export const DROP_REASONS = [
  // Any datagram.
  'deviceDown', // the device is down
  'malformed', // length, type or reserved bytes disagree (WP 5.4)
  // Initiations and responses.
  'noPrivateKey', // the device has no private key, so it can't answer a handshake
  'wrongMac1', // not made for our public key
  'cookieRequired', // under load, without a right mac2: answered with a cookie reply
  'rateLimited', // under load, with a right mac2, but its source sends too many
  'lowOrderPoint', // a Diffie-Hellman result of all zeros
  'unopenedInitiation', // the static key or the timestamp does not open
  'unknownPeer', // an initiation from a key that isn't configured
  'handshakeDisabled', // the peer's public key is a low-order point
  'replayedInitiation', // the timestamp isn't greater than the last one accepted
  'initiationFlood', // less than 20 ms after the last initiation of that peer
  'unexpectedResponse', // the handshake it answers is over
  'unopenedResponse', // most often a different preshared key
  // Cookie replies.
  'unexpectedCookie', // no mac1 is waiting for one
  'unopenedCookie', // not made for the mac1 last sent
  // Transport data; `unknownIndex` also counts responses and cookie replies.
  'unknownIndex', // no handshake or keypair has that receiver index
  'expired', // the keypair is older than REJECT_AFTER_TIME
  'counterExceeded', // a counter of REJECT_AFTER_MESSAGES or more
  'unauthentic', // the packet does not open
  'replayed', // seen before, or behind the window
  'notIp', // neither IPv4 nor IPv6 inside
  'truncatedHeader', // shorter than an IP header
  'wrongLength', // the IP length field exceeds what arrived, or is shorter than the header
  'wrongSource', // the inner source address isn't the sender's
  // Packets from the tunnel device.
  'outboundNotIp', // neither IPv4 nor IPv6, or shorter than its header
  'noPeer', // no peer has the destination among its allowed IPs
  'noEndpoint', // the peer's endpoint isn't known
  'noHandshake', // the peer can't be reached: no private key, or its public key is a low-order point
  'stagingFull', // the oldest staged packet made room, or there was no room to make
  'handshakeGivenUp', // staged until the handshake was given up or the device went down
] as const;

/** Why a packet or a datagram went no further. */
export type DropReason = (typeof DROP_REASONS)[number];

/** How many packets and datagrams were dropped, by reason. */
export type DropCounters = Record<DropReason, number>;

/** A set of counters that all stand at zero. */
export function createDropCounters(): DropCounters {
  return Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as DropCounters;
}
