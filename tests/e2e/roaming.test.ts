/**
 * Changing networks, on either side: the peer moves, the host gets another address or another family,
 * the engine is stopped for a while. Programs see a pause.
 */
import { expect, test } from 'vitest';
import { eventually } from './harness/eventually.ts';
import { NameServer } from './harness/name-server.ts';
import { ENDPOINT_NAME, TUNNEL_PORT } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';

const LIMIT_MS = 90_000;
const OTHER_PORT = 51_999;
const OTHER_OUTER = '198.51.100.11';
const OTHER_HOST = '198.51.100.3';

/** Holds a UDP port, of both families. */
const TAKE_PORT = `
  const taker = require('node:dgram').createSocket('udp6');
  taker.bind(Number(process.argv[1]), () => console.log('taken'));
`;

const topology = useTopology();

/** Fetches through the tunnel until that succeeds. */
async function fetchInTheEnd(client: Parameters<typeof topology.run>[0]): Promise<string> {
  const script = `until curl -sS -m 2 http://${topology.site.addresses.inner4}/who; do :; done`;
  return (await topology.run(client, ['sh', '-c', script], { limitMs: LIMIT_MS })).text;
}

/** Takes the host to another network, where it has this address. */
async function move(address: string): Promise<void> {
  const { host6, link, outer4, outer6 } = topology.site.addresses;
  await topology.host.namespace.sh(
    `ip link set ${link} down
     ip -4 address flush dev ${link}
     ip address add ${address}/24 dev ${link}
     ip link set ${link} up
     ip -6 address replace ${host6}/64 dev ${link} nodad
     ip route add default via ${outer4}
     ip -6 route replace default via ${outer6}`,
  );
}

test(
  'a peer that moves to another address and port is followed',
  async () => {
    const { site } = topology;
    const { client4, outer4 } = site.addresses;
    topology.allow(/198\.51\.100\.1?1\.51999:/);
    const client = await topology.client();
    const session = await topology.hold(client);
    expect(await fetchInTheEnd(client)).toBe(client4);
    await site.namespace.sh(
      `wg set wg0 listen-port ${OTHER_PORT}
       ip address add ${OTHER_OUTER}/24 dev uplink
       ip route add ${topology.site.addresses.host4}/32 dev uplink src ${OTHER_OUTER}`,
    );
    try {
      // What the peer sends is how we learn of it.
      await site.namespace.sh(`ping -c8 -W5 ${client4}`);
      expect(await fetchInTheEnd(client)).toBe(client4);
      const shown = await topology.host.wrap(['show']).wait();
      expect(shown.text).toMatch(new RegExp(`endpoint: .*:${OTHER_PORT}$`, 'm'));
    } finally {
      await site.namespace.sh(
        `wg set wg0 listen-port ${TUNNEL_PORT}
         ip route del ${topology.site.addresses.host4}/32 dev uplink
         ip address del ${OTHER_OUTER}/24 dev uplink`,
      );
    }
    expect(outer4).toBe('198.51.100.1');
    await session.finish();
  },
  LIMIT_MS,
);

test(
  'a host that comes back with another address is heard of at once, on the same port',
  async () => {
    const { host, site } = topology;
    const { host4 } = site.addresses;
    const client = await topology.client();
    const session = await topology.hold(client);
    expect(await fetchInTheEnd(client)).toBe(site.addresses.client4);
    const [, port = ''] = (await site.peer.peerState()).endpoint.split(':');
    await move(OTHER_HOST);
    try {
      // No packet of a program's: only what the engine does by itself can tell the peer.
      await eventually(
        async () => (await site.peer.peerState()).endpoint === `${OTHER_HOST}:${port}`,
        LIMIT_MS,
        () => 'the peer has not heard of the new address',
      );
      expect(await fetchInTheEnd(client)).toBe(site.addresses.client4);
      // A successor has the new sockets as well.
      process.kill(host.enginePid(), 'SIGKILL');
      expect(await fetchInTheEnd(client)).toBe(site.addresses.client4);
      expect((await site.peer.peerState()).endpoint).toBe(`${OTHER_HOST}:${port}`);
    } finally {
      await move(host4);
    }
    await session.finish();
    expect(await topology.engineLog()).toContain(`took new sockets, port ${port}\n`);
  },
  LIMIT_MS,
);

