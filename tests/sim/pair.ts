/**
 * Two stations that know each other: `a` knows where `b` is, `b` learns where `a` is from the first
 * handshake, as with a client and a server.
 */
import { onTestFailed } from 'vitest';
import type { Prefix } from '../../src/ip.ts';
import type { PeerUpdate } from '../../src/wireguard/device.ts';
import { Network, type LinkOptions, type StationChoices } from './network.ts';
import type { Station } from './station.ts';

/** Two stations and what joins them. */
export interface Pair {
  readonly network: Network;
  readonly a: Station;
  readonly b: Station;
}

/** What is different about a pair. */
export interface PairOptions {
  readonly link?: Partial<LinkOptions>;
  readonly a?: StationChoices;
  readonly b?: StationChoices;
  /** What `a` configures for `b`, beyond key, endpoint and addresses. */
  readonly peerOfA?: Partial<PeerUpdate>;
  /** What `b` configures for `a`, beyond key and addresses. */
  readonly peerOfB?: Partial<PeerUpdate>;
}

/** Makes a network whose seed is printed if the test fails. */
export function makeNetwork(seed: number, link: Partial<LinkOptions> = {}): Network {
  onTestFailed(() => {
    console.error(`the seed was ${seed}`);
  });
  return new Network(seed, link);
}

/** Makes two stations that know each other. */
export function makePair(seed: number, options: PairOptions = {}): Pair {
  const network = makeNetwork(seed, options.link);
  const a = network.addStation(options.a);
  const b = network.addStation(options.b);
  addPeer(a, b, { endpoint: b.endpoint, ...options.peerOfA });
  addPeer(b, a, options.peerOfB);
  return { network, a, b };
}

/** As `makePair`, with a handshake done on the initiative of `a`, and `a`'s keypair confirmed. */
export function makeConnectedPair(seed: number, options: PairOptions = {}): Pair {
  const pair = makePair(seed, options);
  pair.a.connect();
  pair.network.advance(1000);
  if (pair.a.device.handshakesCompleted !== 1 || pair.b.device.handshakesCompleted !== 1) {
    throw new Error(`seed ${seed}: no handshake on a perfect link`);
  }
  return pair;
}

/** Tells a station about another one. */
export function addPeer(at: Station, peer: Station, update: Partial<PeerUpdate> = {}): void {
  at.configure({
    peers: [{ publicKey: peer.publicKey, allowedIPs: innerPrefixes(peer), ...update }],
  });
}

/** The inner addresses of a station as host prefixes. */
export function innerPrefixes(station: Station): readonly { readonly prefix: Prefix }[] {
  return [
    { prefix: { address: station.innerIPv4, length: 32 } },
    { prefix: { address: station.innerIPv6, length: 128 } },
  ];
}
