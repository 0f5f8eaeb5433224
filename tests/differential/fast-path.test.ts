/**
 * What an engine hears of its pump, on real descriptors: a pair of sockets stands for the TUN, and the pump
 * sends to itself what is to arrive.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { readUint32LE } from '../../src/bytes.ts';
import { PumpPath, type PumpListener } from '../../src/engine/fast-path.ts';
import { parsePrefix, UdpEndpoint } from '../../src/ip.ts';
import { bootTime } from '../../src/linux/clock.ts';
import { openHostSockets, type HostSockets } from '../../src/linux/host-sockets.ts';
import type { Activity } from '../../src/wireguard/ports.ts';
import { makeInnerPacket } from '../sim/inner-packet.ts';
import { RingPump } from './ring-pump.ts';
import { TunPair } from './tun-pair.ts';

/** As fast-path.ts has it. */
const TURN = 64;
const MTU = 1420;
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const INITIATION_BYTES = 148;

let sockets: HostSockets;
let pair: TunPair;
let path: PumpPath;
let isClosed: boolean;
let here: UdpEndpoint;
/** What the listener was told, a word each; numbers are those in initiations. */
let told: (number | string)[];
let listener: PumpListener;

beforeEach(() => {
  sockets = openHostSockets(0);
  pair = new TunPair();
  here = new UdpEndpoint(LOOPBACK, sockets.port);
  told = [];
  isClosed = false;
  listener = {
    onHandshake: (datagram) => told.push(readUint32LE(datagram, 4)),
    onPortZero: () => told.push('port 0'),
    onPacket: (slot) => told.push(`packet of ${slot.length}`),
    onActivity: (peer) => told.push(`activity of ${peer}`),
    onBatchEnd: () => told.push('end'),
    onFailure: (error) => told.push(error.message),
    onGone: (error) => told.push(error.message),
  };
  const options = { tun: pair.tun, udp4: sockets.udp4, udp6: -1, mtu: MTU, vnetHeaderBytes: 10 };
  // What is told is looked up when it is, so that a test may change its listener.
  path = new PumpPath(inject('pump'), options, {
    onHandshake: (...all) => {
      listener.onHandshake(...all);
    },
    onPortZero: () => {
      listener.onPortZero();
    },
    onPacket: (...all) => {
      listener.onPacket(...all);
    },
    onActivity: (...all) => {
      listener.onActivity(...all);
    },
    onBatchEnd: () => {
      listener.onBatchEnd();
    },
    onFailure: (...all) => {
      listener.onFailure(...all);
    },
    onGone: (...all) => {
      listener.onGone(...all);
    },
  });
});

afterEach(() => {
  if (!isClosed) path.close();
  pair.close();
  sockets.close();
});

/** Sends an initiation with a number in it. */
function initiate(number: number): void {
  const datagram = new Uint8Array(INITIATION_BYTES);
  datagram[0] = 1;
  new DataView(datagram.buffer).setUint32(4, number, true);
  path.transmit(here, datagram, 0);
}

/** Waits, without a turn of the event loop, until the pump has received so many datagrams. */
function receive(count: number): void {
  const deadline = performance.now() + 20_000;
  while (path.activity.work.udpDatagramsReceived < count) {
    if (performance.now() > deadline) throw new Error('the datagrams have not arrived');
  }
}

function numbers(): readonly number[] {
  return told.filter((word) => typeof word === 'number');
}

it('a flood of messages leaves the rest of the engine its turns', async () => {
  const most = 20_000;
  let heard = 0;
  let inTurn = 0;
  let longestTurn = 0;
  listener = {
    ...listener,
    onHandshake: () => {
      heard++;
      longestTurn = Math.max(longestTurn, ++inTurn);
      // More than is taken, so that there is always one.
      for (let count = 0; count < 4 && heard < most; count++) initiate(heard);
    },
    onBatchEnd: () => {
      inTurn = 0;
    },
  };
  path.start();
  initiate(0);
  // By a timer, which is one of those who wait for their turns.
  await expect.poll(() => heard, { timeout: 20_000, interval: 1 }).toBeGreaterThan(TURN);
  expect(heard).toBeLessThan(most);
  expect(longestTurn).toBeLessThanOrEqual(TURN);
});

it('what takes several turns is told in order, and the next message wakes again', async () => {
  path.start();
  const count = 3 * TURN + 1;
  for (let round = 1; round <= 20; round++) {
    const from = (round - 1) * count;
    for (let number = from; number < round * count; number++) initiate(number);
    await expect.poll(() => numbers().length, { timeout: 20_000 }).toBe(round * count);
  }
  expect(numbers()).toEqual(Array.from({ length: 20 * count }, (_, number) => number));
  expect(path.activity.drops.handshakesFull).toBe(0);
});

