/**
 * Several addresses for one peer: in which order they are tried, what is kept of the one that answers,
 * and what a change of them does. And waking up: what a sleep or another network makes of a peer.
 */
import { expect, test } from 'vitest';
import { addBareStation } from './bare-station.ts';
import type { Network } from './network.ts';
import { addPeer, makeConnectedPair, makeNetwork } from './pair.ts';
import { SimEndpoint } from './sim-endpoint.ts';
import type { Station } from './station.ts';

const REKEY_TIMEOUT_MS = 5_000;
const MAX_JITTER_MS = 333;
const NEW_HANDSHAKE_MS = 15_000;
const HOLE = SimEndpoint.of('[2001:db8::66]:51820');
const OTHER_HOLE = SimEndpoint.of('203.0.113.66:51820');

/** A station and a peer of it that is at the given places, in this order, of which it knows. */
function makeSeeker(
  seed: number,
  places: (b: Station) => readonly SimEndpoint[],
): { readonly network: Network; readonly a: Station; readonly b: Station } {
  const network = makeNetwork(seed);
  const a = network.addStation();
  const b = network.addStation();
  addPeer(a, b, { candidates: places(b) });
  addPeer(b, a);
  return { network, a, b };
}

/** Where the initiations of `a` went since a moment. */
function askedAt(network: Network, since = 0): string[] {
  return network.eavesdropper
    .seen({ sender: 'a', kind: 'initiation', since })
    .map(({ to }) => to.toString());
}

function endpointOf(station: Station): string | undefined {
  return station.status().peers[0].endpoint?.toString();
}

test('an address that leads nowhere costs one retry, and the one that answers is kept', () => {
  const { network, a, b } = makeSeeker(90, (at) => [HOLE, at.endpoint]);
  const id = a.send(b);
  network.advance(REKEY_TIMEOUT_MS + MAX_JITTER_MS + 100);
  expect(network.ledger.isDelivered(id)).toBe(true);
  expect(askedAt(network)).toEqual([HOLE.toString(), b.endpoint.toString()]);

  const later = network.now;
  for (let minute = 0; minute < 10; minute++) {
    a.send(b);
    network.advance(60_000);
  }
  const rekeys = askedAt(network, later);
  expect(rekeys.length).toBeGreaterThan(2);
  expect(new Set(rekeys)).toEqual(new Set([b.endpoint.toString()]));
});

test('after the last address comes the first one again', () => {
  const { network, a, b } = makeSeeker(91, (at) => [HOLE, OTHER_HOLE, at.endpoint]);
  network.gate = () => 'drop';
  a.send(b);
  network.advance(6 * (REKEY_TIMEOUT_MS + MAX_JITTER_MS));
  const round = [HOLE, OTHER_HOLE, b.endpoint].map(String);
  expect(askedAt(network).slice(0, 6)).toEqual([...round, ...round]);
});

test('a peer that roamed is asked where it went, then at its addresses, then there again', () => {
  const { network, a, b } = makeSeeker(92, (at) => [HOLE, at.endpoint]);
  a.send(b);
  network.advance(6_000);
  const home = b.endpoint.toString();
  const away = SimEndpoint.of('198.51.100.9:9');
  b.rebind(away);
  b.send(a);
  network.advance(100);
  expect(endpointOf(a)).toBe(away.toString());

  network.gate = () => 'drop';
  const start = network.now;
  a.send(b);
  network.advance(NEW_HANDSHAKE_MS + 6 * (REKEY_TIMEOUT_MS + MAX_JITTER_MS));
  const addresses = [HOLE.toString(), home];
  const expected = [away.toString(), ...addresses, away.toString(), ...addresses];
  expect(askedAt(network, start).slice(0, 6)).toEqual(expected);
});

test('where a peer had roamed to is forgotten once it answers at an address of its own', () => {
  const { network, a, b } = makeSeeker(93, (at) => [at.endpoint]);
  const home = b.endpoint;
  a.send(b);
  network.advance(100);
  const away = SimEndpoint.of('198.51.100.9:9');
  b.rebind(away);
  b.send(a);
  network.advance(100);
  expect(endpointOf(a)).toBe(away.toString());
  b.rebind(home);
  // Else an initiation of the peer's would tell where it is.
  const INITIATION = 1;
  network.gate = ({ datagram, from }) =>
    from.equals(home) && datagram[0] === INITIATION ? 'drop' : 0;
  a.send(b);
  network.advance(NEW_HANDSHAKE_MS + 2 * (REKEY_TIMEOUT_MS + MAX_JITTER_MS));
  expect(endpointOf(a)).toBe(home.toString());

  network.gate = () => 'drop';
  const start = network.now;
  a.send(b);
  network.advance(60_000);
  expect(new Set(askedAt(network, start))).toEqual(new Set([home.toString()]));
});

test('an endpoint that is set takes the place of all candidates', () => {
  const { network, a, b } = makeSeeker(94, (at) => [HOLE, at.endpoint]);
  a.configure({ peers: [{ publicKey: b.publicKey, endpoint: OTHER_HOLE }] });
  a.send(b);
  network.advance(60_000);
  expect(new Set(askedAt(network))).toEqual(new Set([OTHER_HOLE.toString()]));
});

