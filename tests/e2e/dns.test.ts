/**
 * Names, in all shapes in which hosts and programs come: they are resolved by the tunnel's server, and by
 * nobody on the host, whatever becomes of the host's files and daemons meanwhile.
 */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { INSIDE_NAME } from './harness/site.ts';
import { mountedAt } from './harness/snapshot.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** How the host's resolv.conf can be; each leaves the files in /run alone that `restore` removes. */
const SHAPES = [
  ['a file', 'true'],
  ['a relative link', 'mv resolv.conf ../run/target; ln -s ../run/target resolv.conf'],
  ['an absolute link', 'mv resolv.conf /run/target; ln -s /run/target resolv.conf'],
  [
    'a link to a link',
    'mv resolv.conf /run/target; ln -s target /run/hop; ln -s ../run/hop resolv.conf',
  ],
  ['a dangling link', 'ln -sf ../run/nothing/at-all resolv.conf'],
  ['absent', 'rm resolv.conf'],
  ['a directory', 'rm resolv.conf; mkdir resolv.conf'],
] as const;

/** Changes the host for the time of `body`; `/etc/resolv.conf` is always restored. */
async function withHost(change: string, restore: string, body: () => Promise<void>): Promise<void> {
  const { namespace } = topology.host;
  await namespace.sh(`cp -p /etc/resolv.conf /run/kept; cd /etc; ${change}`);
  try {
    await body();
  } finally {
    await namespace.sh(
      `${restore}
      rm -rf /etc/resolv.conf /run/target /run/hop
      mv /run/kept /etc/resolv.conf`,
    );
  }
}

/** A session that evaluates what it is told, a line at a time. */
async function startSession(client: Client): Promise<Command> {
  const script = 'echo ready; while read -r line; do eval "$line"; echo "did $line"; done';
  const command = topology.start(client, ['sh', '-c', script], { inputStaysOpen: true });
  await command.until(/^ready$/m);
  return command;
}

/** Has a session do something; gives what it has printed by then. */
async function tell(session: Command, line: string): Promise<string> {
  const before = session.output.length;
  session.write(`${line}\n`);
  await eventually(
    () => session.output.slice(before).includes(`did ${line}\n`),
    15_000,
    () => `the session has not done: ${line}`,
  );
  return session.output.slice(before).replace(`did ${line}\n`, '');
}

test.each(SHAPES)(
  'where the host has %s as resolv.conf, names go inside',
  async (_name, change) => {
    const client = await topology.client();
    const { inner4 } = topology.site.addresses;
    await withHost(change, 'true', async () => {
      const show = `cat /etc/resolv.conf; getent ahostsv4 ${INSIDE_NAME}`;
      const text = await topology.output(client, ['sh', '-c', show]);
      expect(text).toMatch(new RegExp(`^nameserver ${inner4}$`, 'm'));
      expect(text).toMatch(new RegExp(`^${inner4} +STREAM ${INSIDE_NAME}$`, 'm'));
    });
  },
);

test('the host gives its resolv.conf every other shape while a command runs', async () => {
  const client = await topology.client();
  const session = await startSession(client);
  const first = await tell(session, 'cat /etc/resolv.conf');
  expect(first).toContain(topology.site.addresses.inner4);
  for (const [, change] of SHAPES) {
    await withHost(change, 'true', async () => {
      expect(await tell(session, 'cat /etc/resolv.conf')).toBe(first);
      expect(await tell(session, `getent ahostsv4 ${INSIDE_NAME}`)).toContain(INSIDE_NAME);
    });
  }
  await session.finish();
});

test.each([['/run/nscd'], ['/run/avahi-daemon'], ['/run/systemd/resolve'], ['/run/systemd']])(
  'the host makes %s anew while a command runs: it is masked again',
  async (directory) => {
    const client = await topology.client();
    const session = await startSession(client);
    const { namespace } = topology.host;
    // A service that starts again: another directory, in which the old listener gets a new name.
    await namespace.sh(`
      mv ${directory} /run/was
      mkdir -p ${directory}
      cd /run/was; find . -mindepth 1 -type d -exec mkdir -p ${directory}/{} \\;
      find . -type s -exec ln {} ${directory}/{} \\;`);
    try {
      const masks = directory === '/run/systemd' ? '/run/systemd/resolve' : directory;
      await eventually(
        () => mountedAt(session.pid, masks) === 'tmpfs',
        10_000,
        () => `nothing is mounted at ${masks} inside`,
      );
      // The sentinels in the new directory are the old ones: the guard hears of every question.
      expect(await tell(session, `getent ahostsv4 ${INSIDE_NAME}`)).toContain(INSIDE_NAME);
      expect(await tell(session, `find ${directory} -type s`)).toBe('');
      expect(await topology.output(client, ['find', directory, '-type', 's'])).toBe('');
      await session.finish();
    } finally {
      await namespace.sh(`rm -r ${directory}; mv /run/was ${directory}`);
    }
  },
);

