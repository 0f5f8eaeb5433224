import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UdpEndpoint } from '../../../src/ip.ts';
import { getSocketOption } from '../../../src/linux/ffi.ts';
import { openHostSockets } from '../../../src/linux/host-sockets.ts';
import { UdpSockets } from '../../../src/linux/udp.ts';
import { setTrafficClass } from '../../../src/linux/traffic-class.ts';

const IPPROTO_IP = 0;
const IP_TOS = 1;

interface Party {
  readonly sockets: UdpSockets;
  readonly udp4: number;
  readonly endpoint: UdpEndpoint;
  readonly received: { readonly datagram: Uint8Array; readonly from: UdpEndpoint }[];
}

function party(): Party {
  const { udp4, udp6, port } = openHostSockets(0);
  const received: Party['received'] = [];
  const sockets = UdpSockets.adopt(udp4, udp6, (datagram, from) => {
    received.push({ datagram, from });
  });
  return { sockets, udp4, endpoint: new UdpEndpoint(Uint8Array.of(127, 0, 0, 1), port), received };
}

let one: Party;
let two: Party;

beforeEach(() => {
  one = party();
  two = party();
});

afterEach(() => {
  one.sockets.close();
  two.sockets.close();
});

describe('the sockets', () => {
  it('carry datagrams both ways, and tell where they came from', async () => {
    one.sockets.send(two.endpoint, Uint8Array.of(1, 2, 3), 0);
    await expect.poll(() => two.received.length).toBe(1);
    const [{ datagram, from }] = two.received;
    expect(datagram).toEqual(Uint8Array.of(1, 2, 3));
    expect(datagram).not.toBeInstanceOf(Buffer);
    expect(from.equals(one.endpoint)).toBe(true);
    two.sockets.send(from, Uint8Array.of(4), 0);
    await expect.poll(() => one.received.length).toBe(1);
  });

  it('copy what they send', async () => {
    const datagram = Uint8Array.of(1, 2, 3);
    one.sockets.send(two.endpoint, datagram, 0);
    datagram.fill(9);
    await expect.poll(() => two.received.length).toBe(1);
    expect(two.received[0].datagram).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('carry datagrams of any size that UDP has', async () => {
    const large = new Uint8Array(60_000).fill(7);
    one.sockets.send(two.endpoint, large, 0);
    await expect.poll(() => two.received.length).toBe(1);
    expect(two.received[0].datagram).toEqual(large);
  });

  it('give each datagram the class that it asks for', async () => {
    one.sockets.send(two.endpoint, Uint8Array.of(1), 0x88);
    await expect.poll(() => two.received.length).toBe(1);
    expect(getSocketOption(one.udp4, IPPROTO_IP, IP_TOS)).toBe(0x88);
    one.sockets.send(two.endpoint, Uint8Array.of(2), 0);
    await expect.poll(() => two.received.length).toBe(2);
    expect(getSocketOption(one.udp4, IPPROTO_IP, IP_TOS)).toBe(0);
  });

  it('have no class left of whoever had the descriptor before', async () => {
    setTrafficClass(one.udp4, 4, 0x88);
    one.sockets.send(two.endpoint, Uint8Array.of(1), 0);
    await expect.poll(() => two.received.length).toBe(1);
    expect(getSocketOption(one.udp4, IPPROTO_IP, IP_TOS)).toBe(0);
  });

  it('count what the kernel refuses, and go on', async () => {
    const broadcast = new UdpEndpoint(Uint8Array.of(255, 255, 255, 255), 9);
    one.sockets.send(broadcast, Uint8Array.of(1), 0);
    await expect.poll(() => one.sockets.counters.sendErrors.get('EACCES')).toBe(1);
    one.sockets.send(two.endpoint, Uint8Array.of(2), 0);
    await expect.poll(() => two.received.length).toBe(1);
  });

  it('count what dgram throws at, and keep the room for others', async () => {
    const nowhere = new UdpEndpoint(Uint8Array.of(127, 0, 0, 1), 0);
    for (let i = 0; i < 600; i++) one.sockets.send(nowhere, Uint8Array.of(1), 0);
    expect(one.sockets.counters.sendErrors.get('ERR_SOCKET_BAD_PORT')).toBe(600);
    expect(one.sockets.counters.queueFull).toBe(0);
    one.sockets.send(two.endpoint, Uint8Array.of(2), 0);
    await expect.poll(() => two.received.length).toBe(1);
  });

  it('drop and count what is too much at once', async () => {
    for (let i = 0; i < 600; i++) one.sockets.send(two.endpoint, new Uint8Array(32), 0);
    expect(one.sockets.counters.queueFull).toBe(600 - 512);
    await expect.poll(() => two.received.length).toBeGreaterThan(0);
    await expect
      .poll(() => {
        one.sockets.send(two.endpoint, new Uint8Array(32), 0);
        return one.sockets.counters.queueFull;
      })
      .toBe(600 - 512);
  });
});
