/**
 * Options that belong to the tunnel: a run that joins may give those that it has, and no others. From
 * the command line or from the environment is the same.
 */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { CommandOptions, Result } from './harness/command.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

const LINK = ['ip', '-o', 'link', 'show', 'dev', 'wg0'];
const NAMESPACE = ['readlink', '/proc/self/ns/net'];

async function run(
  client: Client,
  options: readonly string[],
  argv: readonly string[] = ['true'],
  how: CommandOptions = {},
): Promise<Result> {
  return await topology.host.wrap(['-c', client.name, ...options, '--', ...argv], how).wait();
}

/** A session with these options that lasts until its input ends. */
async function hold(client: Client, options: readonly string[]) {
  const args = ['-c', client.name, ...options, '--', 'sh', '-c', 'echo runs; exec cat'];
  const session = topology.host.wrap(args, { inputStaysOpen: true });
  await session.until(/^runs$/m);
  return session;
}

test('a run joins a tunnel whose options it repeats, or says nothing of', async () => {
  const client = await topology.client();
  const session = await hold(client, ['--mtu', '1300', '--dns=none']);
  expect(clean(await run(client, [], LINK)).text).toContain(' mtu 1300 ');
  clean(await run(client, ['--mtu=1300']));
  clean(await run(client, ['--dns', 'none', '--mtu', '1300']));
  clean(await run(client, [], ['true'], { env: { WG_WRAP_MTU: '1300' } }));
  await session.finish();
});

test('a run that asks a living tunnel for another value is told both', async () => {
  const client = await topology.client();
  const session = await hold(client, ['--mtu', '1300']);
  const remedy = 'Use --restart, or end it: wg-wrap down work';
  expect(await run(client, ['--mtu', '1280'])).toMatchObject({
    status: 125,
    stderr:
      'wg-wrap: tunnel "work" runs with --mtu 1300; --mtu 1280 can\'t be applied to it. ' +
      `${remedy}\n`,
  });
  expect(await run(client, ['--mtu', '1300', '--ignore-unknown'])).toMatchObject({
    status: 125,
    stderr:
      'wg-wrap: tunnel "work" runs without --ignore-unknown; ' +
      `--ignore-unknown can't be applied to it. ${remedy}\n`,
  });
  const variable = { env: { WG_WRAP_DNS: 'none' } };
  expect(await run(client, [], ['true'], variable)).toMatchObject({
    status: 125,
    stderr:
      'wg-wrap: tunnel "work" runs without --dns; --dns none can\'t be applied to it. ' +
      `${remedy}\n`,
  });
  expect((await session.finish()).status).toBe(0);
});

test('the environment gives options to a tunnel, and the command line wins', async () => {
  const client = await topology.client();
  const env = { WG_WRAP_MTU: '1300', WG_WRAP_DNS: '', WG_WRAP_NO_WAIT: '0' };
  expect(clean(await run(client, [], LINK, { env })).text).toContain(' mtu 1300 ');
  await topology.settled();
  expect(clean(await run(client, ['--mtu', '1310'], LINK, { env })).text).toContain(' mtu 1310 ');
});

test('a variable that is wrong is named, and no tunnel is started', async () => {
  const client = await topology.client();
  const env = { WG_WRAP_LINGER: 'long' };
  expect(await run(client, [], ['true'], { env })).toMatchObject({
    status: 64,
    stderr: 'wg-wrap: WG_WRAP_LINGER "long": expected a time such as 15s, 500ms or 2m\n',
  });
  expect(topology.host.stateFiles()).toEqual([]);
});

test('a tunnel that lingers is there for the next command', async () => {
  const client = await topology.client();
  const first = clean(await run(client, ['--linger', '60s'], NAMESPACE)).text;
  expect(clean(await run(client, [], NAMESPACE)).text).toBe(first);
  expect(topology.host.pins()[0].get('linger')).toBe('60000');
  process.kill(topology.host.pinPid(), 'SIGTERM');
  await topology.settled();
});

test('a tunnel that lingers ends by itself when its time is over', async () => {
  const client = await topology.client();
  clean(await run(client, ['--linger', '700ms']));
  await topology.settled();
});

test('-q silences what the launcher finds while it sets the tunnel up, too', async () => {
  const client = await topology.client();
  const said = await run(client, ['--mtu', '1000']);
  expect(said).toMatchObject({ status: 0 });
  expect(said.stderr).toMatch(/^wg-wrap: IPv6 needs an MTU of 1280 .*\n$/);
  await topology.settled();
  clean(await run(client, ['--mtu', '1000', '-q']));
});
