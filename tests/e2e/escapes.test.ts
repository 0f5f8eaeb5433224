/**
 * Names and texts that others choose, in everything that wg-wrap prints: they must neither drive the
 * terminal, nor fake a line, nor turn its reading direction.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Command } from './harness/command.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** What a terminal would act on, in each of the forms it comes in. */
const EVIL = '\x1b[2J\x07\u009b31m\u202e\r';
/** A newline is what ends a line of ours; all else here must not get out. */
const ACTS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
/** Lines that a name may try to add. */
const FAKE = /^(wg-wrap: )?fake/m;

/** Everything that tells of running tunnels; `--watch` prints a line each second and is ended after one. */
const TELLING: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--json'],
  ['status', '--prometheus'],
  ['list'],
  ['list', '--json'],
  ['show'],
  ['logs'],
  ['down'],
  ['wait'],
];

/** Has wg-wrap tell of its tunnels in every way, and on a terminal; gives what it said. */
async function tell(env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const { host } = topology;
  const said: string[] = [];
  for (const args of TELLING) {
    const { text, stderr } = await host.wrap(args, { env }).wait();
    said.push(`${args.join(' ')}:\n${text}\n${stderr}`);
  }
  for (const args of [
    ['status', '--watch'],
    ['status', '--watch', '--json'],
  ]) {
    const watch = host.wrap(args, { env });
    await watch.until(/\n/);
    watch.kill('SIGTERM');
    const { text, stderr } = await watch.wait();
    said.push(`${args.join(' ')}:\n${text}\n${stderr}`);
  }
  return said;
}

/** A session inside whose program calls itself by a name that acts. */
async function startEvil(name: string, client: string): Promise<Command> {
  const path = topology.host.write(name, '#!/bin/sh\necho runs\nread -r end\n', 0o755);
  const session = topology.host.wrap(['-c', client, '--', path], { inputStaysOpen: true });
  await session.until(/^runs$/m);
  return session;
}

test('the name of a program inside only shows itself', async () => {
  const client = await topology.client();
  // The kernel keeps 15 bytes of it.
  const sessions = [
    await startEvil('\x1b[2J\u009b\u202e\r', client.name),
    await startEvil('\nfake line', client.name),
    await startEvil('\nwg-wrap: fake', client.name),
  ];
  for (const said of await tell()) {
    expect(said).not.toMatch(ACTS);
    expect(said).not.toMatch(FAKE);
  }
  for (const session of sessions) await session.finish();
});

