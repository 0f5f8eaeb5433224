/** What a host says to a datagram, asked on loopback. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { probeEndpoint } from '../../../src/linux/probe.ts';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);

/** A bound socket, and the port that it has. */
async function bind(): Promise<{ socket: ReturnType<typeof createSocket>; port: number }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

test('a port where nothing listens refuses', async () => {
  const { socket, port } = await bind();
  socket.close();
  await once(socket, 'close');
  expect(await probeEndpoint({ address: LOOPBACK, port })).toBe('ECONNREFUSED');
});

test('a port where somebody listens does not refuse', async () => {
  const { socket, port } = await bind();
  expect(await probeEndpoint({ address: LOOPBACK, port })).toBeUndefined();
  socket.close();
});

test('an address that cannot even be connected to is an answer, not an exception', async () => {
  // Broadcast needs a permission that the socket lacks; without any route it is unreachable.
  const address = Uint8Array.of(255, 255, 255, 255);
  expect(['EACCES', 'ENETUNREACH']).toContain(await probeEndpoint({ address, port: 9 }));
});
