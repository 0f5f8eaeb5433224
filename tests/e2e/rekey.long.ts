/**
 * A rekey in real time, in both roles, under traffic: WireGuard makes new keys after 120 s of use, and
 * no packet may be lost over it.
 *
 * Both tunnels run side by side: to site 0 the product initiates, to site 1 wireguard-go does.
 */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import type { Site } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';

const REKEY_AFTER_S = 120;
const TRAFFIC_S = REKEY_AFTER_S + 30;
const LIMIT_MS = (TRAFFIC_S + 60) * 1000;
const PINGS_PER_S = 5;
const FILE_BYTES = 50_000_000;
const LISTEN_PORT = 40_000;

const topology = useTopology(2);

/** Pings and downloads for the whole time. */
function startTraffic(client: Client, site: Site): Command {
  const { inner4, inner6 } = site.addresses;
  const rate = Math.floor(FILE_BYTES / TRAFFIC_S);
  const script = [
    'echo up',
    `ping -q -i ${1 / PINGS_PER_S} -c ${TRAFFIC_S * PINGS_PER_S} ${inner4} &`,
    `curl -sS --limit-rate ${rate} http://[${inner6}]/file | sha256sum`,
    'wait',
  ].join('\n');
  return topology.start(client, ['sh', '-c', script], { limitMs: LIMIT_MS });
}

async function expectComplete(command: Command, site: Site): Promise<void> {
  const result = await command.wait();
  const url = `http://${site.addresses.inner4}/file.sha256`;
  expect(result.stderr).toBe('');
  expect(result.text).toContain(await site.namespace.sh(`curl -sS ${url}`));
  expect(result.text).toContain(' 0% packet loss');
}

test(
  'a rekey loses no packet, whether we initiate it or the peer',
  async () => {
    const [first, second] = topology.sites;
    const initiator = await topology.client({ name: 'initiator.conf' }, [first]);
    const responder = await topology.client(
      {
        name: 'responder.conf',
        endpoint: false,
        interfaceLines: [`DNS = ${second.addresses.inner4}`, `ListenPort = ${LISTEN_PORT}`],
        ourEndpoint: `${second.addresses.host4}:${LISTEN_PORT}`,
        keepaliveSeconds: 5,
      },
      [second],
    );
    const initiating = startTraffic(initiator, first);
    const responding = startTraffic(responder, second);
    await eventually(
      () => topology.host.pins().length === 2,
      10_000,
      () => 'a tunnel has not started',
    );
    await responder.introduce();
    await initiating.until(/^up$/m);
    await responding.until(/^up$/m);
    const before = await Promise.all(topology.sites.map((site) => site.peer.peerState()));
    await expectComplete(initiating, first);
    await expectComplete(responding, second);
    const after = await Promise.all(topology.sites.map((site) => site.peer.peerState()));
    for (const [index, { latestHandshake }] of after.entries()) {
      const passed = latestHandshake - before[index].latestHandshake;
      expect(passed).toBeGreaterThanOrEqual(REKEY_AFTER_S - 5);
    }
    // Initiations come from one side only: the other's role is what the test is about.
    expect(first.peer.log).not.toContain('Sending handshake initiation');
    expect(second.peer.log.match(/Sending handshake initiation/g)?.length).toBeGreaterThan(1);
  },
  LIMIT_MS + 30_000,
);
