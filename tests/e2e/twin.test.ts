/** One private key is for one tunnel at a time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { NameServer } from './harness/name-server.ts';
import { ENDPOINT_NAME } from './harness/site.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

const KEY = /^PrivateKey.*$/m;

function keyOf({ text }: Client): string {
  return KEY.exec(text)?.[0] ?? '';
}

/** The same configuration under another name. */
function copyOf(client: Client, name: string): Client {
  topology.host.write(name, client.text);
  return { ...client, name };
}

/** What each tunnel runs with: its engine's pid, and what it says of itself. */
function enginesAndAbouts(): readonly unknown[] {
  const { host } = topology;
  const abouts = host.stateFiles().filter((file) => file.endsWith('/about'));
  return [
    host.pins().map((pin) => pin.get('engine')),
    abouts.map((file) => readFileSync(join(host.runtime, file), 'utf8')),
  ];
}

test('another file with the key of a tunnel that runs is refused', async () => {
  const client = await topology.client();
  const session = await topology.hold(client);
  const home = copyOf(client, 'home.conf');
  expect(await topology.run(home, ['echo', 'ran'])).toMatchObject({
    status: 125,
    text: '',
    stderr:
      'wg-wrap: home.conf uses the same key as the running tunnel "work"; two tunnels with one key ' +
      `cut each other off. Use -c ${topology.host.home}/work.conf, or end it: wg-wrap down work\n`,
  });
  clean(await session.finish());
  await topology.settled();
  expect(await topology.output(home, ['echo', 'ran'])).toBe('ran');
});

test.each(['for the one that runs', 'for a fresh one'])(
  '--restart does not take the key of another tunnel either, %s',
  async (kind) => {
    const { host } = topology;
    const home = await topology.client({ name: 'home.conf' });
    const other = await topology.hold(home);
    const client = await topology.client();
    clean(await host.wrap(['up', client.name]).wait());
    const [engines, stateFiles] = [enginesAndAbouts(), host.stateFiles()];
    const edited = client.text.replace(KEY, keyOf(home));
    const dns = kind === 'for a fresh one' ? 'DNS = 10.9.0.1, corp.example' : '$&';
    host.write(client.name, edited.replace(/^DNS.*$/m, dns));
    const refused = await host.wrap(['-c', client.name, '--restart', '--', 'echo', 'ran']).wait();
    expect(refused).toMatchObject({
      status: 125,
      text: '',
      stderr:
        'wg-wrap: work.conf uses the same key as the running tunnel "home"; two tunnels with one ' +
        `key cut each other off. Use -c ${host.home}/home.conf, or end it: wg-wrap down home\n`,
    });
    expect([enginesAndAbouts(), host.stateFiles()]).toEqual([engines, stateFiles]);
    // The file as it was is the one that the tunnel runs with.
    host.write(client.name, client.text);
    clean(await topology.run(client, ['true']));
    clean(await other.finish());
    clean(await host.wrap(['down', 'work']).wait());
  },
);

test('a tunnel that was killed is in nobody’s way', async () => {
  const client = await topology.client();
  const session = await topology.hold(client);
  process.kill(topology.host.pinPid(), 'SIGKILL');
  await session.finish();
  expect(await topology.output(copyOf(client, 'home.conf'), ['echo', 'ran'])).toBe('ran');
  await topology.settled();
  topology.host.forgetState();
});

test('of two starts at the same time never do both succeed', async () => {
  const client = await topology.client();
  const clients = [client, copyOf(client, 'home.conf')];
  for (let round = 0; round < 5; round++) {
    const runs = clients.map((each): Command =>
      topology.start(each, ['sh', '-c', 'echo ran; cat'], { inputStaysOpen: true }),
    );
    // Each has ended, or runs: then the other one must have been refused.
    const outcomes = await Promise.all(
      runs.map(async (run) => {
        await eventually(
          () => run.output !== '' || run.errors !== '',
          15_000,
          () => 'neither ran nor refused',
        );
        return run.output.startsWith('ran');
      }),
    );
    expect(outcomes.filter((ran) => ran).length).toBeLessThanOrEqual(1);
    for (const run of runs) await run.finish();
    await topology.settled();
  }
});

test('of two tunnels that are given one key at the same time never do both get it', async () => {
  const { host } = topology;
  const wanted = keyOf(await topology.client());
  const clients = [
    await topology.client({ name: 'home.conf' }),
    await topology.client({ name: 'office.conf' }),
  ];
  for (const { name } of clients) clean(await host.wrap(['up', name, '--no-wait']).wait());
  for (const { name, text } of clients) host.write(name, text.replace(KEY, wanted));
  const runs = clients.map(({ name }) =>
    host.wrap(['-c', name, '--restart', '--no-wait', '--', 'echo', 'ran']),
  );
  const results = await Promise.all(runs.map(async (run) => await run.wait()));
  const refused = results.filter(({ status }) => status !== 0);
  expect(refused.length).toBeGreaterThanOrEqual(1);
  for (const { stderr } of refused) expect(stderr).toContain('two tunnels with one key');
  clean(await host.wrap(['down', '--all']).wait());
});

test('a key that another tunnel gets while names are resolved is refused', async () => {
  const { host, site } = topology;
  topology.allowNameServices();
  const wanted = keyOf(await topology.client());
  const first = await topology.client({ name: 'home.conf' });
  const second = await topology.client({ name: 'office.conf' });
  for (const { name } of [first, second]) {
    clean(await host.wrap(['up', name, '--no-wait']).wait());
  }
  const edited = second.text
    .replace(KEY, wanted)
    .replace(/^Endpoint.*:/m, `Endpoint = ${ENDPOINT_NAME}:`);
  host.write(second.name, edited);
  await NameServer.during(host, [], async (server) => {
    const late = host.wrap(['-c', second.name, '--restart', '--no-wait', '--', 'echo', 'ran']);
    await eventually(
      () => server.queriesFor(ENDPOINT_NAME) > 0,
      20_000,
      () => 'the name was not asked for',
    );
    host.write(first.name, first.text.replace(KEY, wanted));
    clean(await host.wrap(['-c', first.name, '--restart', '--no-wait', '--', 'true']).wait());
    await server.answer([`${ENDPOINT_NAME},${site.addresses.outer4}`]);
    const result = await late.wait();
    expect(result).toMatchObject({ status: 125, text: '' });
    expect(result.stderr).toContain('uses the same key as the running tunnel "home"');
  });
  host.write(second.name, second.text);
  clean(await host.wrap(['-c', second.name, '--no-wait', '--', 'true']).wait());
  clean(await host.wrap(['down', '--all']).wait());
});
