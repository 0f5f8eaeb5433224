/**
 * Datagrams from UDP port 0. Nothing can be sent there, so nothing may be made of them; but whoever
 * forges a source port, or has a translator that does, can choose it.
 *
 *     wireguard-go :51820 ──► nftables: source port 0 ──► host: counted ──► engine
 */
import { expect, test } from 'vitest';
import { eventually } from './harness/eventually.ts';
import type { StatusObject } from './harness/status-schema.ts';
import { useTopology } from './harness/topology.ts';

const LIMIT_MS = 60_000;

/** Rewrites the source port of what leaves. */
const FORGE = `nft -f - <<'END'
table ip forge {
  chain out { type filter hook postrouting priority 0; udp sport 51820 udp sport set 0; }
}
END`;

/** Counts what comes from port 0: handshake initiations, by their length, and the rest. */
const COUNT = `nft -f - <<'END'
table ip count {
  counter initiations { }
  counter others { }
  chain in {
    type filter hook input priority 0;
    udp sport 0 udp length 156 counter name initiations
    udp sport 0 udp length != 156 counter name others
  }
}
END`;

const topology = useTopology();

test.each([
  ['pump', 'on'],
  ['typescript', 'off'],
])(
  'a peer behind port 0 does not disturb the data path %s',
  async (dataPath, pump) => {
    const { host, site } = topology;
    const { client4, host4, inner4 } = site.addresses;
    const client = await topology.client();
    const hold = topology.start(client, ['sh', '-c', 'echo up; exec cat'], {
      inputStaysOpen: true,
      env: { WG_WRAP_PUMP: pump },
    });
    await hold.until(/^up$/m);
    const who = ['curl', '-sS', `http://${inner4}/who`];
    expect(await topology.output(client, who)).toBe(client4);
    const { endpoint } = await site.peer.peerState();
    const [, port = ''] = endpoint.split(':');
    expect(endpoint).toBe(`${host4}:${port}`);
    const engine = host.enginePid();
    const counted = async (name: string): Promise<number> => {
      const text = await host.namespace.sh(`nft list counter ip count ${name}`);
      return Number(/packets (\d+)/.exec(text)?.[1]);
    };
    await host.namespace.sh(COUNT);
    await site.namespace.sh(FORGE);
    try {
      // On a keypair that both have, and then on one that only this peer wants.
      await site.namespace.sh(`ping -c1 -W1 ${client4} || :`);
      expect(await counted('others')).toBeGreaterThan(0);
      await site.peer.restart();
      await site.namespace.sh(
        `wg set wg0 peer ${client.publicKey} endpoint ${endpoint} persistent-keepalive 1`,
      );
      // The second comes five seconds after the first, which has been seen to by then.
      await eventually(
        async () => (await counted('initiations')) >= 2,
        LIMIT_MS,
        () => 'wireguard-go has sent no initiations',
      );
    } finally {
      await site.namespace.sh('nft delete table ip forge');
      await host.namespace.sh('nft delete table ip count');
    }
    const script = `until curl -sS -m 2 http://${inner4}/who; do :; done`;
    const { text } = await topology.run(client, ['sh', '-c', script], { limitMs: LIMIT_MS });
    expect(text).toBe(client4);
    expect(host.enginePid()).toBe(engine);
    const status = await host.wrap(['status', '--json', 'work']).wait();
    const { engine: report, drops } = JSON.parse(status.text) as StatusObject;
    expect(report).toMatchObject({ data_path: dataPath, restarts: 0 });
    expect(drops!['port_zero']).toBeGreaterThanOrEqual(2);
    expect((await hold.finish()).status).toBe(0);
  },
  LIMIT_MS,
);
