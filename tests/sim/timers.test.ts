/**
 * What peers say when nothing is said to them: keepalives, retries, and silence. The link is perfect
 * and takes 10 ms, so that every moment can be told to the millisecond.
 */
import { expect, test } from 'vitest';
import type { Sighting } from './eavesdropper.ts';
import { makeConnectedPair, makePair, type Pair } from './pair.ts';

const DELAY_MS = 10;
const KEEPALIVE_TIMEOUT_MS = 10_000;
const REKEY_TIMEOUT_MS = 5_000;
const NEW_HANDSHAKE_MS = KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS;
const MAX_JITTER_MS = 333;

function gaps(sightings: readonly Sighting[]): number[] {
  return sightings.slice(1).map((sighting, i) => sighting.at - sightings[i].at);
}

/** A connected pair with `a` unheard from some moment on, so that `b` waits in vain. */
function makeDeafPair(seed: number): Pair {
  const pair = makeConnectedPair(seed);
  pair.network.gate = () => 'drop';
  return pair;
}

test('idle peers fall silent after one keepalive', () => {
  const { network, a, b } = makeConnectedPair(1);
  network.advance(60_000);
  const start = network.now;
  a.send(b);
  network.advance(3_600_000);
  const kinds = network.eavesdropper.seen({ since: start });
  expect(kinds.map(({ sender, kind }) => `${sender} ${kind}`)).toEqual(['a data', 'b keepalive']);
  expect(a.device.nextTimeout(), 'nothing waits').toBeUndefined();
  expect(b.device.nextTimeout(), 'nothing waits').toBeUndefined();
});

test('a passive keepalive comes 10 s after the data, not at once', () => {
  const { network, a, b } = makeConnectedPair(2);
  b.send(a);
  network.advance(20_000);
  const start = network.now;
  a.send(b);
  network.advance(4_000);
  a.send(b);
  network.advance(30_000);
  const [keepalive, ...more] = network.eavesdropper.seen({ sender: 'b', since: start });
  expect(keepalive.kind).toBe('keepalive');
  expect(keepalive.at - start, 'from the first data').toBe(DELAY_MS + KEEPALIVE_TIMEOUT_MS);
  expect(more).toEqual([]);
});

test('data of our own takes the place of a passive keepalive', () => {
  const { network, a, b } = makeConnectedPair(3);
  const start = network.now;
  a.send(b);
  network.advance(9_000);
  b.send(a);
  network.advance(9_000);
  expect(network.eavesdropper.seen({ kind: 'keepalive', sender: 'b', since: start })).toEqual([]);
});

test('a persistent keepalive is sent only into silence', () => {
  const pair = makeConnectedPair(4, { peerOfA: { persistentKeepaliveSeconds: 25 } });
  const { network, a, b } = pair;
  const start = network.now;
  for (let i = 0; i < 10; i++) {
    (i % 2 === 0 ? a : b).send(i % 2 === 0 ? b : a);
    network.advance(9_000);
  }
  expect(network.eavesdropper.seen({ kind: 'keepalive', since: start }), 'in traffic').toEqual([]);
  // The last packet was b's, so a answers with a passive keepalive first; then there is silence.
  const passive = start + 9 * 9_000 + DELAY_MS + KEEPALIVE_TIMEOUT_MS;
  network.advance(passive + 26_000 - network.now);
  const keepalives = network.eavesdropper.seen({ kind: 'keepalive', since: start });
  expect(keepalives.map(({ sender, at }) => `${sender} ${at - passive}`)).toEqual([
    'a 0',
    'a 25000',
  ]);
});

test('a persistent keepalive counts from what was received, too', () => {
  const pair = makeConnectedPair(5, { peerOfA: { persistentKeepaliveSeconds: 7 } });
  const { network, a, b } = pair;
  network.advance(1_000);
  const before = network.eavesdropper.seen({ sender: 'a' }).length;
  const start = network.now;
  b.send(a);
  network.advance(7_000 + DELAY_MS - 1);
  expect(network.eavesdropper.seen({ sender: 'a' })).toHaveLength(before);
  network.advance(1);
  expect(network.eavesdropper.last({ sender: 'a' })).toMatchObject({
    kind: 'keepalive',
    at: start + DELAY_MS + 7_000,
  });
});

test('an interval that is set anew sends one keepalive at once', () => {
  const { network, a, b } = makeConnectedPair(6);
  const start = network.now;
  a.configure({ peers: [{ publicKey: b.publicKey, persistentKeepaliveSeconds: 25 }] });
  a.configure({ peers: [{ publicKey: b.publicKey, persistentKeepaliveSeconds: 20 }] });
  expect(network.eavesdropper.seen({ since: start })).toHaveLength(1);
  a.configure({ peers: [{ publicKey: b.publicKey, persistentKeepaliveSeconds: 0 }] });
  network.advance(60_000);
  expect(network.eavesdropper.seen({ since: start }), 'off is off').toHaveLength(1);
});

