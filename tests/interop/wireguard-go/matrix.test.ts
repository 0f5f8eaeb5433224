/**
 * The matrix against wireguard-go: who initiates, with and without a preshared key, over IPv4 and
 * IPv6. Each cell carries both IP versions inside: pings in both directions, datagrams of one byte up
 * to more than the MTU, and 5 MB in each direction with their digest, one over IPv4 and one over IPv6.
 */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { makePresharedKey } from '../../e2e/harness/keys.ts';
import { useTopology } from '../../e2e/harness/topology.ts';
import { Pair } from './harness/pair.ts';

const FILE_BYTES = 5_000_000;
/** What fits into one packet of an MTU of 1420, for ping and UDP: both have a header of 8 bytes. */
const FULL4 = 1420 - 20 - 8;
const FULL6 = 1420 - 40 - 8;

const upload = randomBytes(FILE_BYTES);

const topology = useTopology();

function pings(address4: string, address6: string): string {
  const targets = [
    [address4, 1],
    [address4, FULL4],
    [address6, 1],
    [address6, FULL6],
  ] as const;
  return targets
    .map(([address, size]) => `ping -q -c 3 -i 0.05 -W 5 -M do -s ${size} ${address}`)
    .join('\n');
}

async function expectPings(pair: Pair): Promise<void> {
  const { inner4, inner6, client4, client6 } = pair.site.addresses;
  const texts = [
    await pair.inside(pings(inner4, inner6)),
    await pair.site.namespace.sh(pings(client4, client6)),
  ];
  for (const text of texts) expect(text.match(/3 received, 0% packet loss/g)).toHaveLength(4);
}

async function expectDatagrams(pair: Pair): Promise<void> {
  const { inner4, inner6 } = pair.site.addresses;
  const echo = `${process.execPath} ${topology.host.programs}/udp-client.js`;
  const script = `${echo} ${inner4} 7 1 ${FULL4} ${FULL4 + 1} 4000
    ${echo} ${inner6} 7 1 ${FULL6} ${FULL6 + 1} 4000`;
  expect(await pair.inside(script)).toBe('echoed 4\nechoed 4');
}

/** `down` and `up` are wireguard-go's address as a URL has it. */
async function expectFiles(pair: Pair, down: string, up: string): Promise<void> {
  topology.host.write('upload', upload);
  const script = `curl -sS http://${down}/part | sha256sum | cut -d' ' -f1
    curl -sS -T upload http://${up}/upload`;
  const served = await pair.site.namespace.sh(`curl -sS http://${down}/part.sha256`);
  const sent = createHash('sha256').update(upload).digest('hex');
  expect(await pair.inside(script)).toBe(`${served}\n${sent}`);
}

const CELLS = (['product', 'wireguard-go'] as const).flatMap((initiator) =>
  ([4, 6] as const).flatMap((outer) =>
    [false, true].map((preshared) => ({ initiator, outer, preshared })),
  ),
);

for (const { initiator, outer, preshared } of CELLS) {
  const key = preshared ? 'with' : 'without';
  test(`${initiator} initiates over IPv${outer}, ${key} a preshared key`, async () => {
    const pair = await Pair.make(topology, {
      initiator,
      outer,
      ...(preshared && { presharedKey: makePresharedKey() }),
    });
    const session = await pair.hold();
    const before = await pair.site.peer.peerState();
    expect(before.latestHandshake).toBeGreaterThan(0);
    await expectPings(pair);
    await expectDatagrams(pair);
    const { inner4, inner6, host4, host6 } = pair.site.addresses;
    const urls = [inner4, `[${inner6}]`] as const;
    await (preshared ? expectFiles(pair, ...urls) : expectFiles(pair, urls[1], urls[0]));
    const after = await pair.site.peer.peerState();
    expect(after.txBytes - before.txBytes).toBeGreaterThan(FILE_BYTES);
    expect(after.rxBytes - before.rxBytes).toBeGreaterThan(FILE_BYTES);
    expect(after.endpoint.startsWith(outer === 4 ? `${host4}:` : `[${host6}]:`)).toBe(true);
    pair.expectInitiator();
    expect((await session.finish()).status).toBe(0);
  });
}
