/**
 * What is sealed, opened and delivered, with a bare peer on the other side that sends what no device
 * would send.
 */
import { describe, expect, test } from 'vitest';
import { writeUint16BE } from '../../src/bytes.ts';
import type { BareKeypair } from './bare-peer.ts';
import { addBareStation, type BareStation } from './bare-station.ts';
import { makeInnerPacket } from './inner-packet.ts';
import type { Network } from './network.ts';
import { addPeer, makeConnectedPair, makeNetwork, makePair } from './pair.ts';
import type { Station } from './station.ts';

/** A station with a bare peer, and a keypair that the bare peer derived as the initiator. */
interface Target {
  readonly network: Network;
  readonly station: Station;
  readonly bare: BareStation;
  readonly keypair: BareKeypair;
}

const WINDOW_SIZE = 8_128;
const REJECT_AFTER_MESSAGES = 2 ** 53 - 2 ** 13 - 1;

function makeTarget(seed: number): Target {
  const network = makeNetwork(seed);
  const station = network.addStation();
  const bare = addBareStation(network, station);
  return { network, station, bare, keypair: bare.handshake() };
}

/** Sends a packet of the ledger under a counter; tells whether it came out. */
function sendUnder(target: Target, counter: bigint | number): boolean {
  const { network, station, bare, keypair } = target;
  const entry = network.ledger.issue(bare, station, { size: 64 });
  bare.send(keypair.seal(counter, entry.packet));
  return network.ledger.isDelivered(entry.id);
}

test('counter 0 of every keypair is accepted', () => {
  const { network, a, b } = makeConnectedPair(40);
  for (let round = 1; round <= 5; round++) {
    // Nothing that a sends is staged, so b's first packet is counter 0 of each keypair.
    const fromB = b.send(a);
    network.advance(1_000);
    expect(network.ledger.isDelivered(fromB), `round ${round}`).toBe(true);
    network.advance(185_000);
    // The keypair is too old, so this packet is staged and becomes counter 0.
    const fromA = a.send(b);
    network.advance(1_000);
    expect(network.ledger.isDelivered(fromA), `round ${round}`).toBe(true);
  }
  expect(a.device.handshakesCompleted).toBe(6);
});

test('8,128 late is accepted once, 8,129 late never; a forged counter moves nothing', () => {
  const target = makeTarget(41);
  const { station, bare, keypair } = target;
  const highest = 20_000;
  expect(sendUnder(target, highest)).toBe(true);
  expect(sendUnder(target, highest - WINDOW_SIZE)).toBe(true);
  expect(sendUnder(target, highest - WINDOW_SIZE), 'a second time').toBe(false);
  expect(sendUnder(target, highest - WINDOW_SIZE - 1), 'behind the window').toBe(false);
  expect(sendUnder(target, highest), 'the highest again').toBe(false);
  expect(station.drops('replayed')).toBe(3);

  const forged = keypair.seal(highest + 1_000_000, new Uint8Array(32));
  forged[forged.length - 1] ^= 1;
  bare.send(forged);
  expect(station.drops('unauthentic')).toBe(1);
  expect(sendUnder(target, highest + 1)).toBe(true);
  expect(sendUnder(target, highest - WINDOW_SIZE + 1), 'still inside').toBe(true);
});

test('every counter inside the window is accepted once, in any order', () => {
  const target = makeTarget(42);
  const counters = Array.from({ length: 300 }, () => target.network.random.below(4_000));
  const seen = new Set<number>();
  for (const counter of counters) {
    expect(sendUnder(target, counter), `counter ${counter}`).toBe(!seen.has(counter));
    seen.add(counter);
  }
});

test('counters beyond 32 bits are counters, those at the limit are none', () => {
  const target = makeTarget(43);
  expect(sendUnder(target, 5)).toBe(true);
  expect(sendUnder(target, 2 ** 32 + 5)).toBe(true);
  expect(sendUnder(target, REJECT_AFTER_MESSAGES - 1)).toBe(true);
  expect(sendUnder(target, REJECT_AFTER_MESSAGES)).toBe(false);
  expect(sendUnder(target, 2n ** 64n - 1n)).toBe(false);
  expect(target.station.drops('counterExceeded')).toBe(2);
});

