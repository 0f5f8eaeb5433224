/**
 * Hosts that are not as one would wish: no TUN device for the user, no IPv6, no runtime directory, a
 * resolver that the tunnel can't reach, ssh settings that belong to root; and a host that is itself
 * the inside of another tunnel.
 *
 *     the product ──── site 0: wg0 10.9.0.1 ──── the second tunnel ends here too: wg1 10.10.0.1
 */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import { eventually } from './harness/eventually.ts';
import { makeKeyPair } from './harness/keys.ts';
import { INSIDE_NAME } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';
import { WireguardGo } from './harness/wireguard-go.ts';

const SECOND_PORT = 51_821;

const topology = useTopology();

/** Changes the host for the time of `body`. */
async function withHost(change: string, restore: string, body: () => Promise<void>): Promise<void> {
  const { namespace } = topology.host;
  await namespace.sh(change);
  try {
    await body();
  } finally {
    await namespace.sh(restore);
  }
}

async function fetchFrom(client: Client, env: Record<string, string> = {}): Promise<string> {
  const url = `http://${topology.site.addresses.inner4}/who`;
  return await topology.output(client, ['curl', '-sS', url], { env });
}

test('a user who may have few open files gets a tunnel', async () => {
  const client = await topology.client();
  const script = `ulimit -n 64; exec wg-wrap -c ${client.name} -- echo up`;
  const result = await topology.host.user(['sh', '-c', script]).wait();
  expect(result).toMatchObject({ text: 'up', stderr: '', status: 0 });
});

test('a TUN device that is not open to the user is named, with the remedy', async () => {
  const client = await topology.client();
  await withHost('chmod 600 /dev/net/tun', 'chmod 666 /dev/net/tun', async () => {
    expect(await topology.run(client, ['true'])).toMatchObject({
      status: 125,
      stderr:
        'wg-wrap: /dev/net/tun is not open to you (crw------- root root): ' +
        'sudo chmod 0666 /dev/net/tun\n',
    });
  });
});

test('without XDG_RUNTIME_DIR the state is below TMPDIR, and is shared all the same', async () => {
  const client = await topology.client();
  const { host } = topology;
  const env = { XDG_RUNTIME_DIR: '', TMPDIR: host.home };
  const script = `readlink /proc/self/ns/net; wg-wrap -c ${client.name} -- readlink /proc/self/ns/net`;
  const [outer, inner] = (await topology.output(client, ['sh', '-c', script], { env })).split('\n');
  expect(inner).toBe(outer);
  expect(host.stateFiles()).toEqual([]);
  expect(host.has(`wg-wrap-${host.uid}/wg-wrap`)).toBe(true);
});

test('a state directory that others may write to is refused', async () => {
  const client = await topology.client();
  const { host } = topology;
  const directory = join(host.runtime, 'wg-wrap');
  mkdirSync(directory);
  chownSync(directory, host.uid, host.uid);
  chmodSync(directory, 0o777);
  const result = await topology.run(client, ['true']);
  expect(result.status).toBe(125);
  expect(result.stderr).toMatch(/^wg-wrap: .*wg-wrap.*\n$/);
});

test('a config without DNS uses no resolver that the tunnel does not reach', async () => {
  const client = await topology.client({ interfaceLines: [], allowedIps: ['10.9.0.0/24'] });
  expect(await topology.run(client, ['true'])).toMatchObject({
    status: 78,
    stderr:
      "wg-wrap: work.conf has no DNS=, and this host's resolver 198.51.100.1 can't be reached " +
      'through the tunnel; use --dns ADDR or --dns none\n',
  });
});

test('--dns names the server for the tunnel, and --dns none leaves names unresolved', async () => {
  const client = await topology.client({ interfaceLines: [] });
  const { inner4 } = topology.site.addresses;
  const ask = ['--', 'getent', 'ahostsv4', INSIDE_NAME];
  const named = await topology.host.wrap(['-c', client.name, '--dns', inner4, ...ask]).wait();
  expect(named).toMatchObject({ status: 0, stderr: '' });
  expect(named.text).toContain(inner4);
  await topology.settled();
  const none = await topology.host.wrap(['-c', client.name, '--dns', 'none', ...ask]).wait();
  expect(none).toMatchObject({ status: 2, text: '' });
});

test('a config that changed counts as soon as the tunnel has ended', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  topology.host.write(client.name, `${client.text}PersistentKeepalive = 20\n`);
  expect((await topology.run(client, ['true'])).status).toBe(125);
  await hold.finish();
  await topology.settled();
  await fetchFrom(client);
});

