/**
 * Debian's own systemd-resolved and avahi on the host, as most desktops have them: a wrapped program
 * reaches neither, by none of the ways that lead there on the host.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AVAHI_ADDRESS, AVAHI_NAME, Avahi, Resolved, WITH_MODULES } from './harness/daemons.ts';
import { eventually } from './harness/eventually.ts';
import { FALSE_ADDRESS, INSIDE_NAME } from './harness/site.ts';
import { mountedAt } from './harness/snapshot.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();
let resolved: Resolved;
let avahi: Avahi;

beforeAll(async () => {
  const { host } = topology;
  [resolved, avahi] = [new Resolved(host), new Avahi(host)];
  await resolved.start();
  await avahi.start();
  const hosts = 'hosts: files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns';
  await host.namespace.sh(`sed -i 's/^hosts:.*/${hosts}/' /etc/nsswitch.conf`);
});

afterAll(async () => {
  await resolved.stop();
  await avahi.stop();
});

/** Talks to a daemon without the C library; prints the answer. */
const TALK = `
import socket, sys
talk = socket.socket(socket.AF_UNIX)
try:
    talk.connect(sys.argv[1])
    talk.send(sys.argv[2].encode() + bytes([int(sys.argv[3])]))
    print(talk.recv(4096).decode())
except OSError as error:
    print(error)
`;

const VARLINK = JSON.stringify({
  method: 'io.systemd.Resolve.ResolveHostname',
  parameters: { name: INSIDE_NAME, family: 2 },
});

function getent(name: string, ...options: readonly string[]): readonly string[] {
  return [...WITH_MODULES, 'getent', ...options, 'ahostsv4', name];
}

/** Ways to ask, and what a program of the host gets. */
const WAYS: readonly (readonly [string, readonly string[], string])[] = [
  ['the C library, for any name', getent(INSIDE_NAME), FALSE_ADDRESS],
  ['the C library, for a name of the neighbourhood', getent(AVAHI_NAME), AVAHI_ADDRESS],
  ['the module nss-resolve', getent(INSIDE_NAME, '-s', 'hosts:resolve'), FALSE_ADDRESS],
  ['the module nss-mdns', getent(AVAHI_NAME, '-s', 'hosts:mdns4'), AVAHI_ADDRESS],
  [
    "systemd-resolved's socket",
    ['python3', '-c', TALK, '/run/systemd/resolve/io.systemd.Resolve', VARLINK, '0'],
    FALSE_ADDRESS.replaceAll('.', ','),
  ],
  [
    "avahi's socket",
    [
      'python3',
      '-c',
      TALK,
      '/run/avahi-daemon/socket',
      `RESOLVE-HOSTNAME-IPV4 ${AVAHI_NAME}`,
      '10',
    ],
    AVAHI_ADDRESS,
  ],
  [
    "systemd-resolved's address",
    ['dig', '+short', '+tries=1', '+time=2', '@127.0.0.53', INSIDE_NAME],
    FALSE_ADDRESS,
  ],
];

test.each(WAYS)('a program of the host gets an answer by %s', async (_name, ask, answer) => {
  // nss-mdns asks whether the host's server has the domain, too.
  topology.allow(/inside\.test|SOA\? local\./);
  topology.allowNameServices();
  expect((await topology.host.user(ask).wait()).text).toContain(answer);
  expect([...resolved.questions(), ...avahi.questions()]).not.toEqual([]);
});

test.each(WAYS)(
  'a wrapped program gets no answer of the host by %s',
  async (_name, ask, answer) => {
    const before = [...resolved.questions(), ...avahi.questions()];
    const client = await topology.client();
    const { text, stderr } = await topology.run(client, ask);
    expect(`${text}${stderr}`).not.toContain(answer);
    expect([...resolved.questions(), ...avahi.questions()]).toEqual(before);
  },
);

test('names are the tunnel\'s, and "local" is a domain like any other', async () => {
  const client = await topology.client();
  const asked = topology.site.queriesFor(AVAHI_NAME);
  expect(await topology.output(client, getent(INSIDE_NAME))).toContain(
    topology.site.addresses.inner4,
  );
  await topology.run(client, getent(AVAHI_NAME));
  expect(topology.site.queriesFor(AVAHI_NAME)).toBeGreaterThan(asked);
});

test("where the host's resolv.conf is systemd-resolved's, all its names lead to the tunnel", async () => {
  const client = await topology.client();
  const { namespace } = topology.host;
  const link = 'ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf';
  await namespace.sh(`cp /etc/resolv.conf /run/kept; ${link}`);
  try {
    const files = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];
    const show = ['cat', ...files, '/run/systemd/resolve/stub-resolv.conf'];
    const servers = (await topology.output(client, show)).match(/^nameserver .*$/gm);
    expect(new Set(servers)).toEqual(new Set([`nameserver ${topology.site.addresses.inner4}`]));
    expect(await topology.output(client, getent(INSIDE_NAME))).toContain(
      topology.site.addresses.inner4,
    );
  } finally {
    await namespace.sh('mv /run/kept /etc/resolv.conf');
  }
});

test('daemons that start again while a program runs are not reached by it', async () => {
  const client = await topology.client();
  const sockets = ['/run/systemd/resolve/io.systemd.Resolve', '/run/avahi-daemon/socket'];
  const asks = WAYS.map(([, ask]) => ask.map((word) => `'${word}'`).join(' ')).join('; ');
  const script = `echo ready; read -r go; ls ${sockets.join(' ')}; ${asks}; true`;
  const session = topology.start(client, ['sh', '-c', script], { inputStaysOpen: true });
  await session.until(/^ready$/m);
  // The daemons look up who they are to be.
  topology.allowNameServices();
  await resolved.start();
  await avahi.start();
  for (const directory of ['/run/systemd/resolve', '/run/avahi-daemon']) {
    await eventually(
      () => mountedAt(session.pid, directory) === 'tmpfs',
      10_000,
      () => `nothing is mounted at ${directory} inside`,
    );
  }
  session.write('\n');
  const { text, stderr } = await session.finish();
  for (const [, , answer] of WAYS) expect(`${text}${stderr}`).not.toContain(answer);
  expect(stderr.match(/No such file/g)).toHaveLength(sockets.length);
  expect([...resolved.questions(), ...avahi.questions()]).toEqual([]);
});
