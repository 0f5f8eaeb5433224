/** The loop with a pump, between real descriptors and a real device: a pair of sockets stands for the TUN. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, inject, it } from 'vitest';
import { Loop } from '../../src/engine/loop.ts';
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
const HERE = Uint8Array.of(10, 0, 0, 1);
const THERE = Uint8Array.of(10, 0, 0, 2);
const INITIATION_BYTES = 148;

const opened: (() => void)[] = [];

afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** A loop with a pump that is up, and its TUN. */
function open(device: Device): { readonly loop: Loop; readonly pair: TunPair } {
  const pair = new TunPair();
  const ignore = (): void => undefined;
  const loop = new Loop(device, pair.tun, { onConnected: ignore, onTunGone: ignore }, undefined);
  opened.push(() => {
    loop.stop();
    pair.close();
  });
  loop.usePump(inject('pump'), MTU, 0);
  const { udp4, udp6 } = openHostSockets(0);
  loop.useSockets(udp4, udp6);
  loop.up();
  return { loop, pair };
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

it('packets without end do not keep an initiation from being repeated', async () => {
  const { socket, place } = await openSilence();
  const initiations: number[] = [];
  socket.on('message', ({ length }) => {
    if (length === INITIATION_BYTES) initiations.push(performance.now());
  });
  const packet = makeInnerPacket(1, HERE, THERE, 100);
  const until = performance.now() + 12_000;
  const device = new FloodedDevice(() => {
    if (performance.now() > until) return;
    for (let count = 0; count < 2; count++) pair.write(packet);
  });
  const { loop, pair } = open(device);
  const privateKey = new Uint8Array(32).fill(1);
  const publicKey = x25519.publicKey(new Uint8Array(32).fill(2));
  loop.apply((now, out) => {
    const peer = {
      publicKey,
      endpoint: place,
      allowedIPs: [{ prefix: parsePrefix('0.0.0.0/0')! }],
    };
    device.configure({ privateKey, peers: [peer] }, now, out);
  });
  pair.write(packet);
  await expect.poll(() => initiations.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
  expect(performance.now(), 'the flood was going on').toBeLessThan(until);
  // REKEY_TIMEOUT, and up to a third of a second more.
  expect(initiations[1] - initiations[0]).toBeLessThan(7_000);
});
