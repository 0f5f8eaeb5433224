/**
 * The matrix against the kernel's WireGuard: who initiates, with and without a preshared key, over
 * IPv4 and IPv6. Each cell carries both IP versions inside: pings in both directions, datagrams of
 * one byte up to more than the MTU, and a file in each direction with its digest, one over IPv4 and
 * one over IPv6.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makePresharedKey } from '../../e2e/harness/keys.ts';
import { KERNEL } from './harness/kernel-peer.ts';
import { HOST, UPLOAD, useLab, type Client, type Initiator } from './harness/lab.ts';

/** What fits into one packet of an MTU of 1420, for ping and UDP: both have a header of 8 bytes. */
const FULL4 = 1420 - 20 - 8;
const FULL6 = 1420 - 40 - 8;

interface Target {
  readonly address: string;
  readonly full: number;
}

const OF_KERNEL: readonly Target[] = [
  { address: KERNEL.inner4, full: FULL4 },
  { address: KERNEL.inner6, full: FULL6 },
];

const lab = useLab();

function pings(targets: readonly Target[]): string {
  return targets
    .flatMap(({ address, full }) => [1, full].map((size) => ({ address, size })))
    .map(({ address, size }) => `ping -q -c 2 -i 0.2 -W 10 -M do -s ${size} ${address}`)
    .join('\n');
}

function expectNoLoss(text: string): void {
  expect(text.match(/2 received, 0% packet loss/g)).toHaveLength(4);
}

async function expectPings(client: Client): Promise<void> {
  expectNoLoss(await lab.inside(client, pings(OF_KERNEL)));
  const ours = [
    { address: client.inner4, full: FULL4 },
    { address: client.inner6, full: FULL6 },
  ];
  expectNoLoss(await lab.kernel.machine.sh(pings(ours)));
}

async function expectDatagrams(client: Client): Promise<void> {
  const program = `${process.execPath} ${lab.host.programs}/udp-client.js`;
  const script = OF_KERNEL.map(
    ({ address, full }) => `${program} ${address} 7 1 ${full} ${full + 1} 4000`,
  );
  expect(await lab.inside(client, script.join('\n'))).toBe('echoed 4\nechoed 4');
}

/** `down` and `up` are the kernel's address as socat wants it. */
async function expectFiles(client: Client, down: string, up: string): Promise<void> {
  const upload = readFileSync(join(lab.host.home, UPLOAD));
  const script = `socat -u TCP:${down}:80 - | sha256sum\nsocat -t 20 - TCP:${up}:81 <${UPLOAD}`;
  const text = await lab.inside(client, script);
  const sent = createHash('sha256').update(upload).digest('hex');
  expect(text).toBe(`${await lab.kernel.fileHash()}\n${sent}  -`);
}

/** The kernel's log shows a handshake by the initiator, and none by the other. */
async function expectInitiator(initiator: Initiator): Promise<void> {
  const log = await lab.kernel.log();
  const theirs = 'Sending handshake initiation to peer';
  const ours = 'Receiving handshake initiation from peer';
  const [seen, unseen] = initiator === 'kernel' ? [theirs, ours] : [ours, theirs];
  expect(log).toContain(seen);
  expect(log).not.toContain(unseen);
}

const CELLS = (['product', 'kernel'] as const).flatMap((initiator) =>
  ([4, 6] as const).flatMap((outer) =>
    [false, true].map((preshared) => ({ initiator, outer, preshared })),
  ),
);

for (const { initiator, outer, preshared } of CELLS) {
  const key = preshared ? 'with' : 'without';
  test(`the ${initiator} initiates over IPv${outer}, ${key} a preshared key`, async () => {
    const client = lab.client({
      initiator,
      outer,
      ...(preshared && { presharedKey: makePresharedKey() }),
    });
    const session = await lab.hold(client);
    await expectPings(client);
    await expectDatagrams(client);
    const [inner4, inner6] = [KERNEL.inner4, `[${KERNEL.inner6}]`];
    await (preshared ? expectFiles(client, inner4, inner6) : expectFiles(client, inner6, inner4));
    await expectInitiator(initiator);
    const address = outer === 4 ? HOST.outer4 : `[${HOST.outer6}]`;
    expect((await lab.kernel.endpoint()).startsWith(`${address}:`)).toBe(true);
    expect((await session.finish()).status).toBe(0);
  });
}
