/**
 * Commands of one configuration share one tunnel, from the first to the last, however they end.
 */
import { expect, test } from 'vitest';
import type { Command } from './harness/command.ts';
import type { Client } from './harness/client.ts';
import { eventually } from './harness/eventually.ts';
import { useTopology } from './harness/topology.ts';

const PARALLEL_STARTS = 10;
const SHORT_RUNS = 20;

const topology = useTopology();

/** Starts a session that prints its network namespace and lasts until its input ends. */
function startSession(client: Client): Command {
  return topology.start(client, ['sh', '-c', 'readlink /proc/self/ns/net; exec cat'], {
    inputStaysOpen: true,
    limitMs: 40_000,
  });
}

async function namespaceOf(session: Command): Promise<string> {
  const [name] = await session.until(/net:\[\d+\]/);
  return name;
}

test('a second command joins the tunnel of the first, and the tunnel outlives the first', async () => {
  const client = await topology.client();
  const first = startSession(client);
  const namespace = await namespaceOf(first);
  const pin = topology.host.pinPid();
  const second = startSession(client);
  expect(await namespaceOf(second)).toBe(namespace);
  expect(await first.finish()).toMatchObject({ status: 0, stderr: '' });
  const { inner4, client4 } = topology.site.addresses;
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
  expect(topology.host.pinPid()).toBe(pin);
  await second.finish();
});

test('joining does not start Node', async () => {
  const client = await topology.client();
  const first = startSession(client);
  await namespaceOf(first);
  const second = await topology.run(client, ['true'], { env: { PATH: '/bin' } });
  expect(second).toMatchObject({ status: 0, stderr: '' });
  await first.finish();
});

test('ten cold starts at once share one tunnel', async () => {
  const client = await topology.client();
  const sessions = Array.from({ length: PARALLEL_STARTS }, () => startSession(client));
  const namespaces = await Promise.all(sessions.map(namespaceOf));
  expect(new Set(namespaces).size).toBe(1);
  expect(topology.host.enginePid()).toBeGreaterThan(0);
  for (const session of sessions) session.endInput();
  for (const session of sessions) {
    expect(await session.wait()).toMatchObject({ status: 0, stderr: '' });
  }
}, 60_000);

test('loops of short commands that take turns get every exit status right', async () => {
  const client = await topology.client();
  const run = `wg-wrap -c ${client.name} -- sh -c "exit $i"; [ $? = $i ] || echo "$i is wrong"`;
  const script = `for i in $(seq ${SHORT_RUNS}); do ${run}; done`;
  const loops = ['first', 'second', 'third'].map(() =>
    topology.host.user(['sh', '-c', script], { limitMs: 50_000 }),
  );
  for (const loop of loops) {
    expect(await loop.wait()).toMatchObject({ status: 0, text: '', stderr: '' });
  }
}, 60_000);

test('the tunnel ends when its only session is killed', async () => {
  const client = await topology.client();
  const session = startSession(client);
  await namespaceOf(session);
  session.kill('SIGKILL');
  expect((await session.wait()).signal).toBe('SIGKILL');
  await topology.settled();
});

test('a process left in the background keeps the tunnel, and its end ends it', async () => {
  const client = await topology.client();
  const script = 'exec sleep 60 <&- >&- 2>&- & echo $!';
  const pid = Number(await topology.output(client, ['sh', '-c', script]));
  const { inner4, client4 } = topology.site.addresses;
  const pin = topology.host.pinPid();
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
  expect(topology.host.pinPid()).toBe(pin);
  process.kill(pid, 'SIGKILL');
  await topology.settled();
});

test('a background process that has closed every descriptor keeps the tunnel too', async () => {
  const client = await topology.client();
  // A number of two digits is a descriptor for bash alone.
  const close = 'for fd in $(ls /proc/$$/fd); do eval "exec $fd>&-"; done; exec sleep 60';
  const script = `bash -c '${close}' & echo $!`;
  const pid = Number(await topology.output(client, ['sh', '-c', script]));
  await eventually(
    () => topology.host.processes().some((left) => left.pid === pid && left.command === 'sleep 60'),
    20_000,
    () => 'the descriptors were not closed',
  );
  const pin = topology.host.pinPid();
  const namespace = await topology.output(client, ['readlink', '/proc/self/ns/net']);
  expect(topology.host.namespaceOf(pid)).toBe(namespace);
  expect(topology.host.pinPid()).toBe(pin);
  process.kill(pid, 'SIGKILL');
  await topology.settled();
});

test('a killed caller leaves nothing, even while the tunnel is being built', async () => {
  const client = await topology.client();
  for (let round = 0; round < 5; round++) {
    const session = startSession(client);
    await eventually(
      () => topology.host.processes().length > round % 3,
      20_000,
      () => 'nothing has started',
    );
    session.kill('SIGKILL');
    await session.wait();
    await topology.settled();
  }
});

test('two configurations have two tunnels', async () => {
  const first = startSession(await topology.client({ name: 'first.conf' }));
  const namespace = await namespaceOf(first);
  const second = startSession(await topology.client({ name: 'second.conf' }));
  expect(await namespaceOf(second)).not.toBe(namespace);
  await first.finish();
  await second.finish();
});

test('the same configuration from inside its own tunnel just runs the command', async () => {
  const client = await topology.client();
  const own = 'readlink /proc/self/ns/net';
  const text = await topology.output(client, [
    'sh',
    '-c',
    `${own}; wg-wrap -c ${client.name} -- ${own}`,
  ]);
  const [outer, inner] = text.split('\n');
  expect(inner).toBe(outer);
});

test('a command outlives the shell that started it, and keeps its tunnel', async () => {
  const client = await topology.client();
  const { host } = topology;
  // Something comes after the command, so the shell doesn't become it.
  const script = `wg-wrap -c ${client.name} -- sh -c 'echo $$; exec sleep 60 >&- 2>&-'; true`;
  const shell = host.user(['sh', '-c', script]);
  const pid = Number((await shell.until(/^\d+$/m))[0]);
  shell.kill('SIGKILL');
  await shell.wait();
  const pin = host.pinPid();
  const namespace = await topology.output(client, ['readlink', '/proc/self/ns/net']);
  expect(namespace).toBe(host.namespaceOf(pid));
  expect(host.pinPid()).toBe(pin);
  process.kill(pid, 'SIGKILL');
  await topology.settled();
});

test('sessions of a killed pin go on, and are not counted for the tunnel of the next run', async () => {
  const client = await topology.client();
  const { host } = topology;
  const orphans = [startSession(client), startSession(client)];
  const [namespace] = await Promise.all(orphans.map(namespaceOf));
  process.kill(host.pinPid(), 'SIGKILL');
  await eventually(
    () => host.processes().every(({ command }) => command === 'cat'),
    20_000,
    () => 'the pin or the engine goes on',
  );
  const next = startSession(client);
  expect(await namespaceOf(next)).not.toBe(namespace);
  await next.finish();
  await eventually(
    () => host.processes().every(({ command }) => command === 'cat'),
    20_000,
    () => `the tunnel goes on: ${JSON.stringify(host.processes())}`,
  );
  for (const orphan of orphans) {
    expect(await orphan.finish()).toMatchObject({ status: 0, stderr: '' });
  }
  // Only a run can remove what nobody had a pin for.
  await topology.output(client, ['true']);
});
