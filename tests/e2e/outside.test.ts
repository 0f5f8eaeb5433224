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
      'a new window would open THERE\\. Close it, or use --isolate\n$',
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

/** Hands over to one of its name that runs already, through a socket in its profile, as browsers do. */
const BROWSER = `#!${process.execPath}
const { mkdirSync } = require('node:fs');
const { createServer, connect } = require('node:net');
const words = process.argv.slice(2);
const at = words.indexOf('--profile');
const profile = at < 0 ? process.env.HOME + '/.fox' : words[at + 1];
mkdirSync(profile, { recursive: true });
process.chdir(profile);
// What /proc/PID/comm says is the interpreter's name otherwise.
process.title = 'firefox';
const visit = () => console.log('window of ' + process.pid);
const talk = connect('handover', () => talk.end());
talk.on('data', (text) => process.stdout.write(String(text)));
talk.on('error', () => {
  createServer((other) => other.end('window of ' + process.pid + '\\n')).listen('handover', visit);
  process.stdin.resume().on('end', () => process.exit());
});
`;

test('with --isolate a browser that runs outside is not handed over to', async () => {
  const { host } = topology;
  const client = await topology.client();
  const firefox = host.write('firefox', BROWSER, 0o755);
  const args = ['-c', client.name, '--isolate', '--strict', '--', firefox, 'url'];
  const outside = host.user([firefox], { inputStaysOpen: true });
  const [window] = await outside.until(/^window of \d+$/m);
  // So it would go without.
  expect((await runWith(client, ['-q'], [firefox])).text).toBe(window);
  const inside = host.wrap(args, { inputStaysOpen: true });
  const [own] = await inside.until(/^window of \d+$/m);
  expect(own).toBe(`window of ${inside.pid}`);
  // The second one in the tunnel is handed over to the first one there.
  expect(await host.wrap(args).wait()).toMatchObject({ status: 0, text: own, stderr: '' });
  expect((await inside.finish()).stderr).toBe('');
  await outside.finish();
  const find = ['find', '.local/state/wg-wrap', '-path', '*/work-*/firefox', '-perm', '700'];
  expect((await host.user(find).wait()).text).not.toBe('');
  await host.user(['rm', '-r', '.local', '.fox']).wait();
});

test('with --isolate a program that can not be kept apart is refused, and others run as they are', async () => {
  const { host } = topology;
  const client = await topology.client();
  const konsole = fake('konsole');
  const outside = host.user([konsole], { inputStaysOpen: true });
  await outside.until(/^ran/m);
  const refused = await runWith(client, ['--isolate'], [konsole]);
  expect(refused).toMatchObject({ status: 125, text: '' });
  expect(refused.stderr).toMatch(
    /^wg-wrap: konsole is already running outside the tunnel \(pid \d+\), and --isolate can't keep /,
  );
  const env = { WG_WRAP_ISOLATE: '1' };
  expect(await topology.run(client, ['echo', 'x'], { env })).toMatchObject({
    text: 'x',
    stderr: '',
  });
  await outside.finish();
});

test('an isolated program of the same configuration in another tunnel is warned of', async () => {
  const { host } = topology;
  const client = await topology.client();
  const firefox = fake('firefox');
  // The pin is killed, and so the next run makes another tunnel.
  const first = host.wrap(['-c', client.name, '--isolate', '--', firefox], {
    inputStaysOpen: true,
  });
  await first.until(/^ran --no-remote --profile /m);
  process.kill(host.pinPid(), 'SIGKILL');
  const second = await runWith(client, ['--isolate'], [firefox]);
  expect(second.stderr).toMatch(
    /^wg-wrap: firefox is already running outside .* Close it first\n$/,
  );
  await first.finish();
  await host.user(['rm', '-r', '.local']).wait();
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
