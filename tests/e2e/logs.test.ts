/** The log of a tunnel that runs: printed, cut, and followed to its end. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Result } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { DATA_PATH } from './harness/data-path.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

const LIMIT_MS = 20_000;

async function logs(...args: readonly string[]): Promise<Result> {
  return await topology.host.wrap(['logs', ...args]).wait();
}

/** The log of the only tunnel. */
function logPath(): string {
  const { host } = topology;
  return join(
    host.runtime,
    host.stateFiles().find((file) => file.endsWith('/log'))!,
  );
}

test('the whole log is printed, or its last lines', async () => {
  const hold = await topology.hold(await topology.client());
  const whole = clean(await logs()).text;
  const [started, completed] = whole.split('\n').map((line) => line.replace(/^\S+Z /, ''));
  const processors = DATA_PATH === 'pump' ? /(, \d+ workers)?$/ : /$/;
  expect(started.replace(processors, '')).toBe(
    `started tunnel "work", mtu 1420, data path ${DATA_PATH}`,
  );
  expect(completed).toBe('completed the first handshake');
  const lines = whole.split('\n');
  expect(clean(await logs('work', '-n', '1')).text).toBe(lines.at(-1));
  expect(clean(await logs('./work.conf', '-n', '2')).text).toBe(lines.slice(-2).join('\n'));
  expect(clean(await logs('-n', '0')).text).toBe('');
  await hold.finish();
});

test('control characters in it drive no terminal', async () => {
  const hold = await topology.hold(await topology.client());
  appendFileSync(logPath(), 'a\x1b[2Jb\u202ec\n');
  expect(clean(await logs('-n', '1')).text).toBe(String.raw`a\x1b[2Jb\u202ec`);
  await hold.finish();
});

test('a log is followed over a crash and over its bound, until the tunnel ends', async () => {
  const { host } = topology;
  const hold = await topology.hold(await topology.client());
  const follow = host.wrap(['logs', '-f', 'work'], { limitMs: 60_000 });
  await follow.until(/completed the first handshake/);
  appendFileSync(logPath(), `${'x'.repeat(999)}\n`.repeat(1100));
  await eventually(
    () => follow.output.length > 1_100_000,
    LIMIT_MS,
    () => `only ${follow.output.length} characters were printed`,
  );
  // A start makes the pin look at the size of the log.
  const engine = host.enginePid();
  process.kill(engine, 'SIGKILL');
  const isFollowed = (): boolean => follow.output.slice(1_100_000).includes('Z started tunnel');
  await eventually(isFollowed, LIMIT_MS, () => follow.output.slice(1_100_000));
  await eventually(
    () => host.logs().length < 100_000,
    LIMIT_MS,
    () => 'it is as long as before',
  );
  await hold.finish();
  expect(await follow.wait()).toMatchObject({ status: 0, stderr: '' });
}, 60_000);

test('a reader that has gone ends the following', async () => {
  const hold = await topology.hold(await topology.client());
  const script = '{ wg-wrap logs -f; echo "exit $?" >&2; } | head -n 1';
  const reader = topology.host.user(['sh', '-c', script]);
  await reader.until(/started tunnel/);
  process.kill(topology.host.enginePid(), 'SIGKILL');
  expect(await reader.wait()).toMatchObject({ status: 0, stderr: 'exit 0\n' });
  await hold.finish();
});

test('without a tunnel there is no log', async () => {
  expect(await logs('work')).toMatchObject({
    status: 125,
    text: '',
    stderr: 'wg-wrap: no tunnel "work" is running\n',
  });
});
