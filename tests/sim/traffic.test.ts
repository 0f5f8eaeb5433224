/**
 * Whole conversations: minutes and hours of traffic over links that lose, reorder, duplicate, move and
 * are attacked.
 */
import { describe, expect, test } from 'vitest';
import { PacketSlot } from '../../src/slot.ts';
import { Attacker } from './attacker.ts';
import { makeInnerPacket } from './inner-packet.ts';
import { SimEndpoint } from './sim-endpoint.ts';
import { addPeer, makeConnectedPair, makeNetwork, makePair, type Pair } from './pair.ts';
import type { Station } from './station.ts';

const MINUTE_MS = 60_000;

/** Sends from each of `senders` to the other one every `intervalMs`, for so long. */
function talk(pair: Pair, senders: string, intervalMs: number, durationMs: number): void {
  const { network, a, b } = pair;
  for (let elapsed = 0; elapsed < durationMs; elapsed += intervalMs) {
    if (senders.includes('a')) a.send(b);
    if (senders.includes('b')) b.send(a, { family: 6 });
    network.advance(intervalMs);
  }
}

/** Every packet of the tunnel interface was sent, is staged, or was dropped for a counted reason. */
function expectBooksToBalance(pair: Pair): void {
  for (const station of [pair.a, pair.b]) {
    const sent = pair.network.eavesdropper.seen({ sender: station.name, kind: 'data' }).length;
    const dropped = (
      [
        'outboundNotIp',
        'noPeer',
        'noEndpoint',
        'noHandshake',
        'stagingFull',
        'handshakeGivenUp',
      ] as const
    ).reduce((sum, reason) => sum + station.drops(reason), 0);
    expect(sent + station.staged() + dropped, station.name).toBe(station.tunPackets);
  }
}

describe('a handshake gets through where three datagrams in ten are lost', () => {
  test.each(Array.from({ length: 10 }, (_, i) => 300 + i))('with seed %i', (seed) => {
    const { network, a, b } = makePair(seed, { link: { loss: 0.3 } });
    for (let second = 0; second < 60; second++) {
      a.send(b);
      b.send(a);
      network.advance(1_000);
    }
    const completed = [a, b].map((station) => station.device.handshakesCompleted);
    expect(Math.min(...completed)).toBeGreaterThan(0);
    expect(network.ledger.deliveredTo('a').length).toBeGreaterThan(0);
    expect(network.ledger.deliveredTo('b').length).toBeGreaterThan(0);
  });
});

describe('a rekey under traffic loses nothing on a perfect link', () => {
  test.each([['a'], ['b'], ['ab']])('when %s sends', (senders) => {
    const pair = makeConnectedPair(320);
    const { network, a, b } = pair;
    talk(pair, senders, 500, 10 * MINUTE_MS);
    network.advance(1_000);
    expect(network.ledger.undelivered).toEqual([]);
    const initiations = network.eavesdropper.seen({ kind: 'initiation' });
    expect(new Set(initiations.map(({ sender }) => sender)), 'one rekeys').toEqual(new Set(['a']));
    // One every 120 s, up to 10 s late where a only answers with keepalives.
    expect(initiations.length).toBe(5);
    for (const [i, { at }] of initiations.slice(1).entries()) {
      expect(at - initiations[i].at).toBeGreaterThanOrEqual(120_000);
      expect(at - initiations[i].at).toBeLessThanOrEqual(131_000);
    }
    expect(a.device.handshakesCompleted).toBe(initiations.length);
    expect(b.device.handshakesCompleted).toBe(initiations.length);
    expectBooksToBalance(pair);
  });
});

test('an initiator that only receives rekeys at 165 s', () => {
  const { network, a, b } = makeConnectedPair(321);
  network.advance(164_500 - 1_000);
  const start = network.now;
  b.send(a);
  network.advance(100);
  expect(network.eavesdropper.seen({ kind: 'initiation', since: start })).toEqual([]);
  network.advance(1_000);
  b.send(a);
  b.send(a);
  network.advance(100);
  const initiations = network.eavesdropper.seen({ kind: 'initiation', since: start });
  expect(initiations.map(({ sender }) => sender)).toEqual(['a']);
});

test('the rekey of an initiator that only receives is tried as often as any other', () => {
  const { network, a, b } = makeConnectedPair(323);
  network.advance(165_500 - 1_000);
  network.gate = ({ from }) => (from.equals(a.endpoint) ? 'drop' : 0);
  const start = network.now;
  for (let second = 0; second < 14; second++) {
    b.send(a);
    network.advance(1_000);
  }
  network.gate = () => 'drop';
  network.advance(200_000);
  const initiations = network.eavesdropper.seen({ kind: 'initiation', sender: 'a', since: start });
  expect(initiations, 'what is received does not start the count anew').toHaveLength(20);
});

test('packets that wait for a handshake go out first, in their order', () => {
  const pair = makePair(322);
  const { network, a, b } = pair;
  const ids = Array.from({ length: 200 }, () => a.send(b));
  expect(a.staged()).toBe(128);
  expect(a.drops('stagingFull')).toBe(72);
  network.advance(1_000);
  const delivered = network.ledger.deliveredTo('b').map(({ id }) => id);
  expect(delivered, 'the oldest made room').toEqual(ids.slice(72));
  const counters = network.eavesdropper.seen({ kind: 'data' }).map(({ datagram }) => datagram[8]);
  expect(counters).toEqual(Array.from({ length: 128 }, (_, i) => i));
  expectBooksToBalance(pair);
});

