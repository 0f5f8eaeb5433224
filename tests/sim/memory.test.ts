/**
 * What a device keeps of floods and of peers that came and went: nothing. Memory is measured after a
 * garbage collection, over several spans of the same work. What is kept of each thing shows in every
 * span; what the compiler takes for itself, now and then and in any amount, only in some. So the
 * span that grew least is the one that tells. The bounds are well below one small object for each
 * thing that must not be kept.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { appendMacs, makeFakeHandshake, openCookieReply } from './bare-peer.ts';
import { makeNetwork } from './pair.ts';
import { SimEndpoint } from './sim-endpoint.ts';

const UNDER_LOAD_MESSAGES = 128;
const SOURCES_PER_FLOOD = 60;
const FLOODER = SimEndpoint.of('203.0.113.66:666');

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function usedBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const SPANS = 4;

/** The growth in bytes over the span that grew least, of work that is done in spans of `times`. */
function leastGrowth(times: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  let before = usedBytes();
  for (let span = 0; span < SPANS; span++) {
    for (let i = 0; i < times; i++) work();
    const after = usedBytes();
    least = Math.min(least, after - before);
    before = after;
  }
  return least;
}

test('memory is the same after the hundredth flood as after the first', () => {
  const network = makeNetwork(69);
  const station = network.addStation();
  const replies: Uint8Array[] = [];
  // Straight into the device: the recordings of the simulation would grow, not the device.
  const out = {
    transmit: (_to: unknown, datagram: Uint8Array) => void replies.push(datagram.slice()),
    deliver: () => undefined,
  };
  let now = network.now;
  const give = (message: Uint8Array, from: SimEndpoint): void => {
    station.device.handleDatagram(Uint8Array.from(message), from, now, out);
  };
  const initiation = makeFakeHandshake('initiation', network.random, station.publicKey);
  const response = makeFakeHandshake('response', network.random, station.publicKey);
  // Each flood comes from other addresses, which come again with the cookie that they got.
  let round = 0;
  const floodOnce = (): void => {
    round += 1;
    now += 3_000;
    for (let i = 0; i < UNDER_LOAD_MESSAGES; i++)
      give(i % 8 === 0 ? initiation : response, FLOODER);
    for (let source = 0; source < SOURCES_PER_FLOOD; source++) {
      const from = new SimEndpoint(Uint8Array.of(100, round, 0, source), 1 + source);
      replies.length = 0;
      give(response, from);
      const cookie = openCookieReply(replies[0], response, station.publicKey);
      give(appendMacs(response.slice(0, 60), station.publicKey, cookie), from);
    }
  };
  for (let i = 0; i < 20; i++) floodOnce();
  const grownBytes = leastGrowth(20, floodOnce);
  expect(station.drops('rateLimited')).toBe(0);
  expect(station.drops('unknownIndex'), 'with a cookie').toBeGreaterThan(100 * SOURCES_PER_FLOOD);
  expect(grownBytes / (20 * SOURCES_PER_FLOOD), 'bytes kept for each source').toBeLessThan(50);
}, 60_000);

test('memory is the same after a thousand peers have come and gone', () => {
  const network = makeNetwork(71);
  const { device, x25519 } = network.addStation();
  const out = { transmit: () => undefined, deliver: () => undefined };
  const endpoint = SimEndpoint.of('198.51.100.1:1');
  const allowedIPs = [4, 16].map((bytes) => ({
    prefix: { address: network.random.bytes(bytes), length: 8 * bytes },
  }));
  const comeAndGo = (): void => {
    const publicKey = x25519.publicKey(network.random.bytes(32));
    const peer = { publicKey, endpoint, allowedIPs, persistentKeepaliveSeconds: 25 };
    device.configure({ peers: [peer] }, network.now, out);
    device.configure({ peers: [{ publicKey, remove: true }] }, network.now, out);
  };
  for (let i = 0; i < 200; i++) comeAndGo();
  expect(leastGrowth(250, comeAndGo) / 250, 'bytes kept for each peer').toBeLessThan(500);
  expect(device.nextTimeout()).toBeUndefined();
}, 60_000);
