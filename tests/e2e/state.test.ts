/**
 * The state directory under every adversity: things in the place of its files, no room, no right to
 * write, long paths, another user, a logout, and what a machine that went down has left.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Result } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

const OWN_NAMESPACE = ['readlink', '/proc/self/ns/net'];

/** Makes the client's state directory as a run leaves it; returns its path. */
async function makeDirectory(client: Client): Promise<string> {
  await topology.output(client, ['true']);
  await topology.settled();
  const { host } = topology;
  return dirname(join(host.runtime, host.stateFiles()[0]));
}

/** Runs a shell script as the user. */
async function asUser(script: string): Promise<void> {
  const result = await topology.host.user(['sh', '-euc', script]).wait();
  expect(result).toMatchObject({ status: 0, stderr: '' });
}

async function expectTunnel(client: Client, env: Record<string, string> = {}): Promise<void> {
  const { inner4, client4 } = topology.site.addresses;
  const url = `http://${inner4}/who`;
  expect(await topology.output(client, ['curl', '-sS', url], { env })).toBe(client4);
}

/** One line that says where. */
function expectRefusal(result: Result, message: RegExp): void {
  expect(result).toMatchObject({ status: 125, text: '', overdue: undefined });
  expect(result.stderr).toMatch(message);
  expect(result.stderr.match(/\n/g)).toHaveLength(1);
}

/** What the user, or a program of the user's, may have put in the place of a state file. */
const OBSTACLES: Readonly<
  Record<string, { readonly make: string; readonly blocks: readonly string[] }>
