/** Tunnels without a command: held, used by name, and ended by name. */
import { chownSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command, CommandOptions, Result } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

const NAMESPACE = ['readlink', '/proc/self/ns/net'];

async function wrap(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  return await topology.host.wrap(args, options).wait();
}

/** A session of a client that is called `name` in lists of processes, and ignores SIGTERM if asked. */
async function startProgram(client: Client, name: string, script: string): Promise<Command> {
  const path = topology.host.write(name, `#!/bin/sh\n${script}\n`, 0o700);
  const session = topology.start(client, [path], { inputStaysOpen: true });
  await session.until(/^runs$/m);
  return session;
}

test('a tunnel that is held is there for every command, until it is let go of', async () => {
  const client = await topology.client();
  clean(await wrap(['up', client.name]));
  const first = clean(await wrap(['-c', client.name, '--', ...NAMESPACE])).text;
  clean(await wrap(['up', './work.conf', '-q']));
  expect(clean(await wrap(['exec', 'work', '--', ...NAMESPACE])).text).toBe(first);
  expect(clean(await wrap(['exec', './work.conf', ...NAMESPACE])).text).toBe(first);
  const { inner4, client4 } = topology.site.addresses;
  const fetched = await wrap(['exec', 'work', '--', 'curl', '-sS', `http://${inner4}/who`]);
  expect(clean(fetched).text).toBe(client4);
  clean(await wrap(['down', 'work']));
  // When down returns nothing is left, not a little later.
  expect(topology.host.processes()).toEqual([]);
  expect(topology.host.stateFiles().filter((file) => !file.endsWith('/lock'))).toEqual([]);
});

test('a tunnel that does not connect is not held', async () => {
  const client = await topology.client({ endpoint: '198.51.100.1:5555' });
  const result = await wrap(['up', client.name, '--connect-timeout', '1s']);
  expect(result.status).toBe(124);
  expect(result.stderr).toMatch(/^wg-wrap: no reply to .*\n$/);
  await topology.settled();
});

test('exec and down say that no such tunnel runs, and start none', async () => {
  await topology.client();
  expect(await wrap(['exec', 'work', '--', 'true'])).toMatchObject({
    status: 125,
    stderr: 'wg-wrap: no tunnel "work" is running (wg-wrap up work starts it)\n',
  });
  expect(await wrap(['down', 'work'])).toMatchObject({
    status: 125,
    stderr: 'wg-wrap: no tunnel "work" is running\n',
  });
  expect(await wrap(['down'])).toMatchObject({
    status: 125,
    stderr: 'wg-wrap: no tunnel is running\n',
  });
  clean(await wrap(['down', '--all']));
  expect(topology.host.processes()).toEqual([]);
});

