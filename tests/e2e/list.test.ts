/** Which tunnels there are, and which of them a subcommand is about. */
import { expect, test } from 'vitest';
import type { Result } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { parseExposition } from './harness/exposition.ts';
import { checkStatus, type StatusObject } from './harness/status-schema.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

const LIMIT_MS = 20_000;

async function ask(...args: readonly string[]): Promise<Result> {
  return await topology.host.wrap(args).wait();
}

async function jsonOf(name: string): Promise<StatusObject> {
  return checkStatus(JSON.parse((await ask('status', name, '--json')).text));
}

test('several tunnels are listed, and asked for by name or path', async () => {
  const { host } = topology;
  const first = await topology.client();
  const text = first.text.replace(
    /^PrivateKey.*$/m,
    (await topology.client({ name: 'home.conf' })).text.split('\n')[1],
  );
  host.write('home.conf', text);
  await first.introduce();
  const hold = await topology.hold(first);
  const other = host.wrap(
    ['--no-wait', '-c', './home.conf', '--', 'sh', '-c', 'echo up; exec cat'],
    {
      inputStaysOpen: true,
    },
  );
  await other.until(/^up$/m);
  const list = clean(await ask('list')).text.split('\n');
  expect(list[0]).toMatch(/^NAME {2}STATE +SESSIONS {2}CONFIG$/);
  expect(list[1]).toMatch(new RegExp(`^home  starting   1 +${host.home}/home.conf$`));
  expect(list[2]).toMatch(new RegExp(`^work  connected  1 +${host.home}/work.conf$`));
  const all = JSON.parse(clean(await ask('list', '--json')).text) as unknown[];
  expect(all.map((status) => checkStatus(status).tunnel)).toEqual(['home', 'work']);
  const unnamed = await ask('status');
  expect(unnamed).toMatchObject({
    status: 125,
    stderr: 'wg-wrap: 2 tunnels are running (home, work); name one\n',
  });
  expect((await jsonOf('home')).tunnel).toBe('home');
  expect((await jsonOf('./work.conf')).tunnel).toBe('work');
  const exposition = parseExposition(`${(await ask('status', '--prometheus')).text}\n`);
  expect(exposition.samples.filter(({ name }) => name === 'wg_wrap_up')).toHaveLength(2);
  await other.finish();
  await hold.finish();
});

test('two tunnels of one name are told apart by path', async () => {
  const { host } = topology;
  const client = await topology.client();
  await host.user(['mkdir', 'elsewhere']).wait();
  const second = await topology.client({ name: 'elsewhere/work.conf' });
  await client.introduce();
  const hold = await topology.hold(client);
  const other = host.wrap(['--no-wait', '-c', second.name, '--', 'sh', '-c', 'echo up; exec cat'], {
    inputStaysOpen: true,
  });
  await other.until(/^up$/m);
  const result = await ask('status', 'work');
  expect(result.status).toBe(125);
  expect(result.stderr).toMatch(
    /^wg-wrap: two tunnels are called "work": \/.*\/work\.conf and \/.*\/work\.conf; give the path\n$/,
  );
  expect((await jsonOf('elsewhere/work.conf')).state).toBe('starting');
  await other.finish();
  await hold.finish();
});

test('without a tunnel nothing is listed, and a status has nothing to tell', async () => {
  expect(await ask('list')).toMatchObject({ status: 0, text: '', stderr: '' });
  expect(await ask('list', '--json')).toMatchObject({ status: 0, text: '[]', stderr: '' });
  expect(await ask('status')).toMatchObject({
    status: 1,
    text: '',
    stderr: 'wg-wrap: no tunnel is running\n',
  });
  expect(await ask('status', 'work', '--json')).toMatchObject({
    status: 1,
    text: '',
    stderr: 'wg-wrap: no tunnel "work" is running\n',
  });
  expect(await ask('status', '--prometheus')).toMatchObject({ status: 1, text: '', stderr: '' });
});

test('a tunnel whose pin was killed is not listed', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  process.kill(topology.host.pinPid(), 'SIGKILL');
  await eventually(
    async () => (await ask('list')).text === '',
    LIMIT_MS,
    () => 'it is listed',
  );
  expect((await ask('status', 'work')).stderr).toBe('wg-wrap: no tunnel "work" is running\n');
  await hold.finish();
  await topology.settled();
  // The next run clears what the killed pin has left.
  await topology.output(client, ['true']);
});

test('wrong words are refused', async () => {
  expect(await ask('status', '--jsn')).toMatchObject({
    status: 64,
    stderr: 'wg-wrap: unknown option --jsn (nearest: --json)\n',
  });
  expect(await ask('status', '--prometheus', '--json')).toMatchObject({ status: 64, text: '' });
  expect(await ask('list', 'work')).toMatchObject({ status: 64, text: '' });
  expect(await ask('wait', '--timeout', 'soon')).toMatchObject({
    status: 64,
    stderr: 'wg-wrap: --timeout "soon": expected a time such as 15s, 500ms or 2m\n',
  });
});
