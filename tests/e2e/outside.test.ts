/** Commands that do their work outside of the tunnel: the run says so, or with --strict refuses. */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Result } from './harness/command.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** Puts a script of a program's name into the home directory; gives its path. */
function fake(name: string): string {
  return topology.host.write(name, '#!/bin/sh\necho "ran $*"; read -r end; exit 0\n', 0o755);
}

async function runWith(
  client: Client,
  options: readonly string[],
  argv: readonly string[],
): Promise<Result> {
  return await topology.host.wrap(['-c', client.name, ...options, '--', ...argv]).wait();
}

test('the face of a daemon runs with a warning, silently with -q, and not with --strict', async () => {
  const client = await topology.client();
  const docker = fake('docker');
  const said =
    'wg-wrap: docker talks to a daemon outside; its containers will NOT use the tunnel\n';
  for (const options of [['--strict'], ['-q', '--strict']]) {
    const result = await runWith(client, options, [docker]);
    expect(result).toMatchObject({ status: 125, text: '', stderr: said });
  }
  const env = { WG_WRAP_STRICT: '1' };
  expect((await topology.run(client, [docker], { env })).status).toBe(125);
  // Nothing was begun for a command that was not to run.
  expect(topology.host.stateFiles()).toEqual([]);
  expect(await runWith(client, [], [docker, 'run'])).toMatchObject({
    status: 0,
    text: 'ran run',
    stderr: said,
  });
  expect(await runWith(client, ['-q'], [docker])).toMatchObject({ status: 0, stderr: '' });
});

test('podman is the face of a daemon only if it is told to be', async () => {
  const client = await topology.client();
  const podman = fake('podman');
  expect(await runWith(client, ['--strict'], [podman, 'ps'])).toMatchObject({
    status: 0,
    stderr: '',
  });
  expect((await runWith(client, ['--strict'], [podman, '--remote', 'ps'])).status).toBe(125);
});

test('a program that runs once, and runs outside already, is warned of or refused', async () => {
  const { host } = topology;
  const client = await topology.client();
  const firefox = fake('firefox');
  const outside = host.user([firefox], { inputStaysOpen: true });
  await outside.until(/^ran/m);
  const said = new RegExp(
    `^wg-wrap: firefox is already running outside the tunnel \\(pid ${outside.pid}\\); ` +
      'a new window would open THERE\\. Close it first\n$',
  );
  const warned = await runWith(client, [], [firefox]);
  expect(warned).toMatchObject({ status: 0, text: 'ran ' });
  expect(warned.stderr).toMatch(said);
  const refused = await runWith(client, ['--strict'], [firefox]);
  expect(refused).toMatchObject({ status: 125, text: '' });
  expect(refused.stderr).toMatch(said);
  // Another program has nothing to do with it.
  expect(await runWith(client, ['--strict'], [fake('chromium')])).toMatchObject({ stderr: '' });
  await outside.finish();
});

test('a program that runs once, and runs in this very tunnel, is joined without a word', async () => {
  const client = await topology.client();
  const firefox = fake('firefox');
  const first = topology.start(client, [firefox], { inputStaysOpen: true });
  await first.until(/^ran/m);
  expect(await runWith(client, ['--strict'], [firefox])).toMatchObject({ status: 0, stderr: '' });
  await first.finish();
});

test('sudo as the command is refused, with what to do instead', async () => {
  const client = await topology.client();
  const result = await runWith(client, [], [fake('sudo'), '-n', 'true']);
  expect(result).toMatchObject({
    status: 125,
    text: '',
    stderr:
      "wg-wrap: sudo can't gain privileges inside wg-wrap; run the command without it. " +
      'A root-like uid without power: wg-wrap ... -- unshare -r COMMAND\n',
  });
});
