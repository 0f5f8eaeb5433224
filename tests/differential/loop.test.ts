/**
 * The loop, with a pump and without, between real descriptors and real devices: a pair of sockets stands for
 * each TUN.
 *
 *     programs ◄─► TUN ◄─► loop A, pump ◄─► UDP, loopback ◄─► loop B ◄─► TUN ◄─► programs
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Loop, type LoopListener } from '../../src/engine/loop.ts';
import { parsePrefix, UdpEndpoint } from '../../src/ip.ts';
import { wallClock } from '../../src/linux/clock.ts';
import { entropy } from '../../src/linux/entropy.ts';
import { openHostSockets } from '../../src/linux/host-sockets.ts';
import { x25519 } from '../../src/linux/x25519.ts';
import type { PacketSlot } from '../../src/slot.ts';
import { Device } from '../../src/wireguard/device.ts';
import type { Millis, Outputs } from '../../src/wireguard/ports.ts';
import { makeInnerPacket } from '../sim/inner-packet.ts';
import { TunPair } from './tun-pair.ts';

const MTU = 1420;
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const INNER = { a: Uint8Array.of(10, 0, 0, 1), b: Uint8Array.of(10, 0, 0, 2) } as const;
const INITIATION_BYTES = 148;
const PATIENCE = { timeout: 20_000, interval: 1 };
/** TCP over IPv4 in segments of no length. */
const BAD_SUPER_PACKET = Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0, 0, 0);

const opened: (() => void)[] = [];

afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** One end of a tunnel. */
class End {
  readonly tun = new TunPair();
  readonly device: Device;
  readonly loop: Loop;
  readonly place: UdpEndpoint;
  /** What the loop told besides. */
  readonly told: string[] = [];
  readonly #key: Uint8Array;

  constructor(name: 'a' | 'b', hasPump: boolean, makeDevice = (): Device => newDevice()) {
    this.device = makeDevice();
    this.#key = new Uint8Array(32).fill(name === 'a' ? 1 : 2);
    const listener: LoopListener = {
      onConnected: () => this.told.push('connected'),
      onPumpFailed: (error) => this.told.push(error.message),
      onTunGone: (error) => this.told.push(error.message),
    };
    this.loop = new Loop(this.device, this.tun.tun, listener, undefined);
    opened.push(() => {
      this.loop.stop();
      this.tun.close();
    });
    if (hasPump) this.loop.usePump(inject('pump'), MTU, 0);
    const { udp4, udp6, port } = openHostSockets(0);
    this.place = new UdpEndpoint(LOOPBACK, port);
    this.loop.useSockets(udp4, udp6);
    this.loop.up();
  }

