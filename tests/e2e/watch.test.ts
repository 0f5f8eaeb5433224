/** `status --watch`: a page on a real terminal, plain lines elsewhere. */
import { expect, test } from 'vitest';
import type { Command } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { Screen } from './harness/screen.ts';
import { checkStatus } from './harness/status-schema.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

const LIMIT_MS = 20_000;

/**
 * Watches on a terminal of 20 rows and 70 columns; afterwards prints the exit status and the
 * terminal's settings. What is written to the command is typed.
 */
function watchOnTerminal(env: Readonly<Record<string, string>> = {}): Command {
  const inside = 'stty rows 20 cols 70; tty; wg-wrap status --watch; echo "exit $?"; stty -a';
  return topology.host.user(['script', '-qfec', inside, '/dev/null'], {
    inputStaysOpen: true,
    env: { TERM: 'xterm-256color', ...env },
  });
}

/** The process that draws. */
function watcherPid(): number {
  const found = topology.host
    .processes()
    .filter(({ command }) => command.includes('controller.js cli status'));
  if (found.length !== 1) throw new Error(`${found.length} processes watch, not one`);
  return found[0].pid;
}

/** What the terminal shows now. */
function screenOf(command: Command): Screen {
  return Screen.of(command.output, 20, 70);
}

async function shows(command: Command, pattern: RegExp): Promise<void> {
  const text = (): string => screenOf(command).lines.join('\n');
  await eventually(
    () => pattern.test(text()),
    LIMIT_MS,
    () => `the screen is\n${text()}`,
  );
}

/** The terminal is as it was: cooked, with a cursor, on its first screen. */
function expectRestored(command: Command, exitStatus: number): void {
  const screen = screenOf(command);
  expect(screen).toMatchObject({ isAlternate: false, hasCursor: true, wraps: true });
  const after = command.output.slice(command.output.lastIndexOf('\x1b[?1049l'));
  expect(after).toContain(`exit ${exitStatus}\r\n`);
  expect(after).toMatch(/ icanon /);
  expect(after).toMatch(/ echo /);
}

test('a terminal shows the tunnel, follows its size, and is restored on q', async () => {
  const { host, site } = topology;
  const client = await topology.client();
  const hold = await topology.hold(client);
  const watch = watchOnTerminal();
  await shows(watch, /^work {2}● connected {3}up \d+ s$/m);
  const [, terminal] = /(\/dev\/pts\/\d+)/.exec(watch.output)!;
  await shows(watch, /^received .*▁ +0 B\/s$/m);
  const { lines } = screenOf(watch);
  expect(lines[1]).toBe(`${host.home}/work.conf`.slice(0, 70));
  expect(lines.join('\n')).toContain(`peer       ${site.peer.keys.publicKey}`);
  expect(lines.join('\n')).toContain(`sessions   ${hold.pid} cat`);
  expect(lines[19]).toBe('q quit');
  await topology.output(client, ['curl', '-sS', `http://${site.addresses.inner4}/who`]);
  await shows(watch, /^received .*█.* B\/s$/m);
  await host.user(['stty', '-F', terminal, 'rows', '8', 'cols', '30']).wait();
  await eventually(
    () => Screen.of(watch.output, 8, 30).lines[7] === 'q quit',
    LIMIT_MS,
    () => 'it is not as small',
  );
  watch.write('q');
  await watch.until(/ echo /);
  expectRestored(watch, 0);
  await watch.finish();
  await hold.finish();
});

test.each([
  ['control-C', 130, (watch: Command) => watch.write('\x03')],
  ['SIGTERM', 143, () => process.kill(watcherPid(), 'SIGTERM')],
] as const)('a terminal is restored on %s', async (_name, exitStatus, end) => {
  const hold = await topology.hold(await topology.client());
  const watch = watchOnTerminal();
  await shows(watch, /connected/);
  expect(screenOf(watch)).toMatchObject({ isAlternate: true, hasCursor: false });
  end(watch);
  await watch.until(/ echo /);
  expectRestored(watch, exitStatus);
  await watch.finish();
  await hold.finish();
});

test('a terminal is restored when the tunnel ends', async () => {
  const hold = await topology.hold(await topology.client());
  const watch = watchOnTerminal();
  await shows(watch, /connected/);
  await hold.finish();
  await watch.until(/ echo /);
  expectRestored(watch, 0);
  await watch.finish();
});

test('there are colours, unless NO_COLOR is set', async () => {
  const hold = await topology.hold(await topology.client());
  for (const [env, has] of [
    [{}, true],
    [{ NO_COLOR: '1' }, false],
  ] as const) {
    const watch = watchOnTerminal(env);
    await shows(watch, /connected/);
    expect(/\x1b\[\d+m/.test(watch.output)).toBe(has);
    watch.write('q');
    await watch.until(/ echo /);
    await watch.finish();
  }
  await hold.finish();
});

test('a pipe gets one plain line a second', async () => {
  const hold = await topology.hold(await topology.client());
  const watch = topology.host.wrap(['status', '--watch']);
  await watch.until(/\n.*\n/);
  await hold.finish();
  const { text, status, stderr } = await watch.wait();
  expect([status, stderr]).toEqual([0, '']);
  for (const line of text.split('\n')) {
    expect(line).toMatch(
      /^\S+Z work connected, received \S+ \S+\/s, sent \S+ \S+\/s, handshake \d+ s ago, sessions [01], dropped \d+, restarts 0$/,
    );
  }
});

test('with --json a pipe gets one object a line, and may stop reading', async () => {
  const hold = await topology.hold(await topology.client());
  const script = '{ wg-wrap status work --watch --json; echo "exit $?" >&2; } | head -n 2';
  const { text, stderr } = await topology.host.user(['sh', '-c', script]).wait();
  const lines = text.split('\n');
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(checkStatus(JSON.parse(line)).tunnel).toBe('work');
  expect(stderr).toBe('exit 0\n');
  await hold.finish();
});