test('candidates replaced before the first retry count from that retry on', () => {
  const { network, a, b } = makeSeeker(95, () => [HOLE]);
  const id = a.send(b);
  network.advance(2_000);
  a.configure({ peers: [{ publicKey: b.publicKey, candidates: [b.endpoint] }] });
  expect(askedAt(network), 'it may answer yet').toEqual([HOLE.toString()]);
  network.advance(REKEY_TIMEOUT_MS);
  expect(askedAt(network)).toEqual([HOLE.toString(), b.endpoint.toString()]);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('a silent peer that has another address now is asked there at once', () => {
  const { network, a, b } = makeSeeker(96, () => [HOLE]);
  const id = a.send(b);
  network.advance(8_000);
  a.configure({ peers: [{ publicKey: b.publicKey, candidates: [b.endpoint] }] });
  network.advance(100);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('a peer that answers stays where it is when its addresses change', () => {
  const { network, a, b } = makeSeeker(97, (at) => [at.endpoint]);
  a.send(b);
  network.advance(100);
  const start = network.now;
  a.configure({ peers: [{ publicKey: b.publicKey, candidates: [HOLE] }] });
  const id = a.send(b);
  network.advance(100);
  expect(network.ledger.isDelivered(id)).toBe(true);
  expect(askedAt(network, start)).toEqual([]);
});

test('an answer from an address that counts no more is taken all the same', () => {
  const { network, a, b } = makeSeeker(98, (at) => [at.endpoint]);
  network.link.delayMs = 1_000;
  const id = a.send(b);
  network.advance(1_500);
  a.configure({ peers: [{ publicKey: b.publicKey, candidates: [HOLE] }] });
  network.advance(3_000);
  expect(network.ledger.isDelivered(id)).toBe(true);
  expect(askedAt(network)).toEqual([b.endpoint.toString()]);
});

test('the candidates of one peer are never tried for another', () => {
  const network = makeNetwork(99);
  const a = network.addStation();
  const b = network.addStation();
  const c = network.addStation();
  const places = { b: [HOLE, b.endpoint], c: [OTHER_HOLE, c.endpoint] };
  addPeer(a, b, { candidates: places.b });
  addPeer(a, c, { candidates: places.c });
  network.gate = ({ from }) => (from.equals(a.endpoint) ? 0 : 'drop');
  a.send(b);
  network.advance(60_000);
  const forB = askedAt(network);
  expect(new Set(forB)).toEqual(new Set(places.b.map(String)));
  const start = network.now;
  b.rebind(SimEndpoint.of('198.51.100.9:9'));
  network.advance(60_000);
  a.send(c);
  network.advance(1_000);
  expect(askedAt(network, start)).toContain(OTHER_HOLE.toString());
  a.configure({ peers: [{ publicKey: b.publicKey, remove: true }] });
  const afterwards = network.now;
  network.advance(60_000);
  expect(new Set(askedAt(network, afterwards))).toEqual(new Set(places.c.map(String)));
});

test('a cookie is brought to the address that gave it, once', () => {
  const network = makeNetwork(100);
  const a = network.addStation();
  const bare = addBareStation(network, a);
  a.configure({ peers: [{ publicKey: bare.peer.publicKey, candidates: [bare.endpoint, HOLE] }] });
  a.connect();
  const initiation = bare.take('initiation');
  bare.send(bare.peer.createCookieReply(initiation, new Uint8Array(16).fill(7)));
  network.advance(3 * (REKEY_TIMEOUT_MS + MAX_JITTER_MS) - 1_000);
  const home = bare.endpoint.toString();
  expect(askedAt(network).slice(0, 3)).toEqual([home, home, HOLE.toString()]);
});

test('silence is counted per peer, and nothing else is', () => {
  const { network, a, b } = makeConnectedPair(101);
  for (let minute = 0; minute < 10; minute++) {
    a.send(b);
    network.advance(60_000);
  }
  expect(a.device.silences, 'rekeys are no silence').toBe(0);
  network.gate = () => 'drop';
  a.send(b);
  network.advance(NEW_HANDSHAKE_MS + MAX_JITTER_MS);
  expect(a.device.silences, 'data without an answer').toBe(1);
  network.advance(REKEY_TIMEOUT_MS + MAX_JITTER_MS);
  expect(a.device.silences, 'an initiation without an answer').toBe(2);
  expect(a.status().peers[0].silences).toBe(2);
});

test('after a sleep of 200 s there is a handshake within 2 s', () => {
  const { network, a, b } = makeConnectedPair(102);
  const before = a.device.handshakesCompleted;
  network.suspend(200_000);
  a.wake();
  network.advance(2_000);
  expect(a.device.handshakesCompleted).toBe(before + 1);
  const id = a.send(b);
  network.advance(100);
  expect(network.ledger.isDelivered(id)).toBe(true);
});

test('waking does not wait for an initiation that is under way', () => {
  const { network, a, b } = makeConnectedPair(103);
  network.gate = () => 'drop';
  network.advance(130_000);
  a.send(b);
  network.advance(1_000);
  const count = askedAt(network).length;
  network.gate = undefined;
  a.wake();
  network.advance(100);
  expect(askedAt(network)).toHaveLength(count + 1);
  expect(a.device.handshakesCompleted).toBe(2);
});

test('waking asks only peers that have been in use or are kept alive', () => {
  const network = makeNetwork(104);
  const a = network.addStation();
  const used = network.addStation();
  const unused = network.addStation();
  const keptAlive = network.addStation();
  for (const station of [used, unused, keptAlive]) {
    addPeer(a, station, { endpoint: station.endpoint });
    addPeer(station, a);
  }
  a.send(used);
  network.advance(200_000);
  a.down();
  a.configure({ peers: [{ publicKey: keptAlive.publicKey, persistentKeepaliveSeconds: 25 }] });
  const start = network.now;
  a.wake();
  expect(askedAt(network, start), 'while it is down').toEqual([]);
  network.suspend(1);
  a.up();
  const awake = network.now;
  a.wake();
  const asked = askedAt(network, awake);
  expect(new Set(asked)).toEqual(new Set([used.endpoint, keptAlive.endpoint].map(String)));
});