test('what waits for all peers together is bounded', () => {
  const network = makeNetwork(324);
  const station = network.addStation();
  const nobody = SimEndpoint.of('198.51.100.1:1');
  const out = { transmit: () => undefined, deliver: () => undefined };
  const destinations = Array.from({ length: 33 }, (_, i) => Uint8Array.of(10, 1, 0, i));
  for (const address of destinations) {
    const publicKey = station.x25519.publicKey(network.random.bytes(32));
    const allowedIPs = [{ prefix: { address, length: 32 } }];
    station.configure({ peers: [{ publicKey, endpoint: nobody, allowedIPs }] });
  }
  for (const destination of destinations) {
    const packet = makeInnerPacket(0, station.innerIPv4, destination, 40);
    for (let i = 0; i < 128; i++) {
      station.device.handleTunPacket(PacketSlot.of(packet), network.now, out);
    }
  }
  expect(station.staged()).toBe(4_096);
  expect(station.drops('stagingFull')).toBe(33 * 128 - 4_096);
});

describe('everything is delivered once by a link that only reorders and duplicates', () => {
  test.each([330, 331])('with seed %i', (seed) => {
    const pair = makeConnectedPair(seed);
    Object.assign(pair.network.link, { delayVariationMs: 400, duplication: 0.3 });
    talk(pair, 'ab', 300, 5 * MINUTE_MS);
    pair.network.advance(20_000);
    expect(pair.network.ledger.undelivered).toEqual([]);
    expectBooksToBalance(pair);
  });
});

describe('traffic goes on over a link that loses, reorders and duplicates', () => {
  test.each([340, 341])('with seed %i', (seed) => {
    const link = { loss: 0.2, duplication: 0.1, delayVariationMs: 200 };
    const pair = makePair(seed, { link });
    talk(pair, 'ab', 500, 10 * MINUTE_MS);
    const { ledger } = pair.network;
    const delivered = ledger.deliveredTo('a').length + ledger.deliveredTo('b').length;
    // 2,400 packets at 0.8 are 1,920; rekeys that take some retries may cost a few more.
    expect(delivered).toBeGreaterThan(1_750);
    expectBooksToBalance(pair);
  });
});

describe('an attacker on the path disturbs nothing', () => {
  test.each([350, 351])('with seed %i', (seed) => {
    const pair = makeConnectedPair(seed);
    const { network, a, b } = pair;
    const attacker = new Attacker(network, [a, b], 0.9);
    network.gate = (flight) => {
      attacker.see(flight);
      return 0;
    };
    talk(pair, 'ab', 500, 5 * MINUTE_MS);
    network.advance(1_000);
    expect(attacker.sent).toBeGreaterThan(1_000);
    expect(network.ledger.undelivered).toEqual([]);
    expect(a.status().peers[0].endpoint?.toString()).toBe(b.endpoint.toString());
    expect(b.status().peers[0].endpoint?.toString()).toBe(a.endpoint.toString());
    expect(a.device.handshakesCompleted).toBe(3);
    expect(b.device.handshakesCompleted).toBe(3);
  });
});

test('three devices: each packet comes out where its destination lives', () => {
  const network = makeNetwork(360);
  const [hub, left, right] = ['hub', 'left', 'right'].map((name) => network.addStation({ name }));
  for (const spoke of [left, right]) {
    addPeer(spoke, hub, { endpoint: hub.endpoint });
    addPeer(hub, spoke);
  }
  // The right one has all of 10.0.0.0/8 at the hub, but not what the left one has by a longer prefix.
  const wide = { prefix: { address: Uint8Array.of(10, 0, 0, 0), length: 8 } };
  hub.configure({ peers: [{ publicKey: right.publicKey, allowedIPs: [wide] }] });
  const flows: readonly (readonly [Station, Station])[] = [
    [left, hub],
    [right, hub],
    [hub, left],
    [hub, right],
  ];
  for (let round = 0; round < 200; round++) {
    for (const [from, to] of flows) from.send(to, { family: round % 2 === 0 ? 4 : 6 });
    network.advance(2_000);
  }
  // The hub's first packets had no endpoint to go to.
  expect(network.ledger.undelivered.every(({ id }) => id < flows.length)).toBe(true);
  expect(hub.drops('noEndpoint')).toBe(2);
  const { innerIPv4, innerIPv6 } = right;
  const spoofed = network.ledger.issue({ name: left.name, innerIPv4, innerIPv6 }, hub);
  left.sendPacket(spoofed.packet);
  network.advance(1_000);
  expect(hub.drops('wrongSource')).toBe(1);
});

test('both sides move at once and find each other by the side that is configured anew', () => {
  const pair = makeConnectedPair(361);
  const { network, a, b } = pair;
  for (let move = 0; move < 20; move++) {
    a.rebind(SimEndpoint.of(`203.0.113.${move + 1}:${1_000 + move}`));
    b.rebind(SimEndpoint.of(`[2001:db8::${move + 1}]:${2_000 + move}`));
    a.configure({ peers: [{ publicKey: b.publicKey, endpoint: b.endpoint }] });
    a.send(b);
    network.advance(100);
    b.send(a);
    network.advance(100);
  }
  expect(network.ledger.undelivered).toEqual([]);
  expect(network.eavesdropper.seen({ kind: 'initiation' }), 'roaming is no handshake').toHaveLength(
    1,
  );
});