test('on a terminal the page of a tunnel has no sequences but its own', async () => {
  const client = await topology.client();
  const session = await startEvil('\x1b[2Jevil\u009b', client.name);
  const { host } = topology;
  const page = host.user(['script', '-qefc', `wg-wrap status --watch`, '/dev/null'], {
    env: { TERM: 'xterm', NO_COLOR: '1' },
    inputStaysOpen: true,
  });
  await page.until(/\\x1b\[2Jevil/);
  page.write('q');
  const { text } = await page.wait();
  expect(text).not.toContain('\x1b[2Jevil');
  expect(text).not.toContain('\u009b');
  await session.finish();
});

test.each([
  ['control characters', 'w\x1b[31mork.conf'],
  ['control characters in UTF-8', 'w\u009b31mork.conf'],
  ['a change of direction', 'w\u202eork.conf'],
  ['a line of its own', 'w\nwg-wrap: fake.conf'],
])('a configuration with %s in its name is refused', async (_what, name) => {
  const client = await topology.client({ name });
  const { status, text, stderr } = await topology.run(client, ['echo', 'ran']);
  expect({ status, text }).toEqual({ status: 78, text: '' });
  expect(stderr).toMatch(/control character/);
  expect(stderr).not.toMatch(ACTS);
  expect(stderr).not.toMatch(FAKE);
});

test('names of directories, commands, hosts and keys only show themselves in messages', async () => {
  const { host } = topology;
  const client = await topology.client();
  const directory = `d${EVIL}`;
  await host.user(['mkdir', '-p', directory]).wait();
  host.write(`${directory}/work.conf`, client.text);
  host.write('host.conf', client.text.replace(/Endpoint = .*/, `Endpoint = v${EVIL}.test:51820`));
  host.write('key.conf', `${client.text}Fo${EVIL}o = 1\n[P${EVIL}]\n`);
  host.write(`a${EVIL}`, 'not a program', 0o755);
  const runs: readonly (readonly string[])[] = [
    ['check', `${directory}/work.conf`],
    ['check', '--json', 'host.conf'],
    ['check', '--json', 'key.conf'],
    ['-c', 'host.conf', '--connect-timeout', '1s', '--', 'true'],
    ['-c', 'key.conf', '--', 'true'],
    ['-c', 'key.conf', '--ignore-unknown', '-v', '--', 'true'],
    ['-c', `${directory}/absent.conf`, '--', 'true'],
    ['-c', client.name, '--', `./a${EVIL}/x`],
    ['-c', client.name, '--', `x${EVIL}\nwg-wrap: fake`],
    ['-c', client.name, '--mtu', `1${EVIL}`, '--', 'true'],
    ['exec', `x${EVIL}\nwg-wrap: fake`, '--', 'true'],
    ['down', `x${EVIL}\nwg-wrap: fake`],
    ['status', `x${EVIL}\nfake`],
    ['logs', `x${EVIL}\nfake`],
    [`--x${EVIL}\nfake`],
  ];
  for (const args of runs) {
    const { text, stderr } = await host.wrap(args).wait();
    expect(`${text}${stderr}`, args.join(' ')).toMatch(/\S/);
    expect(`${text}${stderr}`).not.toMatch(ACTS);
    expect(`${text}${stderr}`).not.toMatch(FAKE);
  }
  const env = { SHELL: `/x${EVIL}`, XDG_RUNTIME_DIR: join(host.home, directory) };
  const { stderr } = await host.wrap(['-c', client.name], { env }).wait();
  expect(stderr).toMatch(/command not found/);
  expect(stderr).not.toMatch(ACTS);
  await host.user(['rm', '-rf', directory]).wait();
});

/** Overwrites what a tunnel keeps for status and logs, as any program of the user's can that finds it. */
const SPOIL = `
import json, os, sys
directory, evil = sys.argv[1], sys.argv[2]
path = os.path.join(directory, 'about')
about = json.load(open(path))
about['tunnel'] = about['config'] = 't' + evil + '\\nfake'
about['options'] = {'mtu' + evil: evil}
about['warnings'] = about['notes'] = ['w' + evil + '\\nwg-wrap: fake']
about['dns'] = {'mode': 'm' + evil, 'servers': ['s' + evil], 'search': ['d' + evil]}
about['interface'].update(name='n' + evil, addresses=['a' + evil + '\\nfake'], publicKey='k' + evil)
for peer in about['peers']: peer['endpoint'] = 'h' + evil + '\\nfake:1'
json.dump(about, open(path, 'w'))
open(os.path.join(directory, 'log'), 'a').write('line' + evil + '\\n')
record = open(os.path.join(directory, 'pin'), 'r+')
text = record.read().replace('tunnel work', 'tunnel w' + chr(27) + 'rk').replace('work.conf', 'w' + chr(0x1b) + 'rk.conf')
record.seek(0)
record.write(text)
`;

test('what a program writes into state that no mask hides only shows itself', async () => {
  const { host } = topology;
  const client = await topology.client();
  await host.user(['mkdir', '-p', '-m', '700', 'elsewhere']).wait();
  const env = { XDG_RUNTIME_DIR: join(host.home, 'elsewhere') };
  const other = topology.start(client, ['sh', '-c', 'echo up; exec cat'], {
    inputStaysOpen: true,
    env,
  });
  await other.until(/^up$/m);
  const second = await topology.client({ name: 'second.conf' });
  const find = ['find', join(host.home, 'elsewhere'), '-name', 'about', '-printf', '%h'];
  const directory = (await host.user(find).wait()).text;
  // From inside of another tunnel.
  const spoil = await topology.run(second, ['python3', '-c', SPOIL, directory, EVIL]);
  expect(spoil).toMatchObject({ status: 0, stderr: '' });
  for (const said of await tell(env)) {
    expect(said).not.toMatch(ACTS);
    expect(said).not.toMatch(FAKE);
  }
  await other.finish();
  await host.user(['rm', '-rf', 'elsewhere']).wait();
});
