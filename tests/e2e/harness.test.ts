/**
 * The harness itself: the topology works with wireguard-go at both ends, and each guard sees what it
 * is there to see. A guard that can't fail would make every other file here worthless.
 */
import { afterEach, expect, test } from 'vitest';
import { findSecret, makeKeyPair } from './harness/keys.ts';
import { INSIDE_NAME, FALSE_ADDRESS, TUNNEL_PORT } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';
import { WireguardGo } from './harness/wireguard-go.ts';

const topology = useTopology(2);

/** wireguard-go on the host, with routes to the inner addresses. */
async function startClient(): Promise<WireguardGo> {
  const { addresses, peer } = topology.site;
  const client = await WireguardGo.start(topology.host.namespace, {
    name: 'wgc',
    listenPort: 0,
    addresses: [`${addresses.client4}/32`, `${addresses.client6}/128`],
  });
  await peer.setPeers([
    {
      publicKey: client.keys.publicKey,
      allowedIps: [`${addresses.client4}/32`, `${addresses.client6}/128`],
    },
  ]);
  await client.setPeers([
    {
      publicKey: peer.keys.publicKey,
      allowedIps: [`${addresses.inner4}/32`, `${addresses.inner6}/128`],
      endpoint: `${addresses.outer4}:${TUNNEL_PORT}`,
    },
  ]);
  return client;
}

let cleanUp: () => Promise<void> = async () => {};
afterEach(async () => {
  await cleanUp();
  cleanUp = async () => {};
});

test('wireguard-go at both ends carries HTTP, ping, UDP and names', async () => {
  const client = await startClient();
  cleanUp = async () => {
    await client.close();
  };
  const { inner4, inner6 } = topology.site.addresses;
  const { host } = topology;
  const hash = await host.user(['curl', '-sS', `http://${inner4}/file.sha256`]).wait();
  const file = await host
    .user(['sh', '-c', `curl -sS http://[${inner6}]/file | sha256sum | cut -d" " -f1`])
    .wait();
  expect(file.text).toBe(hash.text);
  const ping = await host.user(['ping', '-c1', '-W2', inner6]).wait();
  expect(ping.status).toBe(0);
  const udp = host.user([
    process.execPath,
    `${host.programs}/udp-client.js`,
    inner4,
    '7',
    '1',
    '8000',
  ]);
  expect((await udp.wait()).text).toBe('echoed 2');
  const dig = await host.user(['dig', '+short', `@${inner4}`, INSIDE_NAME, 'AAAA']).wait();
  expect(dig.text).toBe(inner6);
  expect(topology.site.queriesFor(INSIDE_NAME)).toBe(1);
  // Programs that are not wrapped may ask the host's name services.
  await topology.look();
});

test('a packet outside of the tunnel and a question to nscd are seen', async () => {
  const { host } = topology;
  topology.allow(/inside\.test/);
  await host.user(['getent', 'ahosts', INSIDE_NAME]).wait();
  const { packets, connections } = await topology.look();
  expect(packets.join('\n')).toMatch(/198\.51\.100\.1\.53: .*inside\.test/);
  expect(connections).toContain('/run/nscd/socket');
});

test('the host resolves inside names to an address of its own', async () => {
  topology.allow(/inside\.test/);
  const dig = await topology.host.user(['dig', '+short', INSIDE_NAME]).wait();
  expect(dig.text).toBe(FALSE_ADDRESS);
});

test('a packet to the second site is seen as well', async () => {
  const { outer4 } = topology.sites[1].addresses;
  await topology.host.user(['bash', '-c', `echo stray >/dev/udp/${outer4}/4000`]).wait();
  const { packets } = await topology.look();
  expect(packets.join('\n')).toContain(`${outer4}.4000: UDP, length 6`);
});

test('a process that stays, a file in the state directory and a changed mount are seen', async () => {
  const { host } = topology;
  const stray = host.user(['sleep', '30']);
  host.write('../run/wg-wrap-stray', '');
  await host.namespace.sh('mount -t tmpfs stray /mnt');
  const complaint = await topology.end(100).then(
    () => '',
    (error: unknown) => String(error),
  );
  expect(complaint).toMatch(/still there: .*sleep 30/);
  expect(complaint).toContain('state files are left: wg-wrap-stray');
  expect(complaint).toContain('mounts changed');
  expect((await stray.wait()).signal).toBe('SIGKILL');
  await host.namespace.sh(`umount /mnt; rm '${host.runtime}/wg-wrap-stray'`);
});

test('a key is found in an output in every usual form', async () => {
  const { privateKey } = makeKeyPair();
  const hex = Buffer.from(privateKey, 'base64').toString('hex');
  expect(findSecret(`PrivateKey = ${privateKey}`)).toBeDefined();
  expect(findSecret(`private_key=${hex}`)).toBeDefined();
  expect(findSecret(makeKeyPair().publicKey)).toBeUndefined();
  await topology.host.user(['echo', privateKey]).wait();
  await expect(topology.end()).rejects.toThrow(/printed a secret key/);
  topology.begin();
});

test('a key in arguments, in an environment and in a state file is seen', async () => {
  const { host } = topology;
  const keys = [makeKeyPair(), makeKeyPair(), makeKeyPair()].map(({ privateKey }) =>
    privateKey.replace('=', ''),
  );
  const shown = host.user(['sh', '-c', 'echo up; read -r end; exit', keys[0]], {
    env: { KEY: Buffer.from(keys[1], 'base64').toString('hex') },
    inputStaysOpen: true,
  });
  await shown.until(/^up$/m);
  await host.user(['mkdir', '-p', `${host.runtime}/wg-wrap/key`]).wait();
  host.write('../run/wg-wrap/key/about', keys[2]);
  const complaint = await topology.end(100).then(
    () => '',
    (error: unknown) => String(error),
  );
  await shown.wait();
  expect(complaint).toMatch(/a secret key, as 43 characters in \/proc\/\d+\/cmdline \(sh /);
  expect(complaint).toMatch(/a secret key, as 64 characters in \/proc\/\d+\/environ \(sh /);
  expect(complaint).toMatch(/a secret key, as 43 characters in .*\/key\/about \(state\)/);
  topology.begin();
});

test('a command that outlives its limit is killed and says so', async () => {
  const result = await topology.host.user(['sleep', '20'], { limitMs: 200 }).wait();
  expect(result).toMatchObject({ signal: 'SIGKILL', overdue: 'it was killed after 200 ms' });
});
