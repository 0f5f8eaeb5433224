/**
 * A hostile program, wrapped: everything that the kernel offers to look into the engine and the pin, to
 * take what they hold, to change the tunnel, or to leave it.
 *
 * The program runs as it is, and again in a user namespace of its own, where it has all capabilities
 * over what it makes itself. That its attempts are real is shown by a victim: a process without a shield.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import { eventually } from './harness/eventually.ts';
import { filesBelow, type Process } from './harness/snapshot.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

/** Ways to run a program that make it more powerful, or not. */
const WAYS = [
  ['as it is', []],
  ['in a user namespace of its own', ['unshare', '-Ur', '--']],
] as const;

/** Attempts that need no consent of the victim's, and so show that the program works. */
const LOOKING = [
  'environ',
  'mem',
  'maps',
  'smaps',
  'auxv',
  'pagemap',
  'io',
  'root',
  'cwd',
  'exe',
  'ns/user',
  'ns/mnt',
  'ns/net',
  'fd',
  'fdinfo',
  'pidfd_getfd',
  'ptrace-attach',
  'ptrace-seize',
  'process_vm_readv',
  'process_vm_writev',
  'get_robust_list',
];

/** One attempt: what it was about, and `done` or the name of errno. */
interface Attempt {
  readonly what: string;
  readonly end: string;
}

/** Runs the hostile program inside; gives all attempts. */
async function attack(
  client: Client,
  way: readonly string[],
  ...args: readonly string[]
): Promise<readonly Attempt[]> {
  const program = [...way, `${topology.host.programs}/attack`, ...args];
  const { text } = clean(await topology.run(client, program));
  return text.split('\n').map((line) => {
    const space = line.lastIndexOf(' ');
    return { what: line.slice(0, space), end: line.slice(space + 1) };
  });
}

/** The attempts that succeeded. */
function successes(attempts: readonly Attempt[]): readonly string[] {
  return attempts.filter(({ end }) => end === 'done').map(({ what }) => what);
}

test('the attempts on a process are real: on one without a shield they succeed', async () => {
  const client = await topology.client();
  const victim = topology.start(client, [`${topology.host.programs}/attack`, 'victim'], {
    inputStaysOpen: true,
  });
  const [, pid] = await victim.until(/^victim (\d+)$/m);
  const done = successes(await attack(client, [], 'process', pid));
  expect(done).toEqual(expect.arrayContaining(LOOKING.map((name) => `${pid} ${name}`)));
  await victim.finish();
});

test.each(WAYS)('nothing of engine and pin can be read or taken, %s', async (_name, way) => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const pids = [topology.host.enginePid(), topology.host.pinPid()];
  const attempts = await attack(client, way, 'process', ...pids.map(String));
  expect(attempts.length).toBeGreaterThan(50);
  expect(successes(attempts)).toEqual([]);
  await hold.finish();
});

test.each(WAYS)(
  'nothing of another tunnel can be read or taken while it starts, %s',
  async (_name, way) => {
    const { host } = topology;
    const client = await topology.client();
    const hold = await topology.hold(client);
    const own = new Set(host.processes().map(({ pid }) => pid));
    const { outer4 } = topology.site.addresses;
    const other = await topology.client({ name: 'other.conf', endpoint: `${outer4}:5555` });
    await client.introduce();
    const start = host.wrap(['-c', other.name, '--connect-timeout', '25s', '--', 'true']);
    const strangers = (): readonly Process[] => host.processes().filter(({ pid }) => !own.has(pid));
    const roles = ['wg-wrap -c', 'controller.js', 'wg-wrap-pin', 'engine.js'];
    // The controller waits for a handshake that never comes.
    await eventually(
      () =>
        strangers().length === roles.length &&
        roles.every((role) => strangers().some(({ command }) => command.includes(role))),
      10_000,
      () => `not all are there: ${JSON.stringify(strangers())}`,
    );
    const pids = strangers().map(({ pid }) => String(pid));
    const attempts = await attack(client, way, 'process', ...pids);
    process.kill(-start.pid, 'SIGTERM');
    await start.wait();
    await hold.finish();
    expect(attempts.length).toBeGreaterThan(100);
    // The front's limits are the caller's, for they will be the command's.
    const ofFront = `${start.pid} core-limit`;
    expect(successes(attempts).filter((what) => what !== ofFront)).toEqual([]);
  },
);

test('pin and engine are filtered, and the command is exactly as its caller was', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const modeOf = (status: string): string | undefined => /^Seccomp:\t(\d)/m.exec(status)?.[1];
  for (const pid of [topology.host.pinPid(), topology.host.enginePid()]) {
    expect(modeOf(readFileSync(`/proc/${pid}/status`, 'utf8'))).toBe('2');
  }
  const show = ['cat', '/proc/self/status'];
  const outside = clean(await topology.host.user(show).wait()).text;
  expect(modeOf(await topology.output(client, show))).toBe(modeOf(outside));
  await hold.finish();
});

test('the command has no capability and gets none by execve', async () => {
  const client = await topology.client();
  const show = ['grep', '-E', '^(Cap...|NoNewPrivs):', '/proc/self/status'];
  const valuesOf = (status: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [...status.matchAll(/^(\w+):\t(\w+)$/gm)].map((match): [string, string] => [
        match[1],
        match[2],
      ]),
    );
  const none = '0'.repeat(16);
  expect(valuesOf(await topology.output(client, show))).toEqual({
    CapInh: none,
    CapPrm: none,
    CapEff: none,
    // Without it a program with capabilities in its file, such as ping, would not even start.
    CapBnd: expect.stringMatching(/f{8}$/) as string,
    CapAmb: none,
    NoNewPrivs: '1',
  });
});