  get publicKey(): Uint8Array {
    return x25519.publicKey(this.#key);
  }

  /** Has a peer that everything goes to. */
  know(publicKey: Uint8Array, endpoint: UdpEndpoint): void {
    const peer = { publicKey, endpoint, allowedIPs: [{ prefix: parsePrefix('0.0.0.0/0')! }] };
    this.loop.apply((now, out) => {
      this.device.configure({ privateKey: this.#key, peers: [peer] }, now, out);
    });
  }

  /** A program sends a packet; without a pump the kernel says so with a signal. */
  send(packet: Uint8Array, header?: Uint8Array): void {
    this.tun.write(packet, header);
    if (this.loop.dataPath.dataPath === 'typescript') process.kill(process.pid, 'SIGURG');
  }

  /** The next packet for a program. */
  async receive(): Promise<Uint8Array> {
    let packet: Uint8Array | undefined;
    await expect.poll(() => (packet ??= this.tun.read()), PATIENCE).toBeDefined();
    return packet!;
  }

  /** Sends a datagram there. */
  async throwAt(datagram: Uint8Array): Promise<void> {
    const socket = createSocket('udp4');
    await new Promise((sent) => {
      socket.send(datagram, this.place.port, '127.0.0.1', sent);
    });
    socket.close();
  }
}

function newDevice(): Device {
  return new Device({ entropy, wallClock, x25519, mtu: MTU });
}

/** Two ends that know each other. */
function openPair(hasPump: boolean): { readonly a: End; readonly b: End } {
  const [a, b] = [new End('a', hasPump), new End('b', false)];
  b.know(a.publicKey, a.place);
  a.know(b.publicKey, b.place);
  return { a, b };
}

/** A number of packets both ways, which all arrive in order. */
async function expectTraffic(a: End, b: End): Promise<void> {
  for (let id = 0; id < 20; id++) {
    const there = makeInnerPacket(id, INNER.a, INNER.b, 100 + id);
    a.send(there);
    expect(await b.receive()).toEqual(there);
    const back = makeInnerPacket(id, INNER.b, INNER.a, 200 + id);
    b.send(back);
    expect(await a.receive()).toEqual(back);
  }
}

/** A place from which nothing comes back. */
async function openSilence(): Promise<{ readonly socket: Socket; readonly place: UdpEndpoint }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  opened.push(() => socket.close());
  return { socket, place: new UdpEndpoint(LOOPBACK, socket.address().port) };
}

/** Each packet that is taken brings two more, so that there is always one, until time is over. */
class FloodedDevice extends Device {
  readonly #flood: () => void;

  constructor(flood: () => void) {
    super({ entropy, wallClock, x25519, mtu: MTU });
    this.#flood = flood;
  }

  override handleTunPacket(slot: PacketSlot, now: Millis, out: Outputs): void {
    this.#flood();
    super.handleTunPacket(slot, now, out);
  }
}

describe.each([
  ['a pump', 'pump'],
  ['no pump', 'typescript'],
] as const)('a loop with %s', (_name, dataPath) => {
  it('makes a handshake for the first packet, and passes all of them', async () => {
    const { a, b } = openPair(dataPath === 'pump');
    await expectTraffic(a, b);
    expect(a.told).toEqual(['connected']);
    expect(a.loop.dataPath.dataPath).toBe(dataPath);
    const [peer] = a.loop.status().peers;
    expect(peer.replies.handshakes).toBe(1);
    expect(peer.rxBytes).toBeGreaterThan(20 * 200);
    expect(peer.txBytes).toBeGreaterThan(20 * 100);
  });

  it('goes on with new sockets, and where it was told to go down with nothing', async () => {
    const { a, b } = openPair(dataPath === 'pump');
    await expectTraffic(a, b);
    const { udp4, udp6 } = openHostSockets(0);
    a.loop.useSockets(udp4, udp6);
    await expectTraffic(a, b);
    a.loop.down();
    expect(a.loop.status().peers[0].stagedPackets).toBe(0);
    const sockets = openHostSockets(0);
    a.loop.useSockets(sockets.udp4, sockets.udp6);
    a.loop.up();
    await expectTraffic(a, b);
  });

  it('counts what has no right form, super-packets apart', async () => {
    const { a, b } = openPair(dataPath === 'pump');
    await expectTraffic(a, b);
    for (let count = 0; count < 3; count++) await a.throwAt(Uint8Array.of(4, 0, 0, 0, 1));
    a.send(makeInnerPacket(1, INNER.a, INNER.b, 100), BAD_SUPER_PACKET);
    await expect.poll(() => a.loop.status().drops.malformed, PATIENCE).toBe(3);
    await expect.poll(() => a.loop.counters.tun.offloaded, PATIENCE).toBe(1);
    expect(a.loop.status().drops).not.toHaveProperty('badSuperPacket');
  });
});

it('a pump that fails takes no count with it, and its loop goes on without', async () => {
  const { a, b } = openPair(true);
  await expectTraffic(a, b);
  for (let count = 0; count < 3; count++) await a.throwAt(Uint8Array.of(9, 0, 0, 0, 1));
  a.send(makeInnerPacket(1, INNER.a, INNER.b, 100), BAD_SUPER_PACKET);
  await expect.poll(() => a.loop.status().drops.malformed, PATIENCE).toBe(3);
  await expect.poll(() => a.loop.counters.tun.offloaded, PATIENCE).toBe(1);
  // No endpoint has that port, so the pump refuses it; and it can't be sent to, either.
  const third = x25519.publicKey(new Uint8Array(32).fill(3));
  a.loop.apply((now, out) => {
    const peer = { publicKey: third, endpoint: new UdpEndpoint(LOOPBACK, 0) };
    a.device.configure({ peers: [peer] }, now, out);
  });
  await expect.poll(() => a.told, PATIENCE).toEqual(['connected', 'pump_peer_endpoint: EINVAL']);
  expect(a.loop.dataPath.dataPath).toBe('typescript');
  expect(a.loop.status().drops.malformed).toBe(3);
  expect(a.loop.counters.tun.offloaded).toBe(1);
  expect(a.loop.observation.foreignReceived).toBe(3);
  await a.throwAt(Uint8Array.of(9, 0, 0, 0, 1));
  await expect.poll(() => a.loop.status().drops.malformed, PATIENCE).toBe(4);
  await expectTraffic(a, b);
});

it('packets without end do not keep an initiation from being repeated', async () => {
  const { socket, place } = await openSilence();
  const initiations: number[] = [];
  socket.on('message', ({ length }) => {
    if (length === INITIATION_BYTES) initiations.push(performance.now());
  });
  const packet = makeInnerPacket(1, INNER.a, INNER.b, 100);
  const until = performance.now() + 12_000;
  const flood = (): void => {
    if (performance.now() > until) return;
    for (let count = 0; count < 2; count++) a.tun.write(packet);
  };
  const a = new End('a', true, () => new FloodedDevice(flood));
  a.know(x25519.publicKey(new Uint8Array(32).fill(2)), place);
  a.send(packet);
  await expect.poll(() => initiations.length, PATIENCE).toBeGreaterThanOrEqual(2);
  expect(performance.now(), 'the flood was going on').toBeLessThan(until);
  // REKEY_TIMEOUT, and up to a third of a second more.
  expect(initiations[1] - initiations[0]).toBeLessThan(7_000);
});