test('the MTU is 80 less than that of the route to the peer, and the config can lower it', async () => {
  const link = ['sh', '-c', 'ip -o link show wg0 | grep -o "mtu [0-9]*"'];
  const usual = await topology.client();
  expect(await topology.output(usual, link)).toBe('mtu 1420');
  // What the pump sends with one call: 45 datagrams at this MTU, 49 at the other.
  const bound = ['sh', '-c', 'ip -d -o link show wg0 | grep -o "gso_max_size [0-9]*"'];
  expect(await topology.output(usual, bound)).toBe('gso_max_size 61612');
  const low = await topology.client({ interfaceLines: ['DNS = 10.9.0.1', 'MTU = 1300'] });
  await topology.settled();
  expect(await topology.output(low, link)).toBe('mtu 1300');
  expect(await topology.output(low, bound)).toBe('gso_max_size 61204');
});

test('on a host without IPv6 a tunnel with both families still carries IPv4', async () => {
  const { namespace } = topology.host;
  const { link, host6, outer6 } = topology.site.addresses;
  const client = await topology.client();
  const disable = (value: number): string =>
    `for scope in all default; do echo ${value} >/proc/sys/net/ipv6/conf/$scope/disable_ipv6; done`;
  const restore = [
    disable(0),
    `ip address add ${host6}/64 dev ${link} nodad`,
    `ip -6 route add default via ${outer6}`,
  ].join('\n');
  await withHost(disable(1), restore, async () => {
    const url = `http://${topology.site.addresses.inner4}/who`;
    const result = await topology.run(client, ['curl', '-sS', url]);
    expect(result).toMatchObject({ status: 0, text: topology.site.addresses.client4 });
    // Inside is a namespace of its own, where IPv6 may well be there: then nothing is lost.
    expect(result.stderr).toMatch(
      /^(wg-wrap: IPv6 is disabled on this host .*; continuing with IPv4 only\n)?$/,
    );
  });
  expect(await namespace.sh(`ip -6 -o address show dev ${link}`)).toContain(host6);
});

test('ssh accepts the settings of the host, although root owns them', async () => {
  const { host } = topology;
  const client = await topology.client();
  const user = `tester:x:${host.uid}:${host.uid}::${host.home}:/bin/sh`;
  const change = [
    `echo '${user}' >>/etc/passwd`,
    'mkdir -p /etc/ssh/ssh_config.d',
    'echo "Include /etc/ssh/ssh_config.d/*.conf" >/etc/ssh/ssh_config',
    'echo "Port 2222" >/etc/ssh/ssh_config.d/site.conf',
  ].join('\n');
  const restore = 'sed -i /^tester:/d /etc/passwd; rm /etc/ssh/ssh_config.d/site.conf';
  await withHost(change, restore, async () => {
    expect(await topology.output(client, ['ssh', '-T', '-G', 'somewhere'])).toMatch(/^port 2222$/m);
  });
});

test('a tunnel can be started inside another, and its datagrams go through that one', async () => {
  const { addresses, namespace } = topology.site;
  const outer = await topology.client({ name: 'outer.conf' });
  const second = await WireguardGo.start(namespace, {
    name: 'wg1',
    listenPort: SECOND_PORT,
    addresses: ['10.10.0.1/24'],
  });
  const keys = makeKeyPair();
  await second.setPeers([{ publicKey: keys.publicKey, allowedIps: ['10.10.0.2/32'] }]);
  const lines = [
    '[Interface]',
    `PrivateKey = ${keys.privateKey}`,
    'Address = 10.10.0.2/32',
    `DNS = ${addresses.inner4}`,
    '[Peer]',
    `PublicKey = ${second.keys.publicKey}`,
    'AllowedIPs = 10.10.0.0/24, 10.9.0.1/32',
    `Endpoint = ${addresses.inner4}:${SECOND_PORT}`,
  ];
  topology.host.write('inner.conf', lines.join('\n'));
  const show = 'ip -o link show wg0 | grep -o "mtu [0-9]*"; ping -q -c1 -W2 10.10.0.1';
  const inner = ['wg-wrap', '-c', 'inner.conf', '--', 'sh', '-c', show];
  try {
    const text = await topology.output(outer, inner);
    expect(text).toMatch(/^mtu 1340$/m);
    expect(text).toContain('1 received');
    await eventually(
      async () => (await second.peerState()).endpoint.startsWith(`${addresses.client4}:`),
      20_000,
      () => 'the second tunnel did not come through the first',
    );
  } finally {
    await second.close();
  }
});