test("a command of root's has none either, although execve gives root all that there are", async () => {
  const client = await topology.client();
  const { namespace } = topology.host;
  await namespace.sh('mkdir -m 700 /run/roots');
  const argv = ['wg-wrap', '-c', client.name, '--', 'grep', '-E', '^Cap(Prm|Eff):'];
  const env = { XDG_RUNTIME_DIR: '/run/roots' };
  const { text } = await topology.host.user([...argv, '/proc/self/status'], { env }, 0).wait();
  expect(text.match(/\t.*$/gm)).toEqual([`\t${'0'.repeat(16)}`, `\t${'0'.repeat(16)}`]);
  await eventually(
    () =>
      filesBelow(`/proc/${namespace.pid}/root/run/roots`).every((file) => file.endsWith('/lock')),
    20_000,
    () => "the tunnel of root's has not ended",
  );
  await namespace.sh('rm -r /run/roots');
});

test('the engine has one capability and gets no more, and the pin has none', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const read = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');
  const netAdmin = '0000000000001000';
  const engine = read(topology.host.enginePid());
  for (const name of ['CapPrm', 'CapEff', 'CapAmb'])
    expect(engine).toContain(`${name}:\t${netAdmin}`);
  expect(engine).toMatch(/^NoNewPrivs:\t1$/m);
  const pin = read(topology.host.pinPid());
  for (const name of ['CapPrm', 'CapEff', 'CapAmb']) {
    expect(pin).toContain(`${name}:\t${'0'.repeat(16)}`);
  }
  await hold.finish();
});

test("the engine is dumpable to nobody: what the kernel shows of it is root's", async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const engine = topology.host.enginePid();
  const show = ['stat', '-c', '%u', `/proc/${engine}/environ`];
  expect(clean(await topology.host.user(show).wait()).text).toBe('0');
  // Of the pin it is the user's, who has to open its namespaces.
  const pin = ['stat', '-c', '%u', `/proc/${topology.host.pinPid()}/environ`];
  expect(clean(await topology.host.user(pin).wait()).text).toBe(String(topology.host.uid));
  await hold.finish();
});

test('pin and engine have no descriptor and no variable of their starter', async () => {
  const { host } = topology;
  const client = await topology.client();
  host.write('opened', '');
  const env = { LD_CANARY: 'x', NODE_CANARY: 'x', CANARY: 'x' };
  const args = `wg-wrap -c ${client.name} -- sh -c 'echo up; exec cat'`;
  const start = host.user(['sh', '-c', `exec 7<opened 8<opened; exec ${args}`], {
    env,
    inputStaysOpen: true,
  });
  await start.until(/^up$/m);
  for (const pid of [host.pinPid(), host.enginePid()]) {
    const files = readdirSync(`/proc/${pid}/fd`).map((name) =>
      readlinkSync(`/proc/${pid}/fd/${name}`),
    );
    expect(files.filter((file) => file.endsWith('/opened'))).toEqual([]);
    expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain('CANARY');
  }
  // The command has all of them.
  expect(readdirSync(`/proc/${start.pid}/fd`)).toEqual(expect.arrayContaining(['7', '8']));
  await start.finish();
  host.remove('opened');
});

test.each(WAYS)('the masks and /etc stay where they are, %s', async (_name, way) => {
  const client = await topology.client();
  const { runtime } = topology.host;
  // The directories of the daemons are there because the harness listens in them.
  const paths = ['/etc', '/run/nscd', '/run/systemd/resolve', '/run/avahi-daemon'];
  const isOwn = way.length > 0;
  const attempts = await attack(
    client,
    isOwn ? [...way.slice(0, -1), '-m', '--'] : way,
    'mask',
    ...paths,
    `${runtime}/wg-wrap`,
  );
  expect(attempts.length).toBe(5 * 11);
  expect(successes(attempts)).toEqual([]);
});

test('nobody inside can put a socket where the daemons of names would have theirs', async () => {
  const client = await topology.client();
  const script = `
    for directory in /run/nscd /run/systemd/resolve /run/avahi-daemon; do
      touch $directory/socket 2>/dev/null && echo $directory
      rm -f $directory/resolv.conf 2>/dev/null; mkdir $directory/x 2>/dev/null && echo $directory
    done
    cat /run/systemd/resolve/resolv.conf`;
  const text = await topology.output(client, ['sh', '-c', script]);
  expect(text).toBe(await topology.output(client, ['cat', '/etc/resolv.conf']));
});

test.each(WAYS)('the tunnel stays as it is, and nothing goes around it, %s', async (_name, way) => {
  const client = await topology.client();
  const show = 'ip -o address; ip -4 route; ip -6 route; ip -o link';
  const hold = await topology.hold(client);
  const before = await topology.output(client, ['sh', '-c', show]);
  const attempts = await attack(client, way, 'network');
  expect(attempts.length).toBe(18);
  expect(successes(attempts)).toEqual([]);
  const changes = [
    'link set wg0 down',
    'link set wg0 netns 1',
    'link add dummy0 type dummy',
    'link add veth0 type veth peer name veth1 netns 1',
    'link add link wg0 name ip0 type ipvlan',
    'address flush dev wg0',
    'address add 192.0.2.1/24 dev wg0',
    'route del default',
    'route add 192.0.2.0/24 dev lo',
    'rule add from all lookup 7',
    'neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev wg0',
    'netns exec x true',
  ];
  const script = changes.map((change) => `ip ${change} 2>/dev/null && echo "${change}"`).join('\n');
  expect(await topology.output(client, [...way, 'sh', '-c', `${script}\ntrue`])).toBe('');
  expect(await topology.output(client, ['sh', '-c', show])).toBe(before);
  await hold.finish();
});
