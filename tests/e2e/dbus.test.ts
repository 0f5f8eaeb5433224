/**
 * D-Bus, with Debian's own daemon on the host: over a bus a program can have others started outside, so
 * it can be hidden. It is the user's choice, for most graphical programs need one.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Result } from './harness/command.ts';
import { Bus } from './harness/daemons.ts';
import { eventually } from './harness/eventually.ts';
import { mountedAt } from './harness/snapshot.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();
const buses: Bus[] = [];
/** Where each bus listens: the system's, the session's, systemd's for the user, one in a place of its own. */
const places = {
  system: '/run/dbus/system_bus_socket',
  session: '',
  manager: '',
  named: '',
};

beforeAll(async () => {
  const { host } = topology;
  const runtime = `/run/user/${host.uid}`;
  await host.namespace.sh(`mkdir -m 700 -p ${runtime}; chown +${host.uid}:+${host.uid} ${runtime}`);
  places.session = `${runtime}/bus`;
  places.manager = `${runtime}/systemd/private`;
  places.named = `${host.home}/own bus`;
  for (const path of Object.values(places)) {
    const bus = new Bus(host, path);
    await bus.start();
    buses.push(bus);
  }
});

afterAll(async () => {
  for (const bus of buses) await bus.stop();
});

/** Says hello to a bus as any client does; prints the name that it gets, or why there is none. */
const HELLO = `
import os, socket, sys
for path in sys.argv[1:]:
    talk = socket.socket(socket.AF_UNIX)
    talk.settimeout(10)
    try:
        talk.connect(path)
        talk.send(b'\\0AUTH EXTERNAL ' + str(os.getuid()).encode().hex().encode() + b'\\r\\n')
        print(talk.recv(100).decode().split()[0])
    except OSError as error:
        print(type(error).__name__)
`;

function hello(): readonly string[] {
  return ['python3', '-c', HELLO, ...Object.values(places)];
}

/** As Debian's session has it, with a space that addresses spell in their own way. */
function environment(): Readonly<Record<string, string>> {
  const named = places.named.replaceAll(' ', '%20');
  return { DBUS_SESSION_BUS_ADDRESS: `unix:path=${named},guid=0123456789abcdef` };
}

async function run(
  client: Client,
  options: readonly string[],
  argv: readonly string[],
): Promise<Result> {
  const args = ['-c', client.name, ...options, '--', ...argv];
  return await topology.host.wrap(args, { env: environment() }).wait();
}

test('a wrapped program talks to the buses of the host, unless they are masked', async () => {
  const client = await topology.client();
  expect((await topology.host.user(hello()).wait()).text).toBe('OK\nOK\nOK\nOK');
  expect(clean(await run(client, [], hello())).text).toBe('OK\nOK\nOK\nOK');
  await topology.settled();
  const { text } = clean(await run(client, ['--mask-dbus'], hello()));
  expect(text).toBe(
    'FileNotFoundError\nConnectionRefusedError\nConnectionRefusedError\nConnectionRefusedError',
  );
});

test('buses that start again while a program runs are masked again', async () => {
  const client = await topology.client();
  const args = ['-c', client.name, '--mask-dbus', '--', 'sh', '-c'];
  const script = 'echo ready; read -r go; exec "$@"';
  const running = topology.host.wrap([...args, script, 'sh', ...hello().slice(0, -1)], {
    inputStaysOpen: true,
    env: environment(),
  });
  await running.until(/^ready$/m);
  for (const bus of buses.slice(0, 3)) await bus.start();
  for (const [path, kind] of [
    ['/run/dbus', 'tmpfs'],
    [places.session, undefined],
    [places.manager, undefined],
  ] as const) {
    await eventually(
      () => {
        const type = mountedAt(running.pid, path);
        return kind === undefined ? type !== undefined : type === kind;
      },
      10_000,
      () => `nothing is mounted at ${path} inside`,
    );
  }
  running.write('\n');
  expect((await running.finish()).text).toBe(
    'ready\nFileNotFoundError\nConnectionRefusedError\nConnectionRefusedError',
  );
});

