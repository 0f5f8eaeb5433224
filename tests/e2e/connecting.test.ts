/**
 * When there is no handshake in time: exit status 124, the reason, and a command that has not run.
 */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Result } from './harness/command.ts';
import { makeKeyPair, makePresharedKey } from './harness/keys.ts';
import { CLOSED_PORT, ENDPOINT_NAME, SILENT_PORT, TUNNEL_PORT } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** Runs a command that would leave a file, with two seconds to connect. */
async function runInVain(client: Client): Promise<Result> {
  const options = ['-c', client.name, '--connect-timeout', '2s', '--'];
  const result = await topology.host.wrap([...options, 'touch', 'marker']).wait();
  expect(topology.host.has('marker')).toBe(false);
  expect(result.elapsedMs).toBeLessThan(8_000);
  return result;
}

test('a port where nothing listens is named', async () => {
  const { outer4 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `${outer4}:${CLOSED_PORT}` });
  expect(await runInVain(client)).toMatchObject({
    status: 124,
    stderr: `wg-wrap: ${outer4}:${CLOSED_PORT} refused the datagram: nothing listens there\n`,
  });
});

test('an IPv6 port where nothing listens is named', async () => {
  const { outer6 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `[${outer6}]:${CLOSED_PORT}` });
  expect(await runInVain(client)).toMatchObject({
    status: 124,
    stderr: `wg-wrap: [${outer6}]:${CLOSED_PORT} refused the datagram: nothing listens there\n`,
  });
});

test('silence is counted and explained', async () => {
  const { outer4 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `${outer4}:${SILENT_PORT}` });
  expect(await runInVain(client)).toMatchObject({
    status: 124,
    stderr:
      'wg-wrap: no reply to 1 handshake in 2 s: wrong port, blocked UDP, or a wrong key ' +
      "(a WireGuard server stays silent on keys it doesn't know)\n",
  });
});

test('a server that does not know our key is silent too', async () => {
  const client = await topology.client();
  await topology.site.peer.setPeers([
    { publicKey: makeKeyPair().publicKey, allowedIps: ['10.9.0.2/32'] },
  ]);
  const result = await runInVain(client);
  expect(result.status).toBe(124);
  expect(result.stderr).toMatch(/^wg-wrap: no reply to 1 handshake in 2 s: .*\n$/);
});

test('a different preshared key is seen in the reply', async () => {
  const client = await topology.client({
    presharedKey: makePresharedKey(),
    peerPresharedKey: makePresharedKey(),
  });
  expect(await runInVain(client)).toMatchObject({
    status: 124,
    stderr: 'wg-wrap: the reply did not authenticate: PresharedKey missing or different\n',
  });
});

test('a missing preshared key is seen in the reply', async () => {
  const client = await topology.client({ peerPresharedKey: makePresharedKey() });
  expect(await runInVain(client)).toMatchObject({
    status: 124,
    stderr: 'wg-wrap: the reply did not authenticate: PresharedKey missing or different\n',
  });
});

test('an address without a route on the host is named', async () => {
  const client = await topology.client({ endpoint: `192.0.2.9:${TUNNEL_PORT}` });
  const { namespace } = topology.host;
  await namespace.sh('ip route add unreachable 192.0.2.0/24');
  try {
    expect(await runInVain(client)).toMatchObject({
      status: 124,
      stderr: 'wg-wrap: no route to 192.0.2.9 on this host (IPv4)\n',
    });
  } finally {
    await namespace.sh('ip route del unreachable 192.0.2.0/24');
  }
});

test('a link-local endpoint is told apart from one that is silent', async () => {
  const client = await topology.client({ endpoint: `[fe80::1]:${TUNNEL_PORT}` });
  topology.allow(/fe80::1/);
  const result = await runInVain(client);
  expect(result.status).toBe(124);
  expect(result.stderr).toMatch(/^wg-wrap: no reply from \[fe80::1\]:.* link-local .*\n$/);
});

test('an endpoint that has no address is retried until the time is over', async () => {
  topology.allowNameServices();
  const client = await topology.client({ endpoint: `absent.test:${TUNNEL_PORT}` });
  topology.allow(/absent\.test/);
  const line = client.text.split('\n').findIndex((text) => text.startsWith('Endpoint')) + 1;
  const result = await runInVain(client);
  expect(result.status).toBe(124);
  expect(result.stderr).toMatch(
    new RegExp(
      `^wg-wrap: work\\.conf:${line}: cannot resolve endpoint "absent\\.test" ` +
        '\\(.*\\); tried \\d+ times? in 2 s\\n$',
    ),
  );
});

test('a resolver that says nothing holds no run beyond its time', async () => {
  topology.allowNameServices();
  const client = await topology.client({ endpoint: `absent.test:${TUNNEL_PORT}` });
  const { namespace } = topology.host;
  await namespace.sh('cp -p /etc/resolv.conf /run/resolv.conf.kept');
  await namespace.sh('echo "nameserver 198.51.100.77" >/etc/resolv.conf');
  try {
    const result = await runInVain(client);
    expect(result.status).toBe(124);
    expect(result.stderr).toContain('(no answer from the host resolver); tried once in 2 s');
  } finally {
    await namespace.sh('cp -p /run/resolv.conf.kept /etc/resolv.conf');
  }
});

test('a name is resolved by the host', async () => {
  topology.allowNameServices();
  const client = await topology.client({ endpoint: `${ENDPOINT_NAME}:${TUNNEL_PORT}` });
  topology.allow(/vpn\.test/);
  const { inner4, client4 } = topology.site.addresses;
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
  expect(topology.site.queriesFor(ENDPOINT_NAME)).toBe(0);
});

test('a run that joins a tunnel which is still starting waits with it', async () => {
  const { outer4 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `${outer4}:${SILENT_PORT}` });
  const results = await Promise.all([runInVain(client), runInVain(client)]);
  for (const result of results) {
    expect(result.status).toBe(124);
    expect(result.stderr).toMatch(/^wg-wrap: no reply to .*\n$/);
  }
});

test('more runs than an engine talks to at a time are all told why there is no handshake', async () => {
  const { outer4 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `${outer4}:${SILENT_PORT}` });
  const args = ['-c', client.name, '--connect-timeout', '4s', '--', 'true'];
  const commands = Array.from({ length: 12 }, () => topology.host.wrap(args));
  for (const result of await Promise.all(commands.map((command) => command.wait()))) {
    expect(result.status).toBe(124);
    expect(result.stderr).toMatch(/^wg-wrap: no reply to .*\n$/);
  }
});