it('what has come up is told after the stop by the next start only', async () => {
  path.start();
  const count = 2 * TURN;
  for (let number = 0; number < count; number++) initiate(number);
  receive(count);
  let stops = true;
  listener.onBatchEnd = () => {
    if (stops && numbers().length > 0) path.stop();
  };
  await expect.poll(() => numbers().length).toBe(TURN);
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  expect(numbers()).toHaveLength(TURN);
  stops = false;
  path.start();
  await expect.poll(() => numbers().length).toBe(count);
  expect(numbers()).toEqual(Array.from({ length: count }, (_, number) => number));
});

it.each(['onHandshake', 'onBatchEnd'] as const)(
  'nothing is told any more when %s has closed it',
  async (where) => {
    path.start();
    const before = told.length;
    const count = 3 * TURN;
    for (let number = 0; number < count; number++) initiate(number);
    receive(count);
    let closed = 0;
    listener[where] = () => {
      told.push('closed');
      path.close();
      isClosed = true;
      closed = told.length;
    };
    await expect.poll(() => closed).toBeGreaterThan(0);
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(told.slice(before).filter((word) => word === 'closed')).toHaveLength(1);
    expect(told.slice(closed).filter((word) => word !== 'end')).toEqual([]);
  },
);

it('a handshake message from port 0 is told as such, for nothing can be sent there', () => {
  const ring = new RingPump(inject('pump'), { mtu: MTU });
  const initiation = new Uint8Array(INITIATION_BYTES);
  initiation[0] = 1;
  for (const port of [0, 1]) ring.giveDatagrams([initiation], new UdpEndpoint(LOOPBACK, port), 0);
  ring.step();
  const [first, second] = ring.takeMessages();
  expect(first).toEqual({ kind: 'portZero' });
  expect(second).toMatchObject({ kind: 'handshake', from: { port: 1 } });
  ring.close();
});

it('a packet without a peer is told as the program sent it, without its header', async () => {
  path.start();
  const packet = makeInnerPacket(7, LOOPBACK, LOOPBACK, 100);
  const packets: Uint8Array[] = [];
  listener.onPacket = (slot) => packets.push(slot.packet.slice());
  pair.write(packet);
  await expect.poll(() => packets).toEqual([packet]);
});

it('what passes by is read a second later, and not again while nothing changes', async () => {
  const key = new Uint8Array(32).fill(1);
  const keypair = { peer: 3, localIndex: 5, remoteIndex: 6, isInitiator: true, birth: bootTime() };
  path.install({ ...keypair, sendKey: key, receiveKey: key });
  path.setEndpoint(3, here);
  path.setAllowedIPs([{ prefix: parsePrefix('0.0.0.0/0')!, peer: 3 }]);
  path.promote(5);
  path.start();
  const read: Activity[] = [];
  listener.onActivity = (peer, activity) => {
    expect(peer).toBe(3);
    read.push(activity);
  };
  const started = performance.now();
  pair.write(makeInnerPacket(7, LOOPBACK, LOOPBACK, 100));
  await expect.poll(() => read.at(-1)?.nextCounter, { timeout: 20_000 }).toBe(1);
  expect(performance.now() - started).toBeGreaterThan(900);
  const { length } = read;
  expect(path.sync()).toBe(false);
  expect(read).toHaveLength(length);
});

it('what passes by is read also where so much came up that it could not be told', async () => {
  const key = new Uint8Array(32).fill(1);
  const keypair = { peer: 3, isInitiator: true, birth: bootTime(), sendKey: key, receiveKey: key };
  const everything = [{ prefix: parsePrefix('0.0.0.0/0')!, peer: 3 }];
  path.install({ ...keypair, localIndex: 5, remoteIndex: 6 });
  path.setAllowedIPs(everything);
  path.start();
  const read: Activity[] = [];
  const silent = { ...listener, onActivity: () => undefined };
  listener.onActivity = (_, activity) => read.push(activity);
  const others = openHostSockets(0);
  const otherPair = new TunPair();
  const options = { udp4: others.udp4, udp6: -1, mtu: MTU, vnetHeaderBytes: 10 };
  const other = new PumpPath(inject('pump'), { ...options, tun: otherPair.tun }, silent);
  other.install({ ...keypair, localIndex: 6, remoteIndex: 5 });
  other.setEndpoint(3, here);
  other.setAllowedIPs(everything);
  other.promote(6);
  other.start();
  // All of this without a turn of the event loop.
  const most = 10_000;
  for (let count = 1; path.activity.drops.handshakesFull === 0; count++) {
    if (count > most) throw new Error('there is always room');
    initiate(count);
    receive(count);
  }
  const { udpDatagramsReceived } = path.activity.work;
  otherPair.write(makeInnerPacket(7, LOOPBACK, LOOPBACK, 100));
  receive(udpDatagramsReceived + 1);
  await expect.poll(() => read.length, { timeout: 10_000 }).toBeGreaterThan(0);
  other.close();
  otherPair.close();
  others.close();
});

it('a device that goes away is told, as an error of reading it', async () => {
  path.start();
  pair.remove();
  await expect.poll(() => told.at(-2)).toMatch(/^read: E\w+$/);
});
