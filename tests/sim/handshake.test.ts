/**
 * How two devices agree on a keypair when the network, the clocks or the configuration do not make it
 * easy. The link takes 10 ms unless a test says otherwise.
 */
import { describe, expect, test } from 'vitest';
import { messageKind } from './eavesdropper.ts';
import { addPeer, innerPrefixes, makeConnectedPair, makePair } from './pair.ts';

const REKEY_AFTER_TIME_MS = 120_000;
const REJECT_AFTER_TIME_MS = 180_000;

test('two sides with persistent keepalive agree on one keypair after it ran out', () => {
  const keepalive = { persistentKeepaliveSeconds: 25 };
  const pair = makePair(20, { peerOfA: keepalive, peerOfB: keepalive });
  const { network, a, b } = pair;
  addPeer(b, a, { endpoint: a.endpoint });
  a.connect();
  network.advance(60_000);
  network.gate = () => 'drop';
  network.advance(400_000);
  network.gate = undefined;
  network.advance(30_000);
  const healed = network.now;
  const ids = [a.send(b), b.send(a)];
  network.advance(1_000);
  expect(ids.map((id) => network.ledger.isDelivered(id))).toEqual([true, true]);
  network.advance(600_000);
  // Keepalives every 25 s make a rekey every 125 s: four or five in ten minutes.
  const initiations = network.eavesdropper.seen({ kind: 'initiation', since: healed });
  expect(initiations.length).toBeGreaterThan(2);
  expect(initiations.length).toBeLessThan(8);
});

describe('initiations that cross end in a confirmed keypair within three retries', () => {
  const seeds = Array.from({ length: 20 }, (_, i) => 200 + i);
  test.each(seeds)('with seed %i', (seed) => {
    const { network, a, b } = makePair(seed, { link: { delayMs: 5 } });
    addPeer(b, a, { endpoint: a.endpoint });
    const ids = [a.send(b), b.send(a)];
    expect(network.eavesdropper.seen({ kind: 'initiation' })).toHaveLength(2);
    network.advance(3 * 5_333 + 100);
    expect(ids.map((id) => network.ledger.isDelivered(id))).toEqual([true, true]);
    expect(a.device.handshakesCompleted).toBeGreaterThan(0);
    expect(b.device.handshakesCompleted).toBeGreaterThan(0);
  });
});

