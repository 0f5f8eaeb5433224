/**
 * The limits on the number of packets under one keypair. Nobody sends 2^52 packets in a test, so here
 * the two constants are small; the code that compares with them is the same.
 */
import { expect, test, vi } from 'vitest';
import { makeConnectedPair, makeNetwork } from './pair.ts';
import { addBareStation } from './bare-station.ts';
import type * as Constants from '../../src/wireguard/constants.ts';

const REKEY_AFTER = 100;
const REJECT_AFTER = 150;

vi.mock('../../src/wireguard/constants.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof Constants>()),
  REKEY_AFTER_MESSAGES: 100,
  REJECT_AFTER_MESSAGES: 150,
}));

test('at the counter limit sending stops and a handshake follows; no nonce is ever used twice', () => {
  const { network, a, b } = makeConnectedPair(90);
  network.advance(10_000);
  const start = network.now;
  network.gate = () => 'drop';
  for (let i = 0; i < REJECT_AFTER + 50; i++) a.send(b);
  const counters = network.eavesdropper
    .seen({ sender: 'a', kind: 'data', since: start })
    .map(({ datagram }) => datagram[8] + 256 * datagram[9]);
  // Counter 0 was the keepalive that confirmed the keypair.
  expect(counters).toEqual(Array.from({ length: REJECT_AFTER - 1 }, (_, i) => i + 1));
  expect(a.staged()).toBe(51);
  expect(network.eavesdropper.seen({ kind: 'initiation', since: start })).toHaveLength(1);

  network.gate = undefined;
  network.advance(6_000);
  expect(a.staged()).toBe(0);
  expect(network.ledger.deliveredTo('b')).toHaveLength(51);
});

test('either side wants a handshake after so many packets, whoever was the initiator', () => {
  const { network, a, b } = makeConnectedPair(91);
  network.advance(10_000);
  for (let i = 0; i < REKEY_AFTER; i++) b.send(a);
  expect(network.eavesdropper.seen({ kind: 'initiation', sender: 'b' })).toEqual([]);
  b.send(a);
  expect(network.eavesdropper.seen({ kind: 'initiation', sender: 'b' })).toHaveLength(1);
  network.advance(100);
  expect(b.device.handshakesCompleted).toBe(2);
});

test('a counter at the limit is not accepted', () => {
  const network = makeNetwork(92);
  const station = network.addStation();
  const bare = addBareStation(network, station);
  const keypair = bare.handshake();
  bare.send(keypair.seal(REJECT_AFTER));
  expect(station.drops('counterExceeded')).toBe(1);
  bare.send(keypair.seal(REJECT_AFTER - 1));
  expect(station.drops()).toBe(1);
});