test('a bus that only the environment of a later run names is masked for it', async () => {
  const client = await topology.client();
  const first = topology.host.wrap(
    ['-c', client.name, '--mask-dbus', '--', 'sh', '-c', 'echo ready; exec cat'],
    { inputStaysOpen: true },
  );
  await first.until(/^ready$/m);
  const { text } = clean(await run(client, [], hello()));
  expect(text.split('\n').at(-1)).toBe('ConnectionRefusedError');
  expect(clean(await topology.host.wrap(['status', client.name]).wait()).text).toContain(
    "none; the host's X11 and other path sockets stay reachable",
  );
  await first.finish();
});

test('a bus beside the state directories is masked', async () => {
  const client = await topology.client();
  const { host } = topology;
  const path = `${host.runtime}/bus`;
  const bus = new Bus(host, path);
  await bus.start();
  try {
    const argv = ['python3', '-c', HELLO, path];
    expect(clean(await run(client, [], argv)).text).toBe('OK');
    await topology.settled();
    expect(clean(await run(client, ['--mask-dbus'], argv)).text).toBe('ConnectionRefusedError');
  } finally {
    await bus.stop();
  }
});

test('a run that wants masks of a tunnel without them is refused', async () => {
  const client = await topology.client();
  const session = await topology.hold(client);
  const refused = await run(client, ['--mask-dbus'], ['echo', 'ran']);
  expect(refused).toMatchObject({
    status: 125,
    text: '',
    stderr:
      'wg-wrap: tunnel "work" runs without --mask-dbus; --mask-dbus can\'t be applied to it. ' +
      'Use --restart, or end it: wg-wrap down work\n',
  });
  await session.finish();
});

test('a link where a bus may be has nothing else covered', async () => {
  const client = await topology.client();
  const { host } = topology;
  const env = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${host.home}/link;unix:path=/etc/hosts` };
  await host.user(['ln', '-s', '/etc/passwd', 'link']).wait();
  const show = ['sh', '-c', 'head -c4 link; test -s /etc/hosts && echo " hosts"'];
  const args = ['-c', client.name, '--mask-dbus', '--', ...show];
  expect(clean(await host.wrap(args, { env }).wait()).text).toBe('root hosts');
  host.remove('link');
});

/** Listens, without a path, where an X server or a session bus would. */
const LISTEN = `
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind('\\0' + sys.argv[1])
server.listen()
print('listening', flush=True)
sys.stdin.read()
`;

test.each([
  ['X11', '/tmp/.X11-unix/X4711', { DISPLAY: ':4711.0' }],
  ['D-Bus', '/tmp/dbus-4711', { DBUS_SESSION_BUS_ADDRESS: 'unix:abstract=/tmp/dbus-4711,guid=0' }],
])('that %s is only on an abstract socket is said', async (what, name, env) => {
  const client = await topology.client();
  const { host } = topology;
  // Without a server there is nothing to miss.
  if (what === 'X11') clean(await topology.run(client, ['true'], { env }));
  const server = await host.namespace.daemon(
    // Without HOME it would look up its user.
    ['env', 'HOME=/', '/usr/bin/python3', '-c', LISTEN, name],
    /^listening$/m,
    { inputStaysOpen: true },
  );
  try {
    const said = `wg-wrap: ${what} is only on an abstract socket, which a network namespace hides\n`;
    expect(await topology.run(client, ['true'], { env })).toMatchObject({
      status: 0,
      stderr: said,
    });
    const quiet = await host.wrap(['-q', '-c', client.name, 'true'], { env }).wait();
    expect(quiet).toMatchObject({ status: 0, stderr: '' });
  } finally {
    await host.namespace.stop(server);
  }
});
