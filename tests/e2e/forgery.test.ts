/**
 * A hostile program against what its user's other runs rely on: sockets, records and notes that have the
 * same owner as itself, and processes that take its signals.
 *
 * Much of this the masks hide. Here the state is where no mask is: in a directory that a later run was
 * told to use.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command } from './harness/command.ts';
import { INSIDE_NAME, SILENT_PORT } from './harness/site.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

/** Where a run with another environment keeps its state; the tests' guards look there as well. */
const ELSEWHERE = 'elsewhere';

/** Asks a control socket; prints the answers, or how the connection ended without one. */
const ASK = `
  const [directory, request] = process.argv.slice(1);
  // A socket's whole path can be too long for its address.
  process.chdir(directory);
  const socket = require('node:net').connect('control.sock', () => socket.end(request + '\\n\\n'));
  socket.on('data', (text) => process.stdout.write(text));
  socket.on('error', ({ code }) => console.log(code));
`;

/** Gives a pin an order; prints its answer, or that there is none. */
const ORDER = `
import os, socket, sys
os.chdir(sys.argv[1])
order = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
order.connect('order.sock')
try:
    order.send(sys.argv[2].encode())
    print(order.recv(100).decode() or 'nothing')
except OSError as error:
    print('nothing')
`;

/** Locks a record of its own making, and has namespaces of its own where a pin has the tunnel's. */
const POSE = `
import fcntl, os, sys
directory, record = sys.argv[1], sys.stdin.read()
os.makedirs(directory + '/sessions', 0o700, exist_ok=True)
for number, kind in (11, 'user'), (12, 'mnt'), (13, 'net'):
    os.dup2(os.open('/proc/self/ns/' + kind, os.O_RDONLY), number)
netns = os.stat('/proc/self/ns/net').st_ino
lines = [line.split(' ', 1) for line in record.splitlines()]
own = {'pid': os.getpid(), 'netns': netns, 'state': 'connected'}
pin = open(directory + '/pin', 'w')
pin.writelines('%s %s\\n' % (key, own.get(key, value)) for key, value in lines)
pin.flush()
fcntl.flock(pin, fcntl.LOCK_EX)
print('posing', flush=True)
os.read(os.open(directory + '/go', os.O_RDONLY), 1)
`;

/** A session whose state is where no mask is. */
async function startElsewhere(client: Client): Promise<{ hold: Command; state: string }> {
  const { host } = topology;
  await host.user(['mkdir', '-p', '-m', '700', ELSEWHERE]).wait();
  const env = { XDG_RUNTIME_DIR: join(host.home, ELSEWHERE) };
  const show = ['sh', '-c', 'readlink /proc/self/ns/net; exec cat'];
  const hold = topology.start(client, show, { inputStaysOpen: true, env });
  await hold.until(/^net:/m);
  const find = ['find', join(host.home, ELSEWHERE), '-name', 'control.sock'];
  const { text } = await host.user(find).wait();
  return { hold, state: text.replace(/\/control\.sock$/, '') };
}

test('a control socket that no mask hides does not answer from inside of a tunnel', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const { state, hold: other } = await startElsewhere(client);
  const ask = (request: string): readonly string[] => [process.execPath, '-e', ASK, state, request];
  for (const request of ['get=1', 'wait=1', 'status=1', 'set=1\nlisten_port=0']) {
    // The socket is in sight, and connecting to it works; but nobody talks.
    const { text } = clean(await topology.run(client, ask(request)));
    expect(text).toMatch(/^(ECONNRESET|EPIPE)?$/);
  }
  expect(clean(await topology.host.user(ask('get=1')).wait()).text).toContain('errno=0');
  await other.finish();
  await hold.finish();
});

test('a pin takes no orders from inside of a tunnel, where no mask hides its socket', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const { state, hold: other } = await startElsewhere(client);
  const order = ['python3', '-c', ORDER, state, 'hold'];
  expect(await topology.output(client, order)).toBe('nothing');
  // From outside it obeys.
  expect(clean(await topology.host.user(order).wait()).text).toMatch(/^ok/);
  await other.finish();
  const env = { XDG_RUNTIME_DIR: join(topology.host.home, ELSEWHERE) };
  clean(await topology.host.wrap(['down', client.name], { env }).wait());
  await hold.finish();
});

test('a program inside that poses as a pin gets no command of the host', async () => {
  const { host } = topology;
  const client = await topology.client();
  const { hold, state } = await startElsewhere(client);
  const record = readFileSync(join(state, 'pin'), 'utf8');
  await hold.finish();
  await topology.settled();
  await host.user(['mkfifo', `${state}/go`]).wait();
  const pose = topology.start(client, ['unshare', '-Urmn', '--', 'python3', '-c', POSE, state], {
    input: record,
  });
  await pose.until(/^posing$/m);
  const env = { XDG_RUNTIME_DIR: join(host.home, ELSEWHERE) };
  const result = await topology.run(client, ['echo', 'ran'], { env });
  await host.user(['sh', '-c', `echo >${state}/go; rm -r ${join(host.home, ELSEWHERE)}`]).wait();
  await pose.wait();
  expect(result).toMatchObject({ status: 125, text: '' });
  expect(result.stderr).toMatch(/^wg-wrap: the process \d+ is inside of a tunnel, .*\n$/);
});