> = {
  'a directory': {
    make: 'mkdir -p NAME/inner',
    blocks: ['lock', 'pin', 'pin.new', 'log', 'control.sock', 'about'],
  },
  'a pipe': { make: 'mkfifo NAME', blocks: ['sessions'] },
  'a link to a file': { make: 'ln -s "$HOME/precious" NAME', blocks: ['lock', 'sessions'] },
  'a file that is closed to the user': {
    make: 'install -m 0 /dev/null NAME',
    blocks: ['lock', 'pin', 'sessions'],
  },
};
const NAMES = ['lock', 'pin', 'pin.new', 'log', 'control.sock', 'about', 'sessions'];
const REFUSAL =
  /^wg-wrap: (can't .* in \S+ \(E[A-Z]+\); remove what is there instead|cannot write to the state directory \(\w+\))\n$/;

describe('in the place of a state file', () => {
  for (const [what, { make, blocks }] of Object.entries(OBSTACLES)) {
    test(`${what} is replaced or refused, and never waited for`, async () => {
      const client = await topology.client();
      topology.host.write('precious', 'untouched');
      const directory = await makeDirectory(client);
      for (const name of NAMES) {
        await asUser(`cd '${directory}'; rm -rf ${name}; ${make.replaceAll('NAME', name)}`);
        const result = await topology.run(client, ['echo', name]);
        if (blocks.includes(name)) expectRefusal(result, REFUSAL);
        else expect(result, name).toMatchObject({ status: 0, text: name, stderr: '' });
        await topology.settled();
        await asUser(`rm -rf '${directory}/${name}'`);
      }
      await expectTunnel(client);
      expect((await topology.host.user(['cat', 'precious']).wait()).text).toBe('untouched');
    }, 60_000);
  }
});

describe('the directory of state directories', () => {
  const PLACES: Readonly<Record<string, readonly [make: string, message: RegExp]>> = {
    'a link': ['mkdir elsewhere; ln -s elsewhere wg-wrap', /remove what is there instead/],
    'a file': ['touch wg-wrap', /remove what is there instead/],
    'a pipe': ['mkfifo wg-wrap', /remove what is there instead/],
    'open to the group': ['mkdir -m 770 wg-wrap', /is not yours alone \(mode 0770, owner \d+\)/],
    'closed to the user': ['mkdir -m 500 wg-wrap', /can't create the state directory .*EACCES/],
  };
  for (const [what, [make, message]] of Object.entries(PLACES)) {
    test(`that is ${what} is refused`, async () => {
      const client = await topology.client();
      const { runtime } = topology.host;
      await asUser(`cd '${runtime}'; ${make}`);
      const result = await topology.run(client, ['true']);
      await asUser(`cd '${runtime}'; rm -rf wg-wrap elsewhere`);
      expectRefusal(result, message);
      await expectTunnel(client);
    });
  }
});

test('a runtime directory without room is named, and a tunnel that lives is not disturbed', async () => {
  const client = await topology.client();
  const { host } = topology;
  const env = { XDG_RUNTIME_DIR: '/run/small' };
  const options = `size=64k,mode=700,uid=${host.uid},gid=${host.uid}`;
  await host.namespace.sh(`mkdir -p /run/small; mount -t tmpfs -o ${options} small /run/small`);
  try {
    const hold = topology.start(client, ['cat'], { env, inputStaysOpen: true });
    await expectTunnel(client, env);
    // The page of the run that is over would be room enough for one more.
    await eventually(
      async () =>
        (await host.namespace.sh('ls /run/small/wg-wrap/*/sessions')).split('\n').length === 1,
      20_000,
      () => 'the session that is over is still there',
    );
    const fill = 'cat /dev/zero >>/run/small/filler 2>/dev/null || true';
    await host.namespace.sh(fill);
    const joined = await topology.run(client, ['true'], { env });
    expectRefusal(joined, /^wg-wrap: can't .*\(ENOSPC\).*\n$/);
    hold.endInput();
    expect(await hold.wait()).toMatchObject({ status: 0, stderr: '' });
    await topology.settled();
    await host.namespace.sh(fill);
    const started = await topology.run(client, ['true'], { env });
    expectRefusal(started, /^wg-wrap: can.* \(ENOSPC\).*\n$/);
    await topology.settled();
    await host.namespace.sh('rm /run/small/filler');
    await expectTunnel(client, env);
    await topology.settled();
    expect(await host.namespace.sh('cd /run/small; find . -type f')).toMatch(/^\S+\/lock$/);
  } finally {
    await host.namespace.sh('umount -l /run/small');
  }
});

test('a logout takes the directory away from a session, which goes on; the next run builds anew', async () => {
  const client = await topology.client();
  const { host } = topology;
  const { inner4, client4 } = topology.site.addresses;
  const fetch = `read -r line; curl -sS http://${inner4}/who; exec cat`;
  const session = topology.start(client, ['sh', '-c', `echo up; ${fetch}`], {
    inputStaysOpen: true,
  });
  await session.until(/^up$/m);
  await asUser(`rm -r '${host.runtime}/wg-wrap'`);
  session.write('go\n');
  await session.until(new RegExp(client4.replaceAll('.', '\\.')));
  const other = await topology.output(client, OWN_NAMESPACE);
  expect(other).not.toBe(host.namespaceOf(session.pid));
  expect(await session.finish()).toMatchObject({ status: 0, stderr: '' });
});

test.each([107, 120, 200])('a runtime directory of %i characters will do', async (length) => {
  const client = await topology.client();
  const { host } = topology;
  const path = join(host.home, 'r'.repeat(Math.max(1, length - host.home.length - 1)));
  await asUser(`mkdir -m 700 '${path}'`);
  await expectTunnel(client, { XDG_RUNTIME_DIR: path });
  await topology.settled();
  await asUser(`rm -r '${path}'`);
});

test('cron and ssh, which set no variable, find the tunnel of the session', async () => {
  const client = await topology.client();
  const { host } = topology;
  const place = `/run/user/${host.uid}`;
  await host.namespace.sh(
    `mkdir -p -m 755 ${place}; chmod 700 ${place}; chown +${host.uid} ${place}`,
  );
  const env = { XDG_RUNTIME_DIR: place };
  const hold = topology.start(client, ['cat'], { env, inputStaysOpen: true });
  await expectTunnel(client, env);
  const command = [`${host.prefix}/bin/wg-wrap`, '-c', `${host.home}/${client.name}`, '--'];
  const bare = await host
    .user(['env', '-i', ...command, '/bin/readlink', '/proc/self/ns/net'])
    .wait();
  expect(bare).toMatchObject({ status: 0, text: host.namespaceOf(hold.pid), stderr: '' });
  await hold.finish();
  await topology.settled();
  // Now it is the bare one that has to build.
  const built = await host.user(['env', '-i', ...command, '/bin/echo', 'ran']).wait();
  expect(built).toMatchObject({ status: 0, text: 'ran', stderr: '' });
  await topology.settled();
  await host.namespace.sh(`rm -r ${place}`);
});

test('a home that cannot be written to is no hindrance', async () => {
  const client = await topology.client();
  const { host } = topology;
  await host.namespace.sh(`mount --bind '${host.home}' '${host.home}'`);
  await host.namespace.sh(`mount -o remount,bind,ro '${host.home}'`);
  try {
    await expectTunnel(client);
    await topology.settled();
  } finally {
    await host.namespace.sh(`umount '${host.home}'`);
  }
});

test('one configuration by other paths is one tunnel', async () => {
  const client = await topology.client();
  const { host } = topology;
  await asUser(`mkdir -p sub; ln -sf ../${client.name} sub/link.conf`);
  const hold = await topology.hold(client);
  const place = host.namespaceOf(hold.pid);
  for (const path of [`./${client.name}`, `${host.home}/${client.name}`, 'sub/link.conf']) {
    const result = await host.wrap(['-c', path, '--', ...OWN_NAMESPACE]).wait();
    expect(result, path).toMatchObject({ status: 0, text: place, stderr: '' });
  }
  await hold.finish();
});

test('two users share a configuration, but no tunnel and no directory', async () => {
  const client = await topology.client();
  const { host } = topology;
  const other = host.uid + 1;
  await host.namespace.sh('mkdir -m 1777 /run/shared');
  await asUser(`chmod 755 . ; chmod 644 ${client.name}`);
  const env = { XDG_RUNTIME_DIR: '', TMPDIR: '/run/shared', HOME: '/' };
  const args = ['-q', '-c', client.name, '--', 'sh', '-c', 'readlink /proc/self/ns/net; exec cat'];
  const start = (uid: number): ReturnType<typeof host.user> =>
    host.user([`${host.prefix}/bin/wg-wrap`, ...args], { env, inputStaysOpen: true }, uid);
  try {
    const sessions = [start(host.uid), start(other)];
    const found = await Promise.all(sessions.map((session) => session.until(/net:\[\d+\]/)));
    expect(found[0][0]).not.toBe(found[1][0]);
    for (const session of sessions) expect((await session.finish()).status).toBe(0);
    // What another user has made under our name is not ours.
    await host.namespace.sh(`cd /run/shared; rm -r *; mkdir -m 700 wg-wrap-${host.uid}`);
    const refused = await topology.run(client, ['true'], { env });
    expect(refused.status).toBe(125);
    expect(refused.stderr).toMatch(/wg-wrap-\d+ is not yours alone|can't open the state directory/);
  } finally {
    await asUser(`chmod 700 . ; chmod 600 ${client.name}`);
    await host.namespace.sh('rm -r /run/shared');
  }
});

test('what a machine that went down has left is no tunnel, and is cleaned up', async () => {
  const client = await topology.client();
  const { host } = topology;
  const directory = await makeDirectory(client);
  const stranger = host.user(['sleep', '30']);
  await eventually(
    () => host.processes().some(({ command }) => command === 'sleep 30'),
    20_000,
    () => 'the stranger did not start',
  );
  // By number it lives; and what it has the number of has been gone since the last boot.
  const record = [
    'state connected',
    `pid ${stranger.pid}`,
    'boot 00000000-0000-0000-0000-000000000000',
    'netns 4026531840',
    'tunnel work',
    `config ${host.home}/${client.name}`,
  ];
  await asUser(`mkdir '${directory}/sessions'; : >'${directory}/control.sock'`);
  writeFileSync(`${directory}/pin`, record.join('\n'));
  writeFileSync(`${directory}/sessions/${stranger.pid}`, '4026531840\n');
  await expectTunnel(client);
  await eventually(
    () => host.stateFiles().every((file) => file.endsWith('/lock')),
    20_000,
    () => `left: ${host.stateFiles().join(' ')}`,
  );
  stranger.kill('SIGKILL');
});

test('a session file with the pid of a stranger keeps no tunnel', async () => {
  const client = await topology.client();
  const { host } = topology;
  const hold = await topology.hold(client);
  const stranger = host.user(['sleep', '30']);
  const [pin] = host.pins();
  const [record] = host.stateFiles().filter((file) => file.endsWith('/pin'));
  const sessions = join(host.runtime, dirname(record), 'sessions');
  mkdirSync(sessions, { recursive: true });
  writeFileSync(join(sessions, String(stranger.pid)), `${String(pin.get('netns'))}\n`);
  await hold.finish();
  await eventually(
    () => host.processes().every(({ command }) => command === 'sleep 30'),
    20_000,
    () => 'the tunnel goes on',
  );
  stranger.kill('SIGKILL');
});