test('silence is counted from the first unanswered packet', () => {
  const { network, a, b } = makeDeafPair(7);
  network.advance(60_000);
  const start = network.now;
  for (let i = 0; i < 15; i++) {
    a.send(b);
    network.advance(1_000);
  }
  expect(network.eavesdropper.seen({ kind: 'initiation', since: start }), 'too early').toEqual([]);
  network.advance(1_000);
  const [initiation] = network.eavesdropper.seen({ kind: 'initiation', since: start });
  expect(initiation.at - start).toBeGreaterThanOrEqual(NEW_HANDSHAKE_MS);
  expect(initiation.at - start).toBeLessThanOrEqual(NEW_HANDSHAKE_MS + MAX_JITTER_MS);
});

test('an answered packet is not silence', () => {
  const { network, a, b } = makeConnectedPair(8);
  const start = network.now;
  for (let i = 0; i < 10; i++) {
    a.send(b);
    network.advance(11_000);
  }
  expect(network.eavesdropper.seen({ kind: 'initiation', since: start })).toEqual([]);
});

test('retries and new handshakes are jittered, never early', () => {
  const retryGaps: number[] = [];
  const firstGaps: number[] = [];
  for (let seed = 100; seed < 110; seed++) {
    const { network, a, b } = makeDeafPair(seed);
    const start = network.now;
    a.send(b);
    network.advance(60_000);
    const initiations = network.eavesdropper.seen({ kind: 'initiation', since: start });
    firstGaps.push(initiations[0].at - start);
    retryGaps.push(...gaps(initiations));
  }
  for (const [jittered, least] of [
    [retryGaps, REKEY_TIMEOUT_MS],
    [firstGaps, NEW_HANDSHAKE_MS],
  ] as const) {
    expect(Math.min(...jittered)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...jittered)).toBeLessThanOrEqual(least + MAX_JITTER_MS);
    expect(new Set(jittered.map(Math.floor)).size, 'jitter').toBeGreaterThan(5);
    expect(Math.max(...jittered) - Math.min(...jittered), 'jitter').toBeGreaterThan(150);
  }
});

test('twenty initiations, then silence; the next packet starts anew', () => {
  const { network, a, b } = makePair(9);
  network.gate = () => 'drop';
  const start = network.now;
  const lost = a.send(b);
  network.advance(600_000);
  const initiations = network.eavesdropper.seen({ sender: 'a' });
  expect(initiations).toHaveLength(20);
  expect(initiations[19].at - start).toBeLessThan(19 * (REKEY_TIMEOUT_MS + MAX_JITTER_MS) + 1);
  expect(a.staged(), 'purged').toBe(0);
  expect(a.drops('handshakeGivenUp')).toBe(1);

  const anew = network.now;
  a.send(b);
  network.advance(600_000);
  expect(network.eavesdropper.seen({ sender: 'a', since: anew })).toHaveLength(20);

  network.gate = undefined;
  const late = a.send(b);
  network.advance(1_000);
  expect(network.ledger.isDelivered(late)).toBe(true);
  expect(network.ledger.isDelivered(lost)).toBe(false);
});

test('a packet in the middle of the retries starts the count anew', () => {
  const { network, a, b } = makePair(10);
  network.gate = () => 'drop';
  a.send(b);
  network.advance(49_500);
  const before = network.eavesdropper.seen({ sender: 'a' }).length;
  expect(before, 'first and retries').toBe(10);
  a.send(b);
  network.advance(600_000);
  // The packet's own initiation is suppressed, or it is one more; its nineteen retries follow.
  const after = network.eavesdropper.seen({ sender: 'a' }).length - before;
  expect(after).toBeGreaterThanOrEqual(19);
  expect(after).toBeLessThanOrEqual(20);
});

test('persistent keepalive goes on trying for ever', () => {
  const pair = makePair(11, { peerOfA: { persistentKeepaliveSeconds: 25 } });
  const { network, a, b } = pair;
  network.gate = () => 'drop';
  a.connect();
  network.advance(1_200_000);
  network.gate = undefined;
  network.advance(150_000);
  expect(a.device.handshakesCompleted).toBeGreaterThan(0);
  expect(b.device.handshakesCompleted).toBe(a.device.handshakesCompleted);
});

test('keys are wiped 540 s after the last handshake', () => {
  const { network, a, b } = makeConnectedPair(12);
  const recorded = network.eavesdropper.last({ sender: 'a', kind: 'keepalive' });
  network.advance(538_000);
  b.receive(recorded.datagram, a.endpoint);
  expect(b.drops('expired'), 'the index is still there').toBe(1);
  network.advance(3_000);
  b.receive(recorded.datagram, a.endpoint);
  expect(b.drops('unknownIndex'), 'the index is gone').toBe(1);
});
