/**
 * A tunnel outlives changes at either end: other addresses, another port, the death of wireguard-go or
 * of our engine. What moves, moves in the middle of a transfer, which has to come through unchanged.
 *
 *     the product on the host ──── site 0 (10.9.0.1, fd09::1)
 *                             └─── site 1 (10.8.0.1, fd08::1)
 */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { eventually } from '../../e2e/harness/eventually.ts';
import { TUNNEL_PORT } from '../../e2e/harness/site.ts';
import { useTopology } from '../../e2e/harness/topology.ts';
import { Pair } from './harness/pair.ts';

const OTHER_PORT = 51_821;
/** The port that a translator of addresses gives us. */
const TRANSLATED_PORT = 40_001;
/** Another address at the same link, for whoever moves. */
const ELSEWHERE = { 4: '198.51.100.9', 6: '2001:db8::9' } as const;
/** How long an upload takes if nothing is in its way; a download of `/slow` takes as long. */
const TRANSFER_S = 2;
const UNDER_WAY_BYTES = 500_000;
/** Nothing tells of a lost session: data stays unanswered for 15 s first (WP 6.5). */
const LOST_PEER_LIMIT_S = 45;

const upload = randomBytes(4_000_000);

const topology = useTopology(2);

/** What a transfer of two seconds sends from inside, or brings there. */
type Direction = 'upload' | 'download';

async function startTransfer(pair: Pair, direction: Direction): Promise<() => Promise<void>> {
  const url = `http://${pair.site.addresses.inner4}`;
  topology.host.write('upload', upload);
  const [script, hash] =
    direction === 'upload'
      ? [
          `curl -sS --limit-rate ${upload.length / TRANSFER_S} -T upload ${url}/upload`,
          createHash('sha256').update(upload).digest('hex'),
        ]
      : [
          `curl -sS ${url}/slow | sha256sum | cut -d' ' -f1`,
          await pair.site.namespace.sh(`curl -sS ${url}/part.sha256`),
        ];
  const before = await pair.site.peer.peerState();
  const transfer = await pair.start(['sh', '-euc', script]);
  await eventually(
    async () => {
      const { rxBytes, txBytes } = await pair.site.peer.peerState();
      const moved = direction === 'upload' ? rxBytes - before.rxBytes : txBytes - before.txBytes;
      return moved > UNDER_WAY_BYTES;
    },
    5_000,
    () => `the ${direction} does not get under way`,
  );
  return async () => {
    expect(await transfer.wait()).toMatchObject({ text: hash, stderr: '' });
  };
}

/**
 * Changes something in the middle of a transfer, which has to come through all the same. Whoever moves
 * has to be the one that sends: an end that only receives would be silent, and nobody could follow it.
 * The change is undone in the end, whatever came of it.
 */
async function expectTransfer(
  pair: Pair,
  direction: Direction,
  change: string,
  restore: string,
): Promise<void> {
  const { namespace } = direction === 'upload' ? topology.host : pair.site;
  const complete = await startTransfer(pair, direction);
  await namespace.sh(change);
  try {
    await complete();
    await pair.expectAnswer();
  } finally {
    await namespace.sh(restore);
  }
}

/** A script that gives a link another address in place of the one that it has. */
function readdress(link: string, from: string, to: string): string {
  const length = from.includes(':') ? 64 : 24;
  return `ip address del ${from}/${length} dev ${link}
    ip address add ${to}/${length} dev ${link} nodad`;
}

/**
 * A script that has our datagrams leave from another port, and answers to it come to the right one.
 * It keeps no state: a connection tracker would take an answer on its way for the first packet, and us
 * for the one that answers, whom it doesn't translate.
 */
function translate(port: string): string {
  return `nft -f - <<'END'
table inet translator {
  chain leaving {
    type filter hook output priority raw;
    udp dport ${TUNNEL_PORT} udp sport set ${TRANSLATED_PORT}
  }
  chain arriving {
    type filter hook prerouting priority raw;
    udp dport ${TRANSLATED_PORT} udp dport set ${port}
  }
}
END`;
}