test('no packet stays staged without a deadline', () => {
  const { network, a, b } = makePair(21);
  // What confirms the keypair to b is lost, and a has nothing more to say.
  network.gate = ({ datagram, from }) =>
    from.equals(a.endpoint) && messageKind(datagram) !== 'initiation' ? 'drop' : 0;
  a.connect();
  network.advance(1_000);
  expect([a, b].map((station) => station.device.handshakesCompleted)).toEqual([1, 0]);
  network.gate = undefined;
  const id = b.send(a);
  expect(b.staged(), 'b must not send on an unconfirmed keypair').toBe(1);
  const suppressedUntil = network.now + 5_000;
  expect(b.device.nextTimeout()).toBeLessThan(suppressedUntil);
  network.advance(6_000);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('a response four seconds late is accepted', () => {
  const { network, a, b } = makePair(22);
  network.gate = ({ datagram }) => (messageKind(datagram) === 'response' ? 4_000 : 0);
  const id = a.send(b);
  network.advance(4_500);
  expect(network.ledger.isDelivered(id)).toBe(true);
  expect(network.eavesdropper.seen({ kind: 'initiation' })).toHaveLength(1);
});

test('a response four seconds late is accepted, one to an older initiation is not', () => {
  const { network, a, b } = makePair(23);
  network.gate = ({ datagram }) => (messageKind(datagram) === 'response' ? 5_500 : 0);
  const id = a.send(b);
  network.advance(5_900);
  expect(network.eavesdropper.seen({ kind: 'initiation' }), 'a retry').toHaveLength(2);
  expect(network.eavesdropper.seen({ kind: 'response' })).toHaveLength(2);
  expect(a.device.handshakesCompleted, 'the first response is too late').toBe(0);
  expect(a.drops('unknownIndex')).toBe(1);
  network.gate = undefined;
  network.advance(10_000);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('a response is consumed once', () => {
  const { network, a, b } = makeConnectedPair(24);
  const response = network.eavesdropper.last({ kind: 'response' });
  a.receive(response.datagram, b.endpoint);
  expect(a.device.handshakesCompleted).toBe(1);
  expect(a.drops()).toBe(1);
  const id = a.send(b);
  network.advance(100);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('a changed preshared key is used by the next handshake; the keypair lives on', () => {
  const { network, a, b } = makeConnectedPair(25);
  const presharedKey = network.random.bytes(32);
  a.configure({ peers: [{ publicKey: b.publicKey, presharedKey }] });
  const onOldKeypair = [a.send(b), b.send(a)];
  network.advance(100);
  expect(onOldKeypair.map((id) => network.ledger.isDelivered(id))).toEqual([true, true]);
  expect(network.eavesdropper.seen({ kind: 'initiation' }), 'no new handshake').toHaveLength(1);

  network.advance(REKEY_AFTER_TIME_MS);
  a.send(b);
  network.advance(1_000);
  expect(a.device.handshakesCompleted, 'only one side has the new key').toBe(1);
  expect(a.drops('unopenedResponse')).toBe(1);

  b.configure({ peers: [{ publicKey: a.publicKey, presharedKey }] });
  network.advance(6_000);
  expect(a.device.handshakesCompleted).toBe(2);
  expect(b.device.handshakesCompleted).toBe(2);
});

test('a wrong preshared key never connects, and is heard of as a response that does not open', () => {
  const { network, a, b } = makePair(26, {
    peerOfA: { presharedKey: new Uint8Array(32).fill(1) },
    peerOfB: { presharedKey: new Uint8Array(32).fill(2) },
  });
  a.send(b);
  network.advance(60_000);
  expect(a.device.handshakesCompleted + b.device.handshakesCompleted).toBe(0);
  expect(a.drops('unopenedResponse')).toBeGreaterThan(5);
  expect(network.eavesdropper.seen({ kind: 'data' })).toEqual([]);
});

test('a packet sent at 179.9 s and received at 180.1 s is dropped, and traffic goes on', () => {
  const delayMs = 100;
  const { network, a, b } = makePair(27, { link: { delayMs } });
  a.connect();
  // The keypair of b is born as the initiation arrives, that of a as the response does.
  const birthAtA = network.now + 2 * delayMs;
  network.advance(birthAtA + REJECT_AFTER_TIME_MS - 100 - network.now);
  const start = network.now;
  const late = a.send(b);
  expect(network.eavesdropper.seen({ kind: 'data', since: start }), 'sent at 179.9 s').toHaveLength(
    1,
  );
  network.advance(delayMs);
  expect(b.drops('expired')).toBe(1);
  network.advance(1_000);
  const next = a.send(b);
  network.advance(1_000);
  expect([late, next].map((id) => network.ledger.isDelivered(id))).toEqual([false, true]);
});

test('a keypair of 180 s sends nothing', () => {
  const { network, a, b } = makePair(28);
  a.connect();
  network.advance(20 + REJECT_AFTER_TIME_MS);
  const start = network.now;
  const id = a.send(b);
  expect(network.eavesdropper.seen({ since: start }).map(({ kind }) => kind)).toEqual([
    'initiation',
  ]);
  network.advance(1_000);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test("after an hour's suspend the first packet makes a handshake", () => {
  const { network, a, b } = makeConnectedPair(29);
  network.suspend(3_600_000);
  const start = network.now;
  const id = a.send(b);
  network.advance(1_000);
  const kinds = network.eavesdropper.seen({ since: start }).map(({ kind }) => kind);
  expect(kinds.slice(0, 3)).toEqual(['initiation', 'response', 'data']);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('a recorded initiation is refused', () => {
  const { network, a, b } = makeConnectedPair(30);
  const initiation = network.eavesdropper.last({ kind: 'initiation' });
  network.advance(REKEY_AFTER_TIME_MS);
  const start = network.now;
  b.receive(initiation.datagram, a.endpoint);
  network.advance(1_000);
  expect(b.drops('replayedInitiation')).toBe(1);
  expect(network.eavesdropper.seen({ kind: 'response', since: start })).toEqual([]);
});

test("a recorded initiation is refused; a wall clock set back doesn't stop ours", () => {
  const { network, a, b } = makeConnectedPair(31);
  network.moveWallClock(-86_400);
  const recorded = network.eavesdropper.last({ kind: 'initiation' });
  for (let round = 2; round <= 4; round++) {
    network.advance(REKEY_AFTER_TIME_MS);
    b.receive(recorded.datagram, a.endpoint);
    a.send(b);
    network.advance(1_000);
    expect(a.device.handshakesCompleted).toBe(round);
    expect(b.device.handshakesCompleted).toBe(round);
  }
  expect(b.drops('replayedInitiation')).toBe(3);
});

test('a peer that is removed and added again starts from nothing', () => {
  const { network, a, b } = makeConnectedPair(32);
  const start = network.now;
  a.configure({ peers: [{ publicKey: b.publicKey, remove: true }] });
  a.send(b);
  expect(a.drops('noPeer')).toBe(1);
  expect(a.unreachables).toHaveLength(1);
  expect(network.eavesdropper.seen({ since: start })).toEqual([]);
  addPeer(a, b, { endpoint: b.endpoint });
  const id = a.send(b);
  network.advance(1_000);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('a new private key sends nothing on old keypairs, and receives on them', () => {
  const { network, a, b } = makeConnectedPair(34);
  const privateKey = network.random.bytes(32);
  const onTheWay = b.send(a);
  a.configure({ privateKey });
  const start = network.now;
  const id = a.send(b);
  network.advance(100);
  expect(network.eavesdropper.seen({ since: start, sender: 'a' })[0].kind).toBe('initiation');
  expect(network.eavesdropper.seen({ since: start, sender: 'a', kind: 'data' })).toEqual([]);
  expect(network.ledger.isDelivered(onTheWay)).toBe(true);
  expect(b.drops('unknownPeer')).toBe(1);

  const publicKey = a.x25519.publicKey(privateKey);
  b.configure({ peers: [{ publicKey, allowedIPs: innerPrefixes(a) }] });
  network.advance(6_000);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('without a private key nothing waits', () => {
  const { network, a, b } = makePair(35);
  network.gate = () => 'drop';
  a.send(b);
  expect(a.staged()).toBe(1);
  a.configure({ privateKey: new Uint8Array(32) });
  expect(a.staged()).toBe(0);
  expect(a.drops('handshakeGivenUp')).toBe(1);
  a.send(b);
  expect(a.drops('noHandshake')).toBe(1);
  const start = network.now;
  network.advance(60_000);
  expect(network.eavesdropper.seen({ since: start + 1 })).toEqual([]);
  expect(a.device.nextTimeout()).toBeUndefined();
});

test('a device that was down comes back with a handshake', () => {
  const { network, a, b } = makeConnectedPair(33);
  a.down();
  expect(a.device.nextTimeout()).toBeUndefined();
  const recorded = network.eavesdropper.last({ sender: 'a', kind: 'keepalive' });
  a.receive(recorded.datagram, b.endpoint);
  expect(a.drops('deviceDown')).toBe(1);
  a.up();
  const start = network.now;
  const id = a.send(b);
  network.advance(1_000);
  expect(network.eavesdropper.seen({ since: start })[0].kind).toBe('initiation');
  expect(network.ledger.isDelivered(id)).toBe(true);
});
