/**
 * Endpoints given by name: which of the addresses is used, and what happens when the name gets others.
 * The name server is the test's own, on the host.
 */
import { beforeEach, expect, test } from 'vitest';
import { eventually } from './harness/eventually.ts';
import { NameServer } from './harness/name-server.ts';
import { ENDPOINT_NAME, TUNNEL_PORT } from './harness/site.ts';
import { clean, useTopology } from './harness/topology.ts';

const LIMIT_MS = 90_000;
/** Two more addresses of the site. */
const [BEFORE, AFTER] = ['198.51.100.11', '198.51.100.12'];
/** An address behind the site, which forwards nothing and says nothing of it. */
const HOLE = '2001:db8:dead::1';

const topology = useTopology();

beforeEach(() => {
  topology.allowNameServices();
  // By a resolver that outlives the test's name server for a moment.
  topology.allow(/ A{1,4}\? vpn\.test\./);
});

test(
  'a peer whose name gets another address is found there, and nobody inside is asked',
  async () => {
    const { host, site } = topology;
    const { inner4, client4 } = site.addresses;
    topology.allow(/198\.51\.100\.1[12]\.51820:/);
    const client = await topology.client({ endpoint: `${ENDPOINT_NAME}:${TUNNEL_PORT}` });
    await site.namespace.sh(`ip address add ${BEFORE}/24 dev uplink`);
    await NameServer.during(host, [`${ENDPOINT_NAME},${BEFORE}`], async (server) => {
      const session = await topology.hold(client);
      const fetch = `until curl -sS -m 2 http://${inner4}/who; do :; done`;
      expect(await topology.output(client, ['sh', '-c', fetch])).toBe(client4);
      await site.namespace.sh(
        `ip address del ${BEFORE}/24 dev uplink; ip address add ${AFTER}/24 dev uplink`,
      );
      await server.answer([`${ENDPOINT_NAME},${AFTER}`]);
      const found = await topology.run(client, ['sh', '-c', fetch], { limitMs: LIMIT_MS });
      expect(found.text).toBe(client4);
      expect(server.queriesFor(ENDPOINT_NAME)).toBeGreaterThan(0);
      await session.finish();
    });
    await site.namespace.sh(`ip address del ${AFTER}/24 dev uplink`);
    expect(await topology.engineLog()).toContain(
      `endpoint ${ENDPOINT_NAME} moved ${BEFORE} → ${AFTER}\n`,
    );
    expect(site.queriesFor(ENDPOINT_NAME)).toBe(0);
  },
  LIMIT_MS,
);

test(
  'a name that came with --restart is looked up again as one of the start is',
  async () => {
    const { host, site } = topology;
    const { inner4, client4 } = site.addresses;
    topology.allow(/198\.51\.100\.1[12]\.51820:/);
    const client = await topology.client();
    const session = await topology.hold(client);
    const endpoint = `Endpoint = ${ENDPOINT_NAME}:${TUNNEL_PORT}`;
    host.write(client.name, client.text.replace(/^Endpoint.*$/m, endpoint));
    await site.namespace.sh(`ip address add ${BEFORE}/24 dev uplink`);
    await NameServer.during(host, [`${ENDPOINT_NAME},${BEFORE}`], async (server) => {
      const fetch = ['sh', '-c', `until curl -sS -m 2 http://${inner4}/who; do :; done`];
      const first = await host.wrap(['-c', client.name, '--restart', '--', ...fetch]).wait();
      expect(clean(first).text).toBe(client4);
      await site.namespace.sh(
        `ip address del ${BEFORE}/24 dev uplink; ip address add ${AFTER}/24 dev uplink`,
      );
      await server.answer([`${ENDPOINT_NAME},${AFTER}`]);
      const found = await topology.run(client, fetch, { limitMs: LIMIT_MS });
      expect(found.text).toBe(client4);
      await session.finish();
    });
    await site.namespace.sh(`ip address del ${AFTER}/24 dev uplink`);
  },
  LIMIT_MS,
);

test(
  'an address that leads nowhere is given up for the next one',
  async () => {
    const { host, site } = topology;
    const { inner4, client4, outer4 } = site.addresses;
    topology.allow(/2001:db8:dead::1/);
    const client = await topology.client({ endpoint: `${ENDPOINT_NAME}:${TUNNEL_PORT}` });
    await NameServer.during(host, [`${ENDPOINT_NAME},${outer4},${HOLE}`], async () => {
      const capture = await topology.captureAll();
      expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
      expect((await capture()).join('\n'), 'was tried first').toContain(`${HOLE}.${TUNNEL_PORT}`);
    });
  },
  LIMIT_MS,
);

test('an address that the host has no route to is not tried first', async () => {
  const { host, site } = topology;
  const { inner4, client4, outer4 } = site.addresses;
  const client = await topology.client({ endpoint: `${ENDPOINT_NAME}:${TUNNEL_PORT}` });
  await host.namespace.sh('ip -6 route add unreachable 2001:db8:dead::/48');
  try {
    await NameServer.during(host, [`${ENDPOINT_NAME},${outer4},2001:db8:dead::1`], async () => {
      const args = ['-c', client.name, '--connect-timeout', '4s', '--'];
      const result = await host.wrap([...args, 'curl', '-sS', `http://${inner4}/who`]).wait();
      expect(result).toMatchObject({ status: 0, text: client4 });
    });
  } finally {
    await host.namespace.sh('ip -6 route del unreachable 2001:db8:dead::/48');
  }
});

test('a name that is not known at first is asked for again', async () => {
  const { host, site } = topology;
  const { inner4, client4, outer4 } = site.addresses;
  const client = await topology.client({ endpoint: `${ENDPOINT_NAME}:${TUNNEL_PORT}` });
  await NameServer.during(host, [], async (server) => {
    const running = topology.start(client, ['curl', '-sS', `http://${inner4}/who`]);
    await eventually(
      () => server.queriesFor(ENDPOINT_NAME) > 2,
      20_000,
      () => 'the name was not asked for again',
    );
    await server.answer([`${ENDPOINT_NAME},${outer4}`]);
    expect(await running.wait()).toMatchObject({ status: 0, text: client4 });
  });
});
