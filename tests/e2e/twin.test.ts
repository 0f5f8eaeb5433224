/** One private key is for one tunnel at a time. */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

/** The same configuration under another name. */
function copyOf(client: Client, name: string): Client {
  topology.host.write(name, client.text);
  return { ...client, name };
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
