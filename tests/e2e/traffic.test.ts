/**
 * What a tunnel carries, against Debian's wireguard-go: HTTP, ping, UDP and names, both IP versions
 * inside and outside, and both roles of the handshake.
 *
 *     the product on the host ──── site 0 (10.9.0.1, fd09::1)
 *                             └─── site 1 (10.8.0.1, fd08::1)
 */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { eventually } from './harness/eventually.ts';
import { makePresharedKey } from './harness/keys.ts';
import { FALSE_ADDRESS, INSIDE_NAME, TUNNEL_PORT } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';

const LARGE_BYTES = 50_000_000;
const LARGE_LIMIT_MS = 60_000;
const LISTEN_PORT = 40_000;

const topology = useTopology(2);

test(
  'a file of 50 MB comes through unchanged',
  async () => {
    const client = await topology.client();
    const { inner4 } = topology.site.addresses;
    const script = `curl -sS http://${inner4}/file | sha256sum | cut -d' ' -f1`;
    const hash = await topology.output(client, ['sh', '-c', script], { limitMs: LARGE_LIMIT_MS });
    expect(hash).toBe(await topology.site.namespace.sh(`curl -sS http://${inner4}/file.sha256`));
  },
  LARGE_LIMIT_MS,
);

test(
  'an upload of 50 MB over IPv6 inside arrives unchanged',
  async () => {
    const client = await topology.client();
    const bytes = randomBytes(LARGE_BYTES);
    topology.host.write('upload', bytes);
    const url = `http://[${topology.site.addresses.inner6}]/upload`;
    const hash = await topology.output(client, ['curl', '-sS', '-T', 'upload', url], {
      limitMs: LARGE_LIMIT_MS,
    });
    expect(hash).toBe(createHash('sha256').update(bytes).digest('hex'));
  },
  LARGE_LIMIT_MS,
);

test('the peer sees the address of the config', async () => {
  const client = await topology.client();
  const { inner4, client4 } = topology.site.addresses;
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
});

test('ping works over IPv4 and IPv6', async () => {
  const client = await topology.client();
  const { inner4, inner6 } = topology.site.addresses;
  const script = `ping -c2 -i0.2 -W2 ${inner4} && ping -c2 -i0.2 -W2 ${inner6}`;
  const text = await topology.output(client, ['sh', '-c', script]);
  expect(text.match(/2 received, 0% packet loss/g)).toHaveLength(2);
});

test('UDP datagrams of any size come back from an echo, over IPv4 and IPv6', async () => {
  const client = await topology.client();
  const { inner4, inner6 } = topology.site.addresses;
  const echo = `${process.execPath} ${topology.host.programs}/udp-client.js`;
  const sizes = '1 100 1392 1393 8000';
  const script = `${echo} ${inner4} 7 ${sizes} && ${echo} ${inner6} 7 ${sizes}`;
  expect(await topology.output(client, ['sh', '-c', script])).toBe('echoed 5\nechoed 5');
});

test('names are resolved by the DNS server of the config, for glibc and over UDP and TCP', async () => {
  const client = await topology.client();
  const { inner4, inner6 } = topology.site.addresses;
  const before = topology.site.queriesFor(INSIDE_NAME);
  const script = [
    `getent ahosts ${INSIDE_NAME}`,
    `dig +notcp ${INSIDE_NAME}`,
    `dig +tcp ${INSIDE_NAME} AAAA`,
  ].join(' && ');
  const text = await topology.output(client, ['sh', '-c', script]);
  expect(text).toMatch(new RegExp(`^${inner4}\\s+STREAM`, 'm'));
  expect(text).toMatch(new RegExp(`^${inner6}\\s+STREAM`, 'm'));
  expect(text).toMatch(new RegExp(`SERVER: ${inner4}#53\\(${inner4}\\) \\(UDP\\)`));
  expect(text).toMatch(new RegExp(`SERVER: ${inner4}#53\\(${inner4}\\) \\(TCP\\)`));
  expect(text).not.toContain(FALSE_ADDRESS);
  // A and AAAA for glibc, and one for each dig.
  expect(topology.site.queriesFor(INSIDE_NAME) - before).toBe(4);
});

test('a peer is reached at an IPv6 endpoint', async () => {
  const { outer6, host6, inner4, inner6 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `[${outer6}]:${TUNNEL_PORT}` });
  const script = `curl -sS http://${inner4}/who http://[${inner6}]/who`;
  const hold = topology.start(client, ['sh', '-c', `${script}; echo; read -r end`], {
    inputStaysOpen: true,
  });
  await hold.until(/^10\.9\.0\.2fd09::2$/m);
  expect((await topology.site.peer.peerState()).endpoint).toContain(`[${host6}]:`);
  await hold.finish();
});

test('a preshared key is part of the handshake', async () => {
  const { inner4, client4 } = topology.site.addresses;
  const client = await topology.client({ presharedKey: makePresharedKey() });
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
});

test('each of two peers gets what its AllowedIPs say, and nobody gets the rest', async () => {
  const [first, second] = topology.sites;
  const client = await topology.client(
    { allowedIps: ['10.9.0.0/24, fd09::/64', '10.8.0.0/24, fd08::/64'] },
    topology.sites,
  );
  const urls = [first, second].flatMap(({ addresses: { inner4, inner6 } }) => [
    `http://${inner4}/who`,
    `http://[${inner6}]/who`,
  ]);
  const script = `curl -sS -w '\\n' ${urls.join(' ')}; curl -s -m5 http://10.7.0.1/; echo $?`;
  const lines = (await topology.output(client, ['sh', '-c', script])).split('\n');
  expect(lines).toEqual(['10.9.0.2', 'fd09::2', '10.9.0.2', 'fd09::2', '7']);
  expect((await second.peer.peerState()).rxBytes).toBeGreaterThan(0);
});

test('a peer that has no Endpoint here may initiate, and the command waits for it', async () => {
  const { host4, inner4, client4 } = topology.site.addresses;
  const client = await topology.client({
    endpoint: false,
    interfaceLines: [`ListenPort = ${LISTEN_PORT}`, `DNS = ${inner4}`],
    ourEndpoint: `${host4}:${LISTEN_PORT}`,
    keepaliveSeconds: 1,
  });
  const command = topology.start(client, ['curl', '-sS', `http://${inner4}/who`]);
  // The peer would try again only after five seconds, so it learns of us when we listen.
  await eventually(
    () => topology.host.pins().length === 1,
    10_000,
    () => 'no tunnel was there to speak to',
  );
  await client.introduce();
  expect((await command.wait()).text).toBe(client4);
  expect(topology.site.peer.log).toContain('Sending handshake initiation');
});

test('with --no-wait the command runs at once, without a handshake', async () => {
  const client = await topology.client({ endpoint: false });
  const command = topology.host.wrap(['-c', client.name, '--no-wait', '--', 'echo', 'ran']);
  expect(await command.wait()).toMatchObject({ status: 0, text: 'ran', stderr: '' });
});

test('the peer can reach a server inside', async () => {
  const { client4, client6 } = topology.site.addresses;
  const client = await topology.client();
  const hold = await topology.hold(client);
  await topology.site.namespace.sh(`ping -c1 -W2 ${client4}; ping -c1 -W2 ${client6}`);
  await hold.finish();
});