test('tunnels inside of tunnels have each their own /etc: overlays, then a farm', async () => {
  const servers = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
  const names: string[] = [];
  for (const [depth, server] of servers.entries()) {
    const options = { name: `level${depth}.conf`, interfaceLines: [`DNS = ${server}`] };
    names.push((await topology.client(options)).name);
  }
  const show =
    'stat -f -c %T /etc; cat /etc/resolv.conf; grep -m1 localhost /etc/hosts; touch /etc/x';
  const argv = names.reduceRight<readonly string[]>(
    (inner, name) => [
      'sh',
      '-c',
      `${show}; exec "$@"`,
      'sh',
      'wg-wrap',
      '-c',
      name,
      '--no-wait',
      '--',
      ...inner,
    ],
    ['sh', '-c', `${show}; true`],
  );
  const result = await topology.host.user(argv).wait();
  // Outside, and at three depths.
  const levels = result.text.split(/^(?=tmpfs$|overlayfs$)/m);
  expect(levels.map((level) => level.split('\n')[0])).toEqual([
    'tmpfs',
    'overlayfs',
    'overlayfs',
    'tmpfs',
  ]);
  for (const [depth, server] of servers.entries()) {
    expect(levels[depth + 1]).toContain(`\nnameserver ${server}\n`);
    expect(levels[depth + 1]).toMatch(/localhost/);
  }
  expect(result.stderr.match(/touch: .*(Read-only file system|Permission denied)/g)).toHaveLength(
    4,
  );
});

test("a mount below the host's /etc makes the view a farm, with links as the host has them", async () => {
  const client = await topology.client();
  const { namespace, home } = topology.host;
  const change = `
    ln -sf /usr/share/zoneinfo/UTC /etc/localtime
    cp /etc/hostname /run/hostname; mount --bind /run/hostname /etc/hostname
    mkdir -p /etc/deep/er; mount -t tmpfs deep /etc/deep/er; echo found >/etc/deep/er/file`;
  const restore = `
    umount /etc/deep/er /etc/hostname; rm -r /run/hostname /etc/deep`;
  await withHost(change, restore, async () => {
    const show = `
      stat -f -c %T /etc; readlink /etc/localtime; cat /etc/deep/er/file /etc/hostname
      touch /etc/x; touch /etc/deep/x; rm -f /etc/resolv.conf; ln -s x ${home}/x
      grep -c . /etc/resolv.conf; getent ahostsv4 ${INSIDE_NAME} | head -1; rm ${home}/x`;
    const result = await topology.run(client, ['sh', '-c', show]);
    const hostname = await namespace.sh('cat /etc/hostname');
    expect(result.text.split('\n').slice(0, 4)).toEqual([
      'tmpfs',
      '/usr/share/zoneinfo/UTC',
      'found',
      hostname,
    ]);
    expect(result.text).toContain(topology.site.addresses.inner4);
    expect(result.stderr.trim().split('\n')).toHaveLength(3);
  });
});

/** Becomes a command for which the kernel moves no mount, as under a stricter security module. */
const UNMOVING = `
import ctypes, os, platform, struct, sys
mount = {'x86_64': 165, 'aarch64': 40}[platform.machine()]
code = [(0x20, 0, 0, 0), (0x15, 0, 3, mount), (0x20, 0, 0, 40), (0x45, 0, 1, 8192),
        (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7fff0000)]
text = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in code))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(code), ctypes.addressof(text)))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program): sys.exit('no filter')
os.execvp(sys.argv[1], sys.argv[1:])
`;