for (const outer of [4, 6] as const) {
  const elsewhere = ELSEWHERE[outer];
  const bracketed = outer === 4 ? elsewhere : `[${elsewhere}]`;

  test(`wireguard-go follows us to another IPv${outer} address in the middle of an upload`, async () => {
    const pair = await Pair.make(topology, { outer });
    const { link, host4, host6, outer4, outer6 } = pair.site.addresses;
    const [host, gateway] = outer === 4 ? [host4, outer4] : [host6, outer6];
    // The default route goes with the address from which it was used.
    const route = `ip -${outer} route replace default via ${gateway}`;
    const session = await pair.hold();
    await expectTransfer(
      pair,
      'upload',
      `${readdress(link, host, elsewhere)}\n${route}`,
      `${readdress(link, elsewhere, host)}\n${route}`,
    );
    expect((await pair.site.peer.peerState()).endpoint.startsWith(`${bracketed}:`)).toBe(true);
    await session.finish();
  });

  test(`we follow wireguard-go to another IPv${outer} address in the middle of a download`, async () => {
    const pair = await Pair.make(topology, { outer });
    const { outer4, outer6 } = pair.site.addresses;
    const address = outer === 4 ? outer4 : outer6;
    topology.allow(new RegExp(` > ${elsewhere}\\.${TUNNEL_PORT}: UDP`));
    const session = await pair.hold();
    // It would send from the address that it had until 15 s of silence; new sockets make it look.
    const look = `wg set wg0 listen-port ${TUNNEL_PORT}`;
    await expectTransfer(
      pair,
      'download',
      `${readdress('uplink', address, elsewhere)}\n${look}`,
      `${readdress('uplink', elsewhere, address)}\n${look}`,
    );
    await session.finish();
  });
}

test('wireguard-go follows us to the port that a translator of addresses gives us', async () => {
  const pair = await Pair.make(topology);
  const { host4 } = pair.site.addresses;
  const session = await pair.hold();
  const { endpoint } = await pair.site.peer.peerState();
  const port = endpoint.slice(endpoint.lastIndexOf(':') + 1);
  await expectTransfer(pair, 'upload', translate(port), 'nft delete table inet translator');
  expect((await pair.site.peer.peerState()).endpoint).toBe(`${host4}:${TRANSLATED_PORT}`);
  await session.finish();
});

test('we follow wireguard-go to another port in the middle of a download', async () => {
  const pair = await Pair.make(topology);
  topology.allow(new RegExp(`\\.${OTHER_PORT}: UDP`));
  const session = await pair.hold();
  await expectTransfer(
    pair,
    'download',
    `wg set wg0 listen-port ${OTHER_PORT}`,
    `wg set wg0 listen-port ${TUNNEL_PORT}`,
  );
  await session.finish();
});

test('a second tunnel with the same keys replaces the first one at wireguard-go', async () => {
  const pair = await Pair.make(topology);
  await pair.expectAnswer();
  const before = await pair.site.peer.peerState();
  await topology.settled();
  await pair.expectAnswer();
  expect((await pair.site.peer.peerState()).endpoint).not.toBe(before.endpoint);
});

test('a successor of our engine goes on with wireguard-go at once', async () => {
  const pair = await Pair.make(topology);
  const session = await pair.hold();
  process.kill(topology.host.enginePid(), 'SIGKILL');
  await pair.expectAnswer(5);
  pair.expectInitiator();
  await session.finish();
});

test('a wireguard-go that initiates is let in again as soon as it is back', async () => {
  const pair = await Pair.make(topology, { initiator: 'wireguard-go' });
  const session = await pair.hold();
  await pair.site.peer.restart();
  await pair.expectAnswer(5);
  pair.expectInitiator();
  await session.finish();
});

test(
  'sessions that the responder has lost are made anew by the initiator',
  async () => {
    const [first, second] = topology.sites;
    const theirs = await Pair.make(topology, {
      name: 'theirs.conf',
      site: second,
      initiator: 'wireguard-go',
    });
    const sessions = [await theirs.hold()];
    const engine = topology.host.enginePid();
    const ours = await Pair.make(topology, { name: 'ours.conf', site: first });
    sessions.push(await ours.hold());
    process.kill(engine, 'SIGKILL');
    await first.peer.restart();
    const script = `ping -q -c 1 -w ${LOST_PEER_LIMIT_S} ${second.addresses.client4}`;
    const [pong] = await Promise.all([
      second.namespace.sh(script, { limitMs: (LOST_PEER_LIMIT_S + 10) * 1000 }),
      ours.expectAnswer(LOST_PEER_LIMIT_S),
    ]);
    expect(pong).toContain(' 1 received');
    ours.expectInitiator();
    theirs.expectInitiator();
    for (const session of sessions) await session.finish();
  },
  (LOST_PEER_LIMIT_S + 20) * 1000,
);