test("a source inside another peer's longer prefix is refused", () => {
  const network = makeNetwork(44);
  const station = network.addStation();
  const wide = addBareStation(network, station, { name: 'wide' });
  const narrow = addBareStation(network, station, { name: 'narrow', endpoint: '198.51.100.2:1' });
  const prefixes: readonly [BareStation, Uint8Array, number][] = [
    [wide, Uint8Array.of(10, 0, 0, 0), 8],
    [narrow, Uint8Array.of(10, 1, 0, 0), 16],
    [wide, Uint8Array.of(0xfd, 0x10, ...new Uint8Array(14)), 16],
    [narrow, Uint8Array.of(0xfd, 0x10, 0, 1, ...new Uint8Array(12)), 32],
  ];
  for (const [{ peer }, address, length] of prefixes) {
    const allowedIPs = [{ prefix: { address, length } }];
    station.configure({ peers: [{ publicKey: peer.publicKey, allowedIPs }] });
  }
  const keypairs = new Map([wide, narrow].map((bare) => [bare, bare.handshake()]));
  const from = (bare: BareStation, counter: number, innerIPv4: Uint8Array): boolean => {
    const innerIPv6 = Uint8Array.of(0xfd, 0x10, 0, innerIPv4[1], ...new Uint8Array(12).fill(9));
    const party = { name: bare.name, innerIPv4, innerIPv6 };
    const delivered = ([4, 6] as const).map((family) => {
      const entry = network.ledger.issue(party, station, { family });
      const sealed = keypairs.get(bare)?.seal(2 * counter + (family === 6 ? 1 : 0), entry.packet);
      if (sealed) bare.send(sealed);
      return network.ledger.isDelivered(entry.id);
    });
    expect(delivered[0], 'both families alike').toBe(delivered[1]);
    return delivered[0];
  };
  expect(from(wide, 0, Uint8Array.of(10, 2, 3, 4))).toBe(true);
  expect(from(wide, 1, Uint8Array.of(10, 1, 3, 4)), 'the narrow prefix is longer').toBe(false);
  expect(from(narrow, 0, Uint8Array.of(10, 1, 3, 4))).toBe(true);
  expect(from(narrow, 1, Uint8Array.of(10, 2, 3, 4)), 'not its prefix at all').toBe(false);
  expect(station.drops('wrongSource')).toBe(4);
});

test('a packet with a wrong source is authentic all the same: it moves the endpoint', () => {
  const { network, station, bare, keypair } = makeTarget(45);
  bare.moveTo('203.0.113.9:9');
  const stranger = { name: 'x', innerIPv4: Uint8Array.of(9, 9, 9, 9), innerIPv6: bare.innerIPv6 };
  bare.send(keypair.seal(0, network.ledger.issue(stranger, station).packet));
  expect(station.drops('wrongSource')).toBe(1);
  expect(station.status().peers[0].endpoint?.toString()).toBe('203.0.113.9:9');
});

describe('plaintext lengths on the wire are multiples of 16, except at the MTU', () => {
  test.each([576, 1280, 1400, 1420])('with an MTU of %i', (mtu) => {
    const { network, a, b } = makePair(46, { a: { mtu }, b: { mtu } });
    a.connect();
    network.advance(100);
    for (let size = 24; size <= mtu; size += size < mtu - 40 ? 37 : 1) {
      const id = a.send(b, { size });
      network.advance(10);
      const plaintextBytes = network.eavesdropper.last({ sender: 'a' }).datagram.length - 32;
      expect(plaintextBytes, `${size} bytes`).toBe(Math.min(mtu, Math.ceil(size / 16) * 16));
      expect(network.ledger.isDelivered(id), `${size} bytes`).toBe(true);
    }
  });

  test('and a packet longer than the MTU is padded as its remainder', () => {
    const { network, a, b } = makePair(47, { a: { mtu: 1420 } });
    a.connect();
    network.advance(100);
    for (const [size, expected] of [
      [1421, 1420 + 16],
      [1436, 1420 + 16],
      [1437, 1420 + 32],
      [2840, 2840],
      [2839, 2840],
    ]) {
      const id = a.send(b, { size });
      network.advance(10);
      expect(network.eavesdropper.last({ sender: 'a' }).datagram.length - 32).toBe(expected);
      expect(network.ledger.isDelivered(id)).toBe(true);
    }
  });
});

