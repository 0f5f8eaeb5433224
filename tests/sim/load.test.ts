/**
 * A device under attack: cookies and the rate limiter.
 *
 * Whoever knows the public key of a device can make messages with a right mac1; 128 of them within a
 * second put it under load. Such a message costs the attacker nothing, so here it is garbage with a
 * mac1.
 */
import { expect, test } from 'vitest';
import { appendMacs, makeFakeHandshake } from './bare-peer.ts';
import { addBareStation, type BareStation } from './bare-station.ts';
import type { Network } from './network.ts';
import { addPeer, makeConnectedPair, makeNetwork } from './pair.ts';
import { SimEndpoint } from './sim-endpoint.ts';
import type { Station } from './station.ts';

const UNDER_LOAD_MESSAGES = 128;
const FLOODER = SimEndpoint.of('203.0.113.66:666');

/** Puts a station under load by fake initiations at one instant. */
function flood(network: Network, target: Station, count: number = UNDER_LOAD_MESSAGES): void {
  for (let i = 0; i < count; i++) {
    network.inject(
      makeFakeHandshake('initiation', network.random, target.publicKey),
      FLOODER,
      target.endpoint,
    );
  }
}

interface Attacked {
  readonly network: Network;
  readonly station: Station;
  readonly bare: BareStation;
}

function makeAttacked(seed: number): Attacked {
  const network = makeNetwork(seed);
  const station = network.addStation();
  return { network, station, bare: addBareStation(network, station) };
}

/** Has the bare peer sent away with a cookie for the place where it is. */
function fetchCookie({ network, station, bare }: Attacked): Uint8Array {
  flood(network, station);
  bare.send(bare.createInitiation());
  return bare.peer.openCookieReply(bare.take('cookieReply'));
}

test('a cookie is good for its address and port only', () => {
  const attacked = makeAttacked(60);
  const { network, station, bare } = attacked;
  bare.moveTo('198.51.100.1:1000');
  const cookie = fetchCookie(attacked);
  for (const [place, kinds] of [
    ['198.51.100.1:1001', ['cookieReply']],
    ['198.51.100.2:1000', ['cookieReply']],
    ['[2001:db8::1]:1000', ['cookieReply']],
    ['198.51.100.1:1000', ['response']],
  ] as const) {
    bare.moveTo(place);
    bare.send(bare.createInitiation({ cookie }));
    expect(bare.takeKinds(), place).toEqual(kinds);
    network.advance(20);
  }
  expect(station.drops('cookieRequired')).toBeGreaterThan(3);
});

test('a cookie is good for 120 s', () => {
  const attacked = makeAttacked(61);
  const { network, station, bare } = attacked;
  const cookie = fetchCookie(attacked);
  network.advance(110_000);
  flood(network, station);
  bare.send(bare.createInitiation({ cookie }));
  expect(bare.takeKinds()).toContain('response');
  network.advance(130_000);
  flood(network, station);
  bare.send(bare.createInitiation({ cookie }));
  expect(bare.takeKinds()).toEqual(['cookieReply']);
});

test('under load a device that gets a cookie comes back with it', () => {
  const network = makeNetwork(62);
  const a = network.addStation();
  const b = network.addStation();
  addPeer(a, b, { endpoint: b.endpoint });
  addPeer(b, a);
  flood(network, b);
  const id = a.send(b);
  network.advance(900);
  expect(network.eavesdropper.seen({ kind: 'response' })).toEqual([]);
  // a sends again 5 s after its first initiation; until then the flood goes on.
  for (let i = 0; i < 6; i++) {
    flood(network, b);
    network.advance(900);
    expect(b.status().underLoad).toBe(true);
  }
  expect(network.eavesdropper.seen({ kind: 'initiation', sender: 'a' })).toHaveLength(2);
  expect(network.ledger.isDelivered(id)).toBe(true);
  const [first, second] = network.eavesdropper.seen({ kind: 'initiation', sender: 'a' });
  const mac2 = ({ datagram }: { datagram: Uint8Array }): Uint8Array => datagram.slice(132);
  expect(mac2(first)).toEqual(new Uint8Array(16));
  expect(mac2(second)).not.toEqual(new Uint8Array(16));
});