test(
  'sockets that the host cannot give are asked for until it can, and have the same port',
  async () => {
    const { host, site } = topology;
    const { host4, outer4, client4 } = site.addresses;
    const client = await topology.client();
    const session = await topology.hold(client);
    expect(await fetchInTheEnd(client)).toBe(client4);
    const [, port = ''] = (await site.peer.peerState()).endpoint.split(':');
    // The tunnel's own port is for the privileged now, and the only other one is taken.
    const limits = await host.namespace.sh(
      `cd /proc/sys/net/ipv4
       cat ip_unprivileged_port_start ip_local_port_range
       echo '65000 65000' >ip_local_port_range
       echo 65000 >ip_unprivileged_port_start`,
    );
    const [start = '', range = ''] = limits.split('\n');
    const taker = await host.namespace.daemon(
      [process.execPath, '-e', TAKE_PORT, '65000'],
      /^taken$/m,
    );
    try {
      await move(OTHER_HOST);
      await eventually(
        () => host.logs().includes('got no sockets from the host (EADDRINUSE), and asks again\n'),
        LIMIT_MS,
        () => `the engine has not asked, or got some:\n${host.logs()}`,
      );
      expect((await topology.run(client, ['ping', '-c1', '-W1', outer4])).status).not.toBe(0);
    } finally {
      await host.namespace.stop(taker);
      await host.namespace.sh(
        `cd /proc/sys/net/ipv4
         echo ${start} >ip_unprivileged_port_start
         echo ${range} >ip_local_port_range`,
      );
    }
    // No news of the host's, and no packet of a program's.
    await eventually(
      async () => (await site.peer.peerState()).endpoint === `${OTHER_HOST}:${port}`,
      LIMIT_MS,
      () => `the peer has not heard of the new sockets:\n${host.logs()}`,
    );
    expect(await fetchInTheEnd(client)).toBe(client4);
    await session.finish();
    await move(host4);
    expect(await topology.engineLog()).toContain(`took new sockets, port ${port}\n`);
  },
  LIMIT_MS,
);

test(
  'a family that the host gets later is used',
  async () => {
    const { host, site } = topology;
    const { client4, host6, link, outer4, outer6 } = site.addresses;
    const client = await topology.client({ endpoint: `${ENDPOINT_NAME}:${TUNNEL_PORT}` });
    topology.allowNameServices();
    await host.namespace.sh('echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6');
    await NameServer.during(host, [`${ENDPOINT_NAME},${outer4}`], async (server) => {
      const session = await topology.hold(client);
      expect(await fetchInTheEnd(client)).toBe(client4);
      await host.namespace.sh(
        `echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6
         ip -6 address replace ${host6}/64 dev ${link} nodad
         ip -6 route replace default via ${outer6}`,
      );
      await server.answer([`${ENDPOINT_NAME},${outer6}`]);
      await host.namespace.sh(`ip route add unreachable ${outer4}/32`);
      try {
        expect(await fetchInTheEnd(client)).toBe(client4);
        expect((await site.peer.peerState()).endpoint).toContain(`[${host6}]`);
      } finally {
        await host.namespace.sh(`ip route del unreachable ${outer4}/32`);
      }
      await session.finish();
    });
  },
  LIMIT_MS,
);

test(
  'an engine that was stopped goes on',
  async () => {
    const client = await topology.client();
    const { client4, inner4 } = topology.site.addresses;
    const session = await topology.hold(client);
    const engine = topology.host.enginePid();
    process.kill(engine, 'SIGSTOP');
    const script = `ping -c1 -W1 ${inner4}; kill -CONT ${engine}; exec curl -sS http://${inner4}/who`;
    try {
      const { text } = await topology.run(client, ['sh', '-c', script], { limitMs: LIMIT_MS });
      expect(text).toContain('0 received');
      expect(text.split('\n').at(-1)).toBe(client4);
    } finally {
      process.kill(engine, 'SIGCONT');
    }
    await session.finish();
  },
  LIMIT_MS,
);
