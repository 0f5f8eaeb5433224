/** What becomes of a pump that fails: with the library itself, on real descriptors. */
import { closeSync, readdirSync } from 'node:fs';
import { expect, inject, it } from 'vitest';
import { PumpPath } from '../../src/engine/fast-path.ts';
import { UdpEndpoint } from '../../src/ip.ts';
import { openHostSockets } from '../../src/linux/host-sockets.ts';
import { Pump } from '../../src/linux/pump.ts';

/** The threads of this process. */
function threads(): ReadonlySet<string> {
  return new Set(readdirSync('/proc/self/task'));
}

it('a pump that can not be made says which errno it is', () => {
  const options = { tun: -1, udp4: -1, udp6: -1, mtu: 1, vnetHeaderBytes: 10 };
  expect(() => Pump.open(inject('pump'), options)).toThrow(/^pump_open: EINVAL$/);
});

it('a pump that has failed has no thread left after it was stopped', () => {
  // A socket that nobody sends to stands for the TUN: it can be read, and has nothing to read.
  const tun = openHostSockets(0);
  const sockets = openHostSockets(0);
  const failures: Error[] = [];
  const ignore = (): void => undefined;
  const options = { tun: tun.udp4, udp4: sockets.udp4, udp6: -1, mtu: 1420, vnetHeaderBytes: 10 };
  const pump = new PumpPath(inject('pump'), options, {
    onHandshake: ignore,
    onPortZero: ignore,
    onPacket: ignore,
    onActivity: ignore,
    onBatchEnd: ignore,
    onFailure: (error) => failures.push(error),
    onGone: ignore,
  });
  const before = threads();
  pump.start();
  const started = [...threads()].filter((thread) => !before.has(thread));
  expect(started).toHaveLength(2);
  // No such endpoint can be, so the pump refuses it.
  const nowhere = new UdpEndpoint(Uint8Array.of(192, 0, 2, 1), 0);
  pump.setEndpoint(0, nowhere);
  expect(failures).toMatchObject([{ code: 'EINVAL' }]);
  pump.stop();
  expect([...threads()].filter((thread) => started.includes(thread))).toEqual([]);
  // The descriptors may be closed, and nothing begins anew.
  sockets.close();
  pump.start();
  pump.setEndpoint(0, nowhere);
  expect([...threads()].filter((thread) => !before.has(thread))).toEqual([]);
  expect(failures).toHaveLength(1);
  pump.close();
  closeSync(tun.udp4);
  closeSync(tun.udp6);
});
