/**
 * A rekey in real time, in both roles, under traffic: WireGuard makes new keys after 120 s of use, and
 * no packet may be lost over it. Both tunnels run side by side.
 */
import { expect, test } from 'vitest';
import { KERNEL } from './harness/kernel-peer.ts';
import { LISTEN_PORT, useLab, type Client } from './harness/lab.ts';

const REKEY_AFTER_S = 120;
const TRAFFIC_S = REKEY_AFTER_S + 30;
const PINGS_PER_S = 5;
const LIMIT_MS = (TRAFFIC_S + 60) * 1000;

const lab = useLab();

function traffic(): string {
  const ping = `ping -q -i ${1 / PINGS_PER_S} -c ${TRAFFIC_S * PINGS_PER_S}`;
  return `${ping} ${KERNEL.inner4} &\n${ping} -s 1300 ${KERNEL.inner6}\nwait`;
}

async function expectComplete(client: Client): Promise<void> {
  const text = await lab.inside(client, traffic(), LIMIT_MS);
  expect(text.match(/ 0% packet loss/g)).toHaveLength(2);
}

test(
  'a rekey loses no packet, whether we initiate it or the kernel',
  async () => {
    const initiating = lab.client({ name: 'initiator.conf' });
    const responding = lab.client({ name: 'responder.conf', initiator: 'kernel', number: 3 });
    const ends = [expectComplete(initiating), expectComplete(responding)];
    await lab.tunnels(2);
    await lab.introduce(initiating, responding);
    await Promise.all(ends);
    const log = await lab.kernel.log();
    const sent = [...log.matchAll(/Sending handshake initiation to peer \d+ \(\S+:(\d+)\)/g)];
    const received = [
      ...log.matchAll(/Receiving handshake initiation from peer \d+ \(\S+:(\d+)\)/g),
    ];
    expect(sent.length).toBeGreaterThanOrEqual(2);
    expect(received.length).toBeGreaterThanOrEqual(2);
    // Each side rekeys what it has initiated, and nothing else.
    expect(new Set(sent.map(([, port]) => Number(port)))).toEqual(new Set([LISTEN_PORT]));
    expect(received.map(([, port]) => Number(port))).not.toContain(LISTEN_PORT);
  },
  LIMIT_MS + 30_000,
);
