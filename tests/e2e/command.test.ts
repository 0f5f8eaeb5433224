/**
 * The command is the caller's own process in every way that it could notice: identity, streams,
 * signals, terminal and exit status; and it has no capability.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useTopology } from './harness/topology.ts';

const STREAM_BYTES = 5_000_000;

const topology = useTopology();

test('the command has the uid and gid of the caller', async () => {
  const client = await topology.client();
  const text = await topology.output(client, ['sh', '-c', 'id -u; id -g; touch made']);
  const { uid } = topology.host;
  expect(text).toBe(`${uid}\n${uid}`);
  expect(topology.host.owner('made')).toEqual([uid, uid]);
});

test('the command has no capability and cannot gain one', async () => {
  const client = await topology.client();
  const status = await topology.output(client, ['cat', '/proc/self/status']);
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) {
    expect(status).toMatch(new RegExp(`^${set}:\t0{16}$`, 'm'));
  }
  // Programs with file capabilities, such as ping, don't start under an empty bounding set.
  expect(status).not.toMatch(/^CapBnd:\t0{16}$/m);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
});

test('the working directory, the environment and the arguments are as given', async () => {
  const client = await topology.client();
  const script = 'pwd; echo "$MARK"; for word; do echo "[$word]"; done';
  const argv = ['sh', '-c', script, 'sh', '', 'two words', '--help', '-c'];
  const text = await topology.output(client, argv, { env: { MARK: 'from the caller' } });
  expect(text).toBe(`${topology.host.home}\nfrom the caller\n[]\n[two words]\n[--help]\n[-c]`);
});

test("Node's variables are for the command, and steer no Node of ours", async () => {
  const client = await topology.client();
  const env = { NODE_OPTIONS: '--require=/absent.js', NODE_DEBUG: 'net', NODE_CHANNEL_FD: '9' };
  const script = 'echo "$NODE_OPTIONS $NODE_DEBUG $NODE_CHANNEL_FD"';
  const result = await topology.run(client, ['sh', '-c', script], { env });
  expect(result).toMatchObject({
    status: 0,
    stderr: '',
    text: '--require=/absent.js net 9',
  });
});

test('the command can tell that it is inside, and gets no config that its caller had', async () => {
  const client = await topology.client();
  const text = await topology.output(client, ['env'], {
    env: { WG_WRAP_CONFIG_TEXT: client.text },
  });
  expect(text).toMatch(/^WG_WRAP=1$/m);
  expect(text).toMatch(/^WG_WRAP_TUNNEL=work$/m);
  expect(text).not.toContain('WG_WRAP_CONFIG_TEXT');
});

test('the command has the descriptors of the caller, and one more that marks its session', async () => {
  const client = await topology.client();
  topology.host.write('third', '');
  const list = "sh -c 'ls /proc/$$/fd'";
  const script = `exec 3<third; ${list}; echo; wg-wrap -c ${client.name} -- ${list}`;
  const result = await topology.host.user(['sh', '-c', script]).wait();
  const [outside, inside] = result.text.split('\n\n').map((text) => text.split('\n'));
  expect(outside).toContain('3');
  const added = inside.filter((number) => !outside.includes(number)).map(Number);
  expect(inside).toHaveLength(outside.length + 1);
  // Where programs that number their own descriptors don't meet it.
  expect(added[0]).toBeGreaterThanOrEqual(100);
});

test('5 MB through stdin and stdout stay the same, byte for byte', async () => {
  const client = await topology.client();
  const bytes = randomBytes(STREAM_BYTES);
  const result = await topology.run(client, ['cat'], { input: bytes });
  expect(result.stderr).toBe('');
  expect(Buffer.compare(result.stdout, bytes)).toBe(0);
});

test('5 MB through the pipes of a shell stay the same, byte for byte', async () => {
  const client = await topology.client();
  topology.host.write('bytes', randomBytes(STREAM_BYTES));
  const script = `cat bytes | wg-wrap -c ${client.name} -- cat | cmp - bytes && echo same`;
  const result = await topology.host.user(['sh', '-c', script]).wait();
  expect(result).toMatchObject({ text: 'same', stderr: '' });
});

test('the exit status is that of the command', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  for (const status of [0, 1, 7, 42, 78, 124, 125, 255]) {
    const result = await topology.run(client, ['sh', '-c', `exit ${status}`]);
    expect(result).toMatchObject({ status, stderr: '' });
  }
  expect((await hold.finish()).status).toBe(0);
});

test('a command that a signal kills dies by that signal, as its parent sees it', async () => {
  const client = await topology.client();
  for (const signal of ['TERM', 'SEGV'] as const) {
    const result = await topology.run(client, ['sh', '-c', `ulimit -c 0; kill -${signal} $$`]);
    expect(result).toMatchObject({ status: null, signal: `SIG${signal}` });
  }
});

test('a signal to the process that the caller started reaches the command', async () => {
  const client = await topology.client();
  const script = 'trap "echo caught; exit 9" TERM; echo up; while :; do sleep 0.05; done';
  const command = topology.start(client, ['sh', '-c', script]);
  await command.until(/^up$/m);
  command.kill('SIGTERM');
  expect(await command.wait()).toMatchObject({ status: 9, text: 'up\ncaught' });
});

test('an unknown command is 127 and one that cannot be executed 126, without a tunnel', async () => {
  const client = await topology.client();
  topology.host.write('plain', 'no program', 0o600);
  const unknown = await topology.run(client, ['no-such-program']);
  expect(unknown).toMatchObject({
    status: 127,
    stderr: 'wg-wrap: no-such-program: command not found\n',
  });
  const plain = await topology.run(client, ['./plain']);
  expect(plain.status).toBe(126);
  expect(plain.stderr).toMatch(/^wg-wrap: \.\/plain: .*\n$/);
  expect((await topology.site.peer.peerState()).latestHandshake).toBe(0);
});

test('a directory in PATH that is closed to the user hides no typing mistake', async () => {
  const client = await topology.client();
  const closed = join(topology.host.home, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  const line = `PATH=${closed}:$PATH exec wg-wrap -c ${client.name} -- no-such-program`;
  expect(await topology.host.user(['sh', '-c', line]).wait()).toMatchObject({
    status: 127,
    stderr: 'wg-wrap: no-such-program: command not found\n',
  });
});

test('Ctrl-C on a terminal reaches the command, which may handle it', async () => {
  const client = await topology.client();
  const script = 'trap "echo caught; exit 42" INT; echo up; while :; do sleep 0.05; done';
  const line = `exec wg-wrap -c ${client.name} -- sh -c '${script}'`;
  const terminal = topology.host.user(['script', '-qec', line, '/dev/null'], {
    inputStaysOpen: true,
  });
  await terminal.until(/^up\r$/m);
  terminal.write('\x03');
  await terminal.until(/caught\r$/m);
  expect((await terminal.wait()).status).toBe(42);
});

test('Ctrl-C on a terminal ends a command that does not handle it', async () => {
  const client = await topology.client();
  const line = `exec wg-wrap -c ${client.name} -- sh -c 'echo up; exec sleep 30'`;
  const terminal = topology.host.user(['script', '-qec', line, '/dev/null'], {
    inputStaysOpen: true,
  });
  await terminal.until(/^up\r$/m);
  terminal.write('\x03');
  expect((await terminal.wait()).status).toBe(128 + 2);
});

test('a shell with job control can stop the command and go on with it', async () => {
  const client = await topology.client();
  const terminal = topology.host.user(
    ['script', '-qec', 'env PS1="prompt> " bash --norc -i', '/dev/null'],
    { inputStaysOpen: true },
  );
  await terminal.until(/prompt> /);
  terminal.write(`wg-wrap -c ${client.name} -- sh -c 'echo u''p; exec sleep 1'\r`);
  await terminal.until(/^up\r$/m);
  terminal.write('\x1a');
  await terminal.until(/Stopped/);
  terminal.write('fg; echo ended with $((1 + $?))\r');
  await terminal.until(/ended with 1\r/);
  terminal.write('exit 3\r');
  expect((await terminal.wait()).status).toBe(3);
  // The shell is the host's, and looks its user up.
  await topology.look();
});

test('a command that ends does not wait for anything of ours: $(…) returns at once', async () => {
  const client = await topology.client();
  const script = `x=$(wg-wrap -c ${client.name} -- echo value); echo "<$x>"`;
  const result = await topology.host.user(['sh', '-c', script], { limitMs: 10_000 }).wait();
  expect(result).toMatchObject({ status: 0, text: '<value>', stderr: '', overdue: undefined });
});