test('a cookie reply moves no timer and no endpoint, and a forged one spoils nothing', () => {
  const { network, station, bare } = makeAttacked(63);
  station.connect();
  const initiation = bare.take('initiation');
  const before = station.device.nextTimeout();
  const cookie = network.random.bytes(16);
  const genuine = bare.peer.createCookieReply(initiation, cookie);
  const forged = Uint8Array.from(genuine);
  forged[40] ^= 1;
  bare.moveTo('203.0.113.7:7');
  bare.send(forged);
  expect(station.drops('unopenedCookie')).toBe(1);
  bare.send(genuine);
  expect(station.drops(), 'the genuine one is taken').toBe(1);
  bare.send(bare.peer.createCookieReply(initiation, network.random.bytes(16)));
  expect(station.drops('unexpectedCookie'), 'one for each mac1').toBe(1);
  expect(station.device.nextTimeout()).toBe(before);
  expect(station.status().peers[0].endpoint?.toString()).toBe('198.51.100.1:1000');

  bare.moveTo('198.51.100.1:1000');
  network.advance(6_000);
  const retry = bare.take('initiation');
  expect(retry).toEqual(appendMacs(retry.slice(0, 116), bare.peer.publicKey, cookie));
});

test('load ends a second after the flood; the 101st quiet handshake needs no cookie', () => {
  const { network, station, bare } = makeAttacked(64);
  for (let i = 1; i <= 101; i++) {
    network.advance(20);
    bare.send(bare.createInitiation());
    expect(bare.takeKinds(), `quiet handshake ${i}`).toContain('response');
  }
  expect(station.status().underLoad).toBe(false);
  network.advance(2_000);
  flood(network, station);
  expect(station.status().underLoad).toBe(true);
  network.advance(1_001);
  expect(station.status().underLoad).toBe(false);
  bare.send(bare.createInitiation());
  expect(bare.takeKinds()).toContain('response');
});

test("a flood from one source doesn't keep another out", () => {
  const attacked = makeAttacked(65);
  const { network, station, bare } = attacked;
  const loud = addBareStation(network, station, { name: 'loud', endpoint: FLOODER.toString() });
  const cookie = fetchCookie(attacked);
  loud.send(loud.createInitiation());
  const loudCookie = loud.peer.openCookieReply(loud.take('cookieReply'));
  for (let i = 0; i < 200; i++) loud.send(loud.createInitiation({ cookie: loudCookie }));
  expect(station.drops('rateLimited')).toBeGreaterThan(190);
  bare.send(bare.createInitiation({ cookie }));
  expect(bare.takeKinds()).toContain('response');
});

test('the addresses of one IPv6 /64 are one source', () => {
  const network = makeNetwork(66);
  const station = network.addStation();
  const quiet = addBareStation(network, station, { name: 'quiet', endpoint: '[2001:db8::1]:1' });
  const loud = addBareStation(network, station, { name: 'loud', endpoint: '[2001:db8:0:1::]:1' });
  flood(network, station);
  const cookies = new Map<string, Uint8Array>();
  for (let i = 0; i < 8; i++) {
    loud.moveTo(`[2001:db8:0:1::${i + 1}]:1`);
    loud.send(loud.createInitiation());
    cookies.set(loud.endpoint.toString(), loud.peer.openCookieReply(loud.take('cookieReply')));
  }
  quiet.send(quiet.createInitiation());
  const quietCookie = quiet.peer.openCookieReply(quiet.take('cookieReply'));
  flood(network, station);
  for (const [place, cookie] of cookies) {
    loud.moveTo(place);
    loud.send(loud.createInitiation({ cookie }));
  }
  expect(station.drops('rateLimited'), 'five at once, then no more').toBe(8 - 5);
  quiet.send(quiet.createInitiation({ cookie: quietCookie }));
  expect(quiet.takeKinds()).toContain('response');
});

test('an established keypair does not notice a flood', () => {
  const { network, a, b } = makeConnectedPair(67);
  const ids: number[] = [];
  for (let i = 0; i < 5; i++) {
    flood(network, b);
    ids.push(a.send(b), b.send(a));
    network.advance(100);
  }
  expect(ids.every((id) => network.ledger.isDelivered(id))).toBe(true);
});

test('a message with a wrong mac1 is never answered', () => {
  const { network, station, bare } = makeAttacked(68);
  const forged = bare.createInitiation();
  forged[120] ^= 1;
  bare.send(forged);
  flood(network, station);
  bare.send(forged);
  expect(bare.takeKinds()).toEqual([]);
  expect(station.drops('wrongMac1')).toBe(2);
});

test('a peer that initiates faster than every 20 ms is not followed', () => {
  const { network, station, bare } = makeAttacked(70);
  bare.send(bare.createInitiation());
  network.advance(19);
  bare.send(bare.createInitiation());
  expect(station.drops('initiationFlood')).toBe(1);
  network.advance(1);
  bare.send(bare.createInitiation());
  expect(station.drops()).toBe(1);
});