test('an IPv6 length near 65,535 is refused', () => {
  const { network, station, bare, keypair } = makeTarget(48);
  let counter = 0;
  // 40 + 65,496 is zero in 16 bits, and 40 + 65,535 is 39.
  for (let payloadBytes = 65_440; payloadBytes <= 65_535; payloadBytes++) {
    const { packet } = network.ledger.issue(bare, station, { family: 6, size: 96 });
    writeUint16BE(packet, 4, payloadBytes);
    bare.send(keypair.seal(counter++, packet));
  }
  expect(station.drops('wrongLength')).toBe(96);
});

test('length fields that lie are refused, and padding is cut off', () => {
  const { network, station, bare, keypair } = makeTarget(49);
  const short = makeInnerPacket(0, bare.innerIPv4, station.innerIPv4, 64);
  writeUint16BE(short, 2, 19);
  bare.send(keypair.seal(0, short));
  const long = makeInnerPacket(0, bare.innerIPv4, station.innerIPv4, 64);
  writeUint16BE(long, 2, 65);
  bare.send(keypair.seal(1, long));
  expect(station.drops('wrongLength')).toBe(2);
  bare.send(keypair.seal(2, Uint8Array.of(0x45, 0, 0, 20)));
  expect(station.drops('truncatedHeader')).toBe(1);
  bare.send(keypair.seal(3, new Uint8Array(64).fill(0x55)));
  expect(station.drops('notIp')).toBe(1);

  const padded = network.ledger.issue(bare, station, { size: 65 });
  const plaintext = new Uint8Array(160);
  plaintext.set(padded.packet);
  bare.send(keypair.seal(4, plaintext));
  expect(network.ledger.isDelivered(padded.id)).toBe(true);
  const unpadded = network.ledger.issue(bare, station, { size: 65 });
  bare.send(keypair.seal(5, unpadded.packet));
  expect(network.ledger.isDelivered(unpadded.id), 'length 65, no multiple of 16').toBe(true);
});

test('an oversized datagram is one drop, and the next one is received', () => {
  const target = makeTarget(50);
  const { station, bare, keypair } = target;
  const before = station.drops();
  bare.send(keypair.seal(0).slice(0, 31));
  bare.send(new Uint8Array(70_000).fill(4));
  bare.send(new Uint8Array(0));
  expect(station.drops() - before).toBe(3);
  expect(sendUnder(target, 1)).toBe(true);
});

test('a destination that nobody has is answered at once, and nothing waits for it', () => {
  const network = makeNetwork(51);
  const a = network.addStation();
  const b = network.addStation();
  const before = a.device.nextTimeout();
  a.send(b);
  a.send(b, { family: 6 });
  addPeer(a, b);
  a.send(b);
  expect(a.drops('noPeer')).toBe(2);
  expect(a.drops('noEndpoint')).toBe(1);
  expect(a.staged()).toBe(0);
  expect(a.device.nextTimeout()).toBe(before);
  expect(a.unreachables.map((packet) => packet[0] >>> 4)).toEqual([4, 6, 4]);
  // From the original destination, to the original source.
  expect(a.unreachables[0].slice(12, 20)).toEqual(Uint8Array.of(...b.innerIPv4, ...a.innerIPv4));
  expect(network.eavesdropper.seen()).toEqual([]);
});