test('where the command can have no /etc of its own it does not run, unless it needs no names', async () => {
  const client = await topology.client();
  const { host } = topology;
  const unmoving = ['python3', '-c', UNMOVING, `${host.prefix}/bin/wg-wrap`, '-c', client.name];
  // A mount below /etc is what overlayfs refuses.
  const change = 'cp /etc/hostname /run/hostname; mount --bind /run/hostname /etc/hostname';
  const restore = 'umount /etc/hostname; rm /run/hostname';
  await withHost(change, restore, async () => {
    const refused = await host.user([...unmoving, 'echo', 'ran']).wait();
    expect(refused).toMatchObject({ status: 125, text: '' });
    expect(refused.stderr).toMatch(
      /^wg-wrap: can't give the command an \/etc of its own \(overlay: \w+; links: EPERM\), and names /,
    );
    const without = await host.user([...unmoving, '--dns', 'none', 'echo', 'ran']).wait();
    expect(without).toMatchObject({ status: 0, text: 'ran' });
    expect(without.stderr).toMatch(/; it sees the host's\n$/);
  });
});

test('the C library is told to load no module but those of files and DNS for hosts', async () => {
  const client = await topology.client();
  const { namespace } = topology.host;
  const line =
    'hosts: files mymachines mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns';
  await namespace.sh(
    `cp -p /etc/nsswitch.conf /run/switch; sed -i 's/^hosts:.*/${line}/' /etc/nsswitch.conf`,
  );
  try {
    const show = ['sh', '-c', 'grep ^hosts: /etc/nsswitch.conf; grep ^passwd: /etc/nsswitch.conf'];
    const passwd = await namespace.sh('grep ^passwd: /etc/nsswitch.conf');
    expect(await topology.output(client, show)).toBe(`hosts: files dns\n${passwd}`);
  } finally {
    await namespace.sh('mv /run/switch /etc/nsswitch.conf');
  }
});

test('search domains of the config complete short names', async () => {
  const { inner4 } = topology.site.addresses;
  const client = await topology.client({ interfaceLines: [`DNS = ${inner4}, test, corp.example`] });
  const [label = ''] = INSIDE_NAME.split('.');
  const script = `grep ^search /etc/resolv.conf; getent ahostsv4 ${label}; dig +search +short ${label}`;
  const text = await topology.output(client, ['sh', '-c', script]);
  expect(text).toMatch(/^search test corp\.example$/m);
  expect(text).toMatch(new RegExp(`^${inner4} +STREAM`, 'm'));
  expect(text).toMatch(new RegExp(`^${inner4}$`, 'm'));
});

test('of more than three servers the first three count, and -v says so', async () => {
  const { inner4 } = topology.site.addresses;
  const lines = [`DNS = ${inner4}, 10.9.0.53`, 'DNS = 10.9.0.54, 10.9.0.55'];
  const client = await topology.client({ interfaceLines: lines });
  const show = ['--', 'grep', '^nameserver', '/etc/resolv.conf'];
  const result = await topology.host.wrap(['-v', '-c', client.name, ...show]).wait();
  expect(result.text.split('\n')).toEqual(
    [inner4, '10.9.0.53', '10.9.0.54'].map((server) => `nameserver ${server}`),
  );
  expect(result.stderr).toMatch(/^wg-wrap: .*(three|3).*$/m);
});

/** Programs that resolve in ways of their own; each prints the address. */
const PROGRAMS: readonly (readonly [string, readonly string[]])[] = [
  ['getent', ['getent', 'ahostsv4', INSIDE_NAME]],
  ['dig', ['dig', '+short', INSIDE_NAME]],
  ['dig +tcp', ['dig', '+short', '+tcp', INSIDE_NAME]],
  ['python', ['python3', '-c', `import socket; print(socket.gethostbyname("${INSIDE_NAME}"))`]],
  [
    'node, by the C library',
    ['node', '-e', `dns.lookup("${INSIDE_NAME}", { family: 4 }, (_, a) => console.log(a))`],
  ],
  [
    'node, by c-ares',
    ['node', '-e', `dns.resolve4("${INSIDE_NAME}", (_, a) => console.log(a[0]))`],
  ],
  [
    'curl',
    ['curl', '-4', '-sS', '-o', '/dev/null', '-w', '%{remote_ip}', `http://${INSIDE_NAME}/who`],
  ],
  ['ping', ['ping', '-4', '-c1', '-W5', INSIDE_NAME]],
];

test('programs that resolve in ways of their own all ask the tunnel', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const { inner4 } = topology.site.addresses;
  const astray: string[] = [];
  for (const [name, argv] of PROGRAMS) {
    const text = await topology.output(client, argv);
    if (!text.includes(inner4)) astray.push(`${name}: ${text}`);
  }
  expect(astray).toEqual([]);
  await hold.finish();
});

test('a static program without name-service modules resolves by the tunnel', async () => {
  const client = await topology.client();
  const program = `${topology.host.programs}/resolve`;
  const text = await topology.output(client, [program, INSIDE_NAME]);
  expect(text).toBe(topology.site.addresses.inner4);
});

test('ssh reads what the host includes, and what that includes, from anywhere', async () => {
  const { host } = topology;
  const client = await topology.client();
  const user = `tester:x:${host.uid}:${host.uid}::${host.home}:/bin/sh`;
  // As Fedora has it: a file that includes a link to a file outside of /etc.
  const change = `
    cp -a /etc/ssh /run/ssh-kept; echo '${user}' >>/etc/passwd
    mkdir -p /etc/ssh/ssh_config.d /etc/crypto-policies/back-ends /run/policies
    echo 'Include /etc/ssh/ssh_config.d/*.conf' >/etc/ssh/ssh_config
    echo 'Include /etc/crypto-policies/back-ends/openssh.config' >/etc/ssh/ssh_config.d/50.conf
    ln -s /run/policies/openssh.txt /etc/crypto-policies/back-ends/openssh.config
    printf 'Include /run/policies/more\\nPort 2222\\n' >/run/policies/openssh.txt
    echo 'User from-outside' >/run/policies/more`;
  const restore = `
    rm -r /etc/ssh /etc/crypto-policies /run/policies; mv /run/ssh-kept /etc/ssh
    sed -i /^tester:/d /etc/passwd`;
  await withHost(change, restore, async () => {
    const text = await topology.output(client, ['ssh', '-T', '-G', 'somewhere']);
    expect(text).toMatch(/^port 2222$/m);
    expect(text).toMatch(/^user from-outside$/m);
  });
});

test('git finds nothing wrong with the owner of its directories', async () => {
  const client = await topology.client();
  const script = 'git init -q repository && cd repository && git status --porcelain && echo fine';
  expect(await topology.output(client, ['sh', '-c', script])).toBe('fine');
  await topology.host.user(['rm', '-r', 'repository']).wait();
});
