/**
 * A program that uses up what it can: joins, processes, descriptors, watches, signals, connections. Its
 * tunnel and others go on, and `status` and `down --kill` do what they are for.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import { clean, useTopology } from './harness/topology.ts';

const LIMIT_MS = 100_000;

const topology = useTopology(2);

/** Takes all that the kernel gives one user, and holds it until it is killed. */
const HOG = `
import array, ctypes, os, resource, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
taken = {}
def take(what, one, most=100000):
    taken[what] = 0
    try:
        while taken[what] < most:
            if one() == -1: break
            taken[what] += 1
    except OSError: pass
def child():
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.closerange(0, 3)
        signal.pause()
        os._exit(0)
take('processes', child, 300)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
take('signals', lambda: libc.sigqueue(os.getpid(), int(signal.SIGRTMIN), None))
# Descriptors under way to nobody count for the user, and not for the process.
one, other = socket.socketpair()
def send():
    pair = socket.socketpair()
    pair[0].sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [one.fileno()] * 250))])
    kept.append(pair)
kept = []
take('sent', send, 200)
take('watches', lambda: libc.inotify_init1(0))
take('files', lambda: os.open('/dev/null', os.O_RDONLY))
print('full', *(name for name, count in taken.items() if count > 0), flush=True)
signal.pause()
`;

async function expectWorks(client: Client, site = topology.site): Promise<void> {
  const { inner4, client4 } = site.addresses;
  const url = `http://${inner4}/who`;
  expect(await topology.output(client, ['curl', '-sS', '-m', '20', url])).toBe(client4);
}

test(
  'two thousand commands come and go, and leave the tunnel as it was',
  { timeout: LIMIT_MS },
  async () => {
    const client = await topology.client();
    const hold = await topology.hold(client);
    const { host } = topology;
    const pin = host.pinPid();
    const files = (): number => readdirSync(`/proc/${pin}/fd`).length;
    const before = files();
    const loop = `
    run() { n=500; while [ $((n -= 1)) -ge 0 ]; do wg-wrap -c ${client.name} -- true || echo failed; done; }
    run & run & run & run & wait`;
    expect(clean(await host.user(['sh', '-c', loop], { limitMs: LIMIT_MS }).wait()).text).toBe('');
    expect(host.pinPid()).toBe(pin);
    expect(files()).toBe(before);
    await expectWorks(client);
    await hold.finish();
  },
);

test(
  'a program that takes all that a user may have stops nobody, and can be ended',
  { timeout: LIMIT_MS },
  async () => {
    const { host } = topology;
    const client = await topology.client();
    clean(await host.wrap(['up', client.name]).wait());
    const other = await topology.client({ name: 'other.conf' }, [topology.sites[1]]);
    const second = await topology.hold(other);
    const hog = topology.start(client, ['python3', '-c', HOG]);
    await hog.until(/^full processes signals sent watches files$/m);
    await expectWorks(client);
    await expectWorks(other, topology.sites[1]);
    const status = clean(await host.wrap(['status', client.name, '--json']).wait());
    expect(JSON.parse(status.text)).toMatchObject({ state: 'connected' });
    expect((await host.wrap(['list']).wait()).text).toContain('connected');
    const refused = await host.wrap(['down', client.name]).wait();
    expect(refused.status).toBe(125);
    clean(await host.wrap(['down', client.name, '--kill']).wait());
    expect((await hog.wait()).signal).toBe('SIGTERM');
    await expectWorks(other, topology.sites[1]);
    await second.finish();
    await topology.settled();
    await client.introduce();
    await expectWorks(client);
  },
);

/** Connects to all sockets of a tunnel's state, keeps as many as it can, and goes on. */
const KNOCK = `
import os, socket, sys
os.chdir(sys.argv[1])
kept = []
kinds = {'control.sock': socket.SOCK_STREAM, 'order.sock': socket.SOCK_SEQPACKET}
print('knocks', flush=True)
while True:
    for name, kind in kinds.items():
        knock = socket.socket(socket.AF_UNIX, kind)
        knock.settimeout(0.1)
        try:
            knock.connect(name)
            knock.send(b'x' * 1000)
        except OSError: pass
        kept.append(knock)
    del kept[:-800]
`;

test(
  'a program of another tunnel that knocks without end keeps nobody out',
  { timeout: LIMIT_MS },
  async () => {
    const { host } = topology;
    const client = await topology.client();
    await host.user(['mkdir', '-p', '-m', '700', 'elsewhere']).wait();
    const env = { XDG_RUNTIME_DIR: join(host.home, 'elsewhere') };
    clean(await host.wrap(['up', client.name], { env }).wait());
    const find = ['find', join(host.home, 'elsewhere'), '-name', 'control.sock', '-printf', '%h'];
    const directory = (await host.user(find).wait()).text;
    const { outer4 } = topology.site.addresses;
    const other = await topology.client({ name: 'other.conf', endpoint: `${outer4}:5555` });
    await client.introduce();
    const knock = host.wrap([
      '--no-wait',
      '-c',
      other.name,
      '--',
      'python3',
      '-c',
      KNOCK,
      directory,
    ]);
    await knock.until(/^knocks$/m);
    const { inner4, client4 } = topology.site.addresses;
    for (let count = 0; count < 2; count++) {
      const fetch = ['--', 'curl', '-sS', '-m', '20', `http://${inner4}/who`];
      const { text } = clean(await host.wrap(['-c', client.name, ...fetch], { env }).wait());
      expect(text).toBe(client4);
    }
    const engine = topology.host.processes().filter(({ command }) => command.includes('engine.js'));
    expect(engine).toHaveLength(2);
    clean(await host.wrap(['down', client.name], { env }).wait());
    clean(await host.wrap(['down', other.name, '--kill']).wait());
    await knock.wait();
    await host.user(['rm', '-rf', 'elsewhere']).wait();
  },
);
