/**
 * Receiver indices are all that a stranger sees of a session: they come and go with its keys, and say
 * nothing about each other.
 */
import { expect, test } from 'vitest';
import { readUint32LE } from '../../src/bytes.ts';
import { makeConnectedPair } from './pair.ts';

const REKEYS = 60;

test('sixty rekeys leave at most four indices a peer, and no pattern in them', () => {
  const { network, a, b } = makeConnectedPair(95);
  for (let i = 0; i < REKEYS; i++) {
    network.advance(120_000);
    a.send(b);
    network.advance(1_000);
    b.send(a);
    network.advance(100);
  }
  expect(a.device.handshakesCompleted).toBe(REKEYS + 1);
  for (const [station, peer] of [
    [a, b],
    [b, a],
  ]) {
    // Whatever was ever sent comes again: only a live index has more to say than "unknown".
    const { length: before } = network.eavesdropper.seen();
    const unknownBefore = station.drops('unknownIndex');
    const byIndex = new Map<number, Uint8Array>();
    for (const { datagram, kind } of network.eavesdropper.seen({ sender: peer.name })) {
      if (kind === 'data' || kind === 'keepalive') byIndex.set(readUint32LE(datagram, 4), datagram);
    }
    expect(byIndex.size).toBeGreaterThanOrEqual(REKEYS);
    for (const datagram of byIndex.values()) station.receive(datagram, peer.endpoint);
    const live = byIndex.size - (station.drops('unknownIndex') - unknownBefore);
    expect(live).toBeGreaterThan(0);
    expect(live, 'indices of keypairs').toBeLessThanOrEqual(3);
    expect(network.eavesdropper.seen()).toHaveLength(before);
  }

  const indices = network.eavesdropper
    .seen()
    .filter(({ kind }) => kind === 'initiation' || kind === 'response')
    .map(({ datagram }) => readUint32LE(datagram, 4));
  expect(indices.length).toBe(2 * (REKEYS + 1));
  expect(new Set(indices).size).toBe(indices.length);
  const rises = indices.slice(1).filter((index, i) => index > indices[i]).length;
  expect(rises / indices.length).toBeGreaterThan(0.3);
  expect(rises / indices.length).toBeLessThan(0.7);
  for (let bit = 0; bit < 32; bit++) {
    const set = indices.filter((index) => (index >>> bit) & 1).length;
    expect(set / indices.length, `bit ${bit}`).toBeGreaterThan(0.25);
    expect(set / indices.length, `bit ${bit}`).toBeLessThan(0.75);
  }
});
