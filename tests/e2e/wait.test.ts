/** Waiting for a tunnel that somebody else has started. */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command } from './harness/command.ts';
import { makeKeyPair } from './harness/keys.ts';
import { CLOSED_PORT } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** A session that doesn't wait for a handshake. */
async function holdUnconnected(client: Client): Promise<Command> {
  const script = ['sh', '-c', 'echo up; exec cat'];
  const args = ['--no-wait', '-c', client.name, '--', ...script];
  const command = topology.host.wrap(args, { inputStaysOpen: true });
  await command.until(/^up$/m);
  return command;
}

test('a tunnel that is connected is not waited for', async () => {
  const hold = await topology.hold(await topology.client());
  const wait = ['wait', 'work', '--timeout', '10s'];
  expect(await topology.host.wrap(wait).wait()).toMatchObject({ status: 0, text: '', stderr: '' });
  await hold.finish();
});

test('a tunnel that becomes connected is waited for', async () => {
  const client = await topology.client();
  const { peer } = topology.site;
  await peer.setPeers([{ publicKey: makeKeyPair().publicKey, allowedIps: ['10.9.0.77/32'] }]);
  const hold = await holdUnconnected(client);
  const wait = topology.host.wrap(['wait', '--timeout', '20s'], { limitMs: 30_000 });
  await client.introduce();
  expect(await wait.wait()).toMatchObject({ status: 0, text: '', stderr: '' });
  await hold.finish();
});

test('when the time is over, the reason is that of a run', async () => {
  const { outer4 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `${outer4}:${CLOSED_PORT}` });
  const hold = await holdUnconnected(client);
  expect(await topology.host.wrap(['wait', 'work', '--timeout', '1s']).wait()).toMatchObject({
    status: 124,
    stderr: `wg-wrap: ${outer4}:${CLOSED_PORT} refused the datagram: nothing listens there\n`,
  });
  await hold.finish();
});

test('a tunnel that is not there is not waited for', async () => {
  expect(await topology.host.wrap(['wait', 'work', '--timeout', '9s']).wait()).toMatchObject({
    status: 125,
    stderr: 'wg-wrap: no tunnel "work" is running\n',
  });
});
