/**
 * Tunnels in tunnels: the datagrams of the inner one go through the outer one and leave at its far end.
 *
 *     the product ─ a ─ site 0 ──── 192.0.2.0/24, no route from the host ──── site 1 ─ b ─ 10.8.0.1
 *                                                                             └─ c ─ 10.10.0.1
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import { eventually } from './harness/eventually.ts';
import { makeKeyPair } from './harness/keys.ts';
import { TUNNEL_PORT } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';
import { WireguardGo } from './harness/wireguard-go.ts';

const THIRD_PORT = 51_821;

const topology = useTopology(2);
let third: WireguardGo;

beforeAll(async () => {
  const [first, second] = topology.sites;
  await first.namespace.sh(`
    ip link add hop type veth peer name hop netns ${second.namespace.pid}
    ip address add 192.0.2.1/24 dev hop
    ip link set hop up
    echo 1 >/proc/sys/net/ipv4/ip_forward`);
  await second.namespace.sh(`
    ip address add 192.0.2.2/24 dev hop
    ip link set hop up
    ip route add ${first.addresses.client4} via 192.0.2.1`);
  third = await WireguardGo.start(second.namespace, {
    name: 'wg1',
    listenPort: THIRD_PORT,
    addresses: ['10.10.0.1/24'],
  });
});

afterAll(async () => {
  await third.close();
});

/** The inner configuration: its peer is where only the far end of the outer tunnel has a way to. */
async function innerClient(): Promise<Client> {
  const [, second] = topology.sites;
  return await topology.client(
    {
      name: 'b.conf',
      endpoint: `192.0.2.2:${TUNNEL_PORT}`,
      interfaceLines: [`DNS = ${second.addresses.inner4}`],
    },
    [second],
  );
}

/** The words that run a command inside of b, which is inside of a. */
function inside(inner: Client, ...argv: readonly string[]): readonly string[] {
  return ['wg-wrap', '-c', inner.name, '--', ...argv];
}

test('a tunnel in a tunnel has two hops, and its peer sees the exit of the outer one', async () => {
  const [first, second] = topology.sites;
  const outer = await topology.client({ name: 'a.conf' });
  const inner = await innerClient();
  const fetch = ['curl', '-sS', `http://${second.addresses.inner4}/who`];
  expect(await topology.output(outer, inside(inner, ...fetch))).toBe(second.addresses.client4);
  const { endpoint } = await second.peer.peerState();
  expect(endpoint.split(':')[0]).toBe(first.addresses.client4);
});

test('three tunnels in each other work, and each has the MTU that is left to it, down to the least of IPv6', async () => {
  const [, second] = topology.sites;
  const outer = await topology.client({ name: 'a.conf' });
  const inner = await innerClient();
  const keys = makeKeyPair();
  await third.setPeers([{ publicKey: keys.publicKey, allowedIps: ['10.10.0.2/32'] }]);
  const lines = [
    '[Interface]',
    `PrivateKey = ${keys.privateKey}`,
    'Address = 10.10.0.2/32',
    `DNS = ${second.addresses.inner4}`,
    '[Peer]',
    `PublicKey = ${third.keys.publicKey}`,
    `AllowedIPs = 10.10.0.0/24, ${second.addresses.inner4}/32`,
    `Endpoint = ${second.addresses.inner4}:${THIRD_PORT}`,
  ];
  topology.host.write('c.conf', `${lines.join('\n')}\n`);
  const mtu = 'ip -o link show wg0 | grep -o "mtu [0-9]*"';
  const innermost = `${mtu}; ping -q -c1 -W5 10.10.0.1 | grep -o "1 received"`;
  const middle = `${mtu}; exec wg-wrap -c c.conf -- sh -c '${innermost}'`;
  const script = `${mtu}; exec ${inside(inner, 'sh', '-c', '"$0"').join(' ')}`;
  const text = await topology.output(outer, [
    'sh',
    '-c',
    script.replace('"$0"', `"$1"`),
    'sh',
    middle,
  ]);
  expect(text.split('\n')).toEqual(['mtu 1420', 'mtu 1340', 'mtu 1280', '1 received']);
  expect((await third.peerState()).endpoint.split(':')[0]).toBe(second.addresses.client4);
});

test('the death of the outer pin ends the traffic of the inner tunnel, and nothing else', async () => {
  const [, second] = topology.sites;
  const outer = await topology.client({ name: 'a.conf' });
  const inner = await innerClient();
  const { host } = topology;
  const fetch = `curl -sS -m 3 -o /dev/null http://${second.addresses.inner4}/who 2>/dev/null`;
  const script = `while ${fetch}; echo "fetched $?"; do read -r line || exit 0; done`;
  const session = topology.start(outer, inside(inner, 'sh', '-c', script), {
    inputStaysOpen: true,
  });
  await session.until(/^fetched 0$/m);
  const engines = (): number =>
    host.processes().filter(({ command }) => command.includes('/engine.js')).length;
  expect(engines()).toBe(2);
  process.kill(host.pinPid(), 'SIGKILL');
  await eventually(
    () => engines() === 1,
    20_000,
    () => 'the outer engine goes on',
  );
  session.write('again\n');
  await session.until(/^fetched (28|7)$/m);
  expect(engines()).toBe(1);
  expect(await session.finish()).toMatchObject({ status: 0, stderr: '' });
  await topology.settled();
  // And the next run is as if nothing had been.
  const again = ['curl', '-sS', `http://${second.addresses.inner4}/who`];
  expect(await topology.output(outer, inside(inner, ...again))).toBe(second.addresses.client4);
});