test('a note forged inside does not make a run believe that it is in another tunnel', async () => {
  const client = await topology.client();
  const { host } = topology;
  const forge = `
    netns=$(stat -Lc %i /proc/self/ns/net)
    hash=$(python3 -c 'import hashlib, os
print(hashlib.blake2s(os.path.realpath("absent.conf").encode()).hexdigest()[:32])')
    printf 'netns %s\\nkey %s\\ntunnel absent\\n' $netns $hash >"$XDG_RUNTIME_DIR/wg-wrap/inside"
    cp ${client.name} absent.conf && chmod 600 absent.conf
    exec wg-wrap -c absent.conf --connect-timeout 300ms -- echo ran`;
  const result = await topology.run(client, ['sh', '-c', forge]);
  // The endpoint can't be reached through its own tunnel, so a run that tries has to fail.
  expect(result).toMatchObject({ status: 124, text: '' });
  await host.user(['rm', 'absent.conf']).wait();
});

test('a session that spoils its own file is still a session, and is cleaned up', async () => {
  const client = await topology.client();
  const { inner4, client4 } = topology.site.addresses;
  const spoil = `
import fcntl, os, subprocess
for number in range(3, 256):
    try:
        if '/sessions/' not in os.readlink('/proc/self/fd/%d' % number): continue
    except OSError: continue
    fcntl.flock(number, fcntl.LOCK_UN)
    os.write(number, b'\\xff' * (1 << 20))
    os.close(number)
    print('spoilt', flush=True)
subprocess.run(['wg-wrap', '-c', '${client.name}', 'true'])
print(subprocess.run(['curl', '-sS', 'http://${inner4}/who'], capture_output=True, text=True).stdout)
`;
  expect(await topology.output(client, ['python3', '-c', spoil])).toBe(`spoilt\n${client4}`);
});

test('SIGUSR1 from inside opens no debugger in a controller on the host', async () => {
  const client = await topology.client();
  const { host } = topology;
  const hold = await topology.hold(client);
  const { outer4 } = topology.site.addresses;
  const other = await topology.client({ name: 'other.conf', endpoint: `${outer4}:${SILENT_PORT}` });
  await client.introduce();
  const start = host.wrap(['-c', other.name, '--connect-timeout', '25s', '--', 'true']);
  const controller = (): number | undefined =>
    host.processes().find(({ command }) => command.includes('controller.js'))?.pid;
  await expect.poll(() => host.logs(), { timeout: 10_000 }).toContain('started tunnel "other"');
  await topology.output(client, ['kill', '-USR1', String(controller())]);
  // Node says so, whether it has opened the door or not.
  await start.until(/inspector|Debugger/);
  const listeners = await host.namespace.sh('ss -Hltnp');
  process.kill(-start.pid, 'SIGTERM');
  await start.wait();
  await hold.finish();
  expect(listeners).not.toContain('node');
});

test('processes without end inside do not keep others from joining, or the tunnel from ending', async () => {
  const client = await topology.client();
  const many = `
    for n in {1..400}; do sleep 60 <&- >&- 2>&- & done
    echo up; read -r end; kill $(jobs -p)`;
  const crowd = topology.start(client, ['bash', '-c', many], { inputStaysOpen: true });
  await crowd.until(/^up$/m);
  const { inner4 } = topology.site.addresses;
  expect(await topology.output(client, ['getent', 'ahostsv4', INSIDE_NAME])).toContain(inner4);
  await crowd.finish();
});

test('control characters in names never reach the terminal', async () => {
  const { host } = topology;
  const name = 'w\u001b[31mork\u0007.conf';
  const client = await topology.client();
  host.write(name, client.text);
  host.write('broken.conf', `[Interface]\n${name} = x\u001b[2J\n[${name}]\n`);
  const runs = [
    ['-c', name, '--mtu', '1300', '--', 'true'],
    ['-c', `absent${name}`, '--', 'true'],
    ['-c', name, '--', 'no\u001b[31msuch\u0007'],
    ['check', name],
    ['check', `absent${name}`],
    ['-c', name, '-v', '--', 'true'],
    ['check', 'broken.conf'],
    ['-c', 'broken.conf', '--', 'true'],
    ['-c', client.name, '--', '\u001b[2J'],
    ['-c', client.name, '--dns', '\u001b[2J', '--', 'true'],
    ['--no\u001b[31msuch\u0007', 'true'],
    ['sta\u001b[31mtus\u0007'],
  ];
  for (const args of runs) {
    const { text, stderr } = await host.wrap(args).wait();
    // What `check` finds is its result, on stdout.
    expect(`${stderr}${text}`, args.join(' ')).toMatch(/\S/);
    expect(`${text}${stderr}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
  }
});