test('down names who uses the tunnel, and leaves it alone', async () => {
  const client = await topology.client();
  const plain = await startProgram(client, 'plain', 'echo runs; exec cat');
  const comm = (): string => readFileSync(`/proc/${plain.pid}/comm`, 'utf8').trim();
  await eventually(
    () => comm() === 'cat',
    20_000,
    () => `it is still called ${comm()}`,
  );
  // A name is a program's own choice, and may hold anything.
  const setName = "printf 'ev\\033[31mil' >/proc/$$/comm; echo runs; read -r line";
  const evil = await startProgram(client, 'program', setName);
  const result = await wrap(['down', 'work']);
  expect(result.status).toBe(125);
  expect(result.stderr).toMatch(
    /^wg-wrap: 2 sessions use "work" \(\d+ [a-z?[0-9]+, \d+ [a-z?[0-9]+\); --kill ends them\n$/,
  );
  expect(result.stderr).toContain('ev?[31mil');
  expect(result.stderr).toContain(' cat');
  evil.write('\n');
  clean(await evil.finish());
  expect((await wrap(['down', 'work'])).stderr).toMatch(
    /^wg-wrap: 1 session uses "work" \(\d+ cat\); --kill ends it\n$/,
  );
  clean(await plain.finish());
});

test('down counts a process that has no session any more', async () => {
  const client = await topology.client();
  const close = 'for fd in $(ls /proc/$$/fd); do eval "exec $fd>&-"; done; exec sleep 60';
  clean(await topology.run(client, ['sh', '-c', `bash -c '${close}' &`]));
  const refused = async (): Promise<string> => (await wrap(['down', 'work'])).stderr;
  let said = await refused();
  // The session is the shell's until it has closed its descriptors.
  for (let looks = 0; looks < 200 && !said.includes('process'); looks++) said = await refused();
  expect(said).toMatch(/^wg-wrap: 1 process uses "work" \(\d+ (?:bash|sleep)\); --kill ends it\n$/);
  clean(await wrap(['down', 'work', '--kill']));
  expect(topology.host.processes()).toEqual([]);
});

test('down --kill ends everybody inside: who is asked, who ignores it, and who is stopped', async () => {
  const client = await topology.client();
  const asked = await startProgram(
    client,
    'asked',
    "trap 'echo asked; exit 3' TERM; echo runs; while read -r line; do :; done",
  );
  const ignores = await startProgram(client, 'ignores', "trap '' TERM; echo runs; exec cat");
  const stopped = await startProgram(client, 'stopped', 'echo runs; exec cat');
  process.kill(stopped.pid, 'SIGSTOP');
  const apart = await startProgram(
    client,
    'apart',
    "exec unshare -Ur -n sh -c 'echo runs; exec cat'",
  );
  clean(await wrap(['down', 'work', '--kill']));
  expect(await asked.wait()).toMatchObject({ status: 3 });
  expect((await ignores.wait()).signal).toBe('SIGKILL');
  expect((await stopped.wait()).signal).toBe('SIGTERM');
  expect((await apart.wait()).signal).toBe('SIGTERM');
  expect(topology.host.processes()).toEqual([]);
}, 60_000);

test('down without a name is for the only tunnel, and --all for all of them', async () => {
  await topology.client();
  clean(await wrap(['up', './work.conf']));
  clean(await wrap(['down']));
  await topology.client();
  clean(await wrap(['up', './work.conf']));
  await topology.client({ name: 'home.conf' });
  clean(await wrap(['up', './home.conf']));
  const result = await wrap(['down']);
  expect(result.status).toBe(125);
  expect(result.stderr).toMatch(
    /^wg-wrap: more than one tunnel is running \((work, home|home, work)\); say which\n$/,
  );
  clean(await wrap(['down', '--all']));
  expect(topology.host.processes()).toEqual([]);
});

test('two tunnels of one name are told apart by their paths', async () => {
  const client = await topology.client();
  clean(await wrap(['up', client.name]));
  const other = join(topology.host.home, 'other');
  mkdirSync(other);
  const copy = join(other, 'work.conf');
  const spare = await topology.client({ name: 'spare.conf' });
  renameSync(join(topology.host.home, spare.name), copy);
  chownSync(other, topology.host.uid, topology.host.uid);
  clean(await wrap(['up', copy]));
  const result = await wrap(['exec', 'work', '--', 'true']);
  expect(result.status).toBe(125);
  expect(result.stderr).toMatch(
    /^wg-wrap: two tunnels are called "work": .* and .*; give the path\n$/,
  );
  clean(await wrap(['exec', copy, '--', 'true']));
  clean(await wrap(['down', copy]));
  clean(await wrap(['down', 'work']));
});

test.each([
  [['up', '--bogus'], /^wg-wrap: unknown option --bogus\n$/],
  [['up', 'one', 'two'], /^wg-wrap: too many arguments.*\n$/],
  [['up', 'one', '-c', 'two'], /^wg-wrap: up one and --config mean the same.*\n$/],
  [['down', '--mtu', '1300'], /^wg-wrap: unknown option --mtu\n$/],
  [['down', 'one', '--all'], /^wg-wrap: down: give a name or --all, not both\n$/],
  [['exec'], /^wg-wrap: exec needs the name of a tunnel\n$/],
  [['exec', '-c', 'work', 'true'], /^wg-wrap: unknown option -c\n$/],
])('%j is a mistake of usage', async (args, message) => {
  const result = await wrap(args);
  expect(result.status).toBe(64);
  expect(result.stderr).toMatch(message);
});
