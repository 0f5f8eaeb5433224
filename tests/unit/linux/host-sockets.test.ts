import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SystemCallError } from '../../../src/linux/ffi.ts';
import { lookUpRoute, openHostSockets } from '../../../src/linux/host-sockets.ts';
import { probeEndpoint } from '../../../src/linux/probe.ts';

const loopback = Uint8Array.of(127, 0, 0, 1);

describe("the host's sockets", () => {
  it('share one free port in both families', () => {
    const sockets = openHostSockets(0);
    expect(sockets.port).toBeGreaterThan(0);
    expect(fstatSync(sockets.udp4).isSocket()).toBe(true);
    if (sockets.hasIPv6) expect(fstatSync(sockets.udp6).isSocket()).toBe(true);
    sockets.close();
  });

  it('say that a port is taken', async () => {
    const other = createSocket('udp4').bind(0);
    await once(other, 'listening');
    const { port } = other.address();
    expect(() => openHostSockets(port)).toThrow(SystemCallError);
    expect(() => openHostSockets(port)).toThrow('bind: EADDRINUSE');
    other.close();
    await once(other, 'close');
    const sockets = openHostSockets(port);
    expect(sockets.port).toBe(port);
    sockets.close();
  });

  it('free the port when they are closed', () => {
    const first = openHostSockets(0);
    const { port } = first;
    first.close();
    const again = openHostSockets(port);
    expect(again.port).toBe(port);
    again.close();
  });
});

describe('a route', () => {
  it('to loopback has its MTU', () => {
    const route = lookUpRoute({ address: loopback, port: 9 });
    // The device has 65,536; some kernels count no more than an IP packet can have.
    expect(route.reachable && route.mtu).toBeGreaterThanOrEqual(65535);
  });
});

describe('the probe', () => {
  it('is refused where nobody listens', async () => {
    const first = openHostSockets(0);
    const { port } = first;
    first.close();
    expect(await probeEndpoint({ address: loopback, port })).toBe('ECONNREFUSED');
  });

  it('is not refused where somebody listens', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address();
    expect(await probeEndpoint({ address: loopback, port })).toBeUndefined();
    other.close();
  });
});
