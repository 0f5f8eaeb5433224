/**
 * A tunnel outlives changes at either end: a restart of the kernel's machine or of our tunnel, another
 * port of the kernel, another address of the host.
 */
import { expect, test } from 'vitest';
import { KERNEL } from './harness/kernel-peer.ts';
import { HOST, LISTEN_PORT, useLab, type Client } from './harness/lab.ts';

const OTHER_PORT = 51_821;
const OTHER_ADDRESS = '198.51.100.3';
const LOST_PEER_LIMIT_S = 45;

/** A line of the kernel's log; we are told apart by our ports. */
const INITIATION = /(Sending|Receiving) handshake initiation \w+ peer \d+ \(\S+:(\d+)\)/g;

const lab = useLab();

function portsOf(initiated: readonly RegExpExecArray[], direction: string): readonly number[] {
  return initiated.filter(([, verb]) => verb === direction).map(([, , port]) => Number(port));
}

/** Pings the kernel once a second until one answer comes. */
async function expectAnswer(client: Client, limitS = 10): Promise<void> {
  const script = `ping -q -c 1 -w ${limitS} ${KERNEL.inner4}`;
  expect(await lab.inside(client, script, (limitS + 10) * 1000)).toContain(' 1 received');
}

test('sessions that the kernel has lost are made anew, by whoever made them', async () => {
  const ours = lab.client({ name: 'ours.conf' });
  const theirs = lab.client({ name: 'theirs.conf', initiator: 'kernel', number: 3 });
  const sessions = [await lab.hold(ours), await lab.hold(theirs)];
  await lab.restartKernel();
  await lab.introduce(ours, theirs);
  // Nothing tells us: our data stays unanswered for 15 s first (WP 6.5).
  await expectAnswer(ours, LOST_PEER_LIMIT_S);
  await expectAnswer(theirs);
  const initiated = [...(await lab.kernel.log()).matchAll(INITIATION)];
  expect(portsOf(initiated, 'Sending')).toEqual([LISTEN_PORT]);
  expect(portsOf(initiated, 'Receiving')).toHaveLength(1);
  expect(portsOf(initiated, 'Receiving')).not.toContain(LISTEN_PORT);
  for (const session of sessions) await session.finish();
}, 120_000);

test('a second tunnel with the same keys replaces the first one at the kernel', async () => {
  const client = lab.client();
  await lab.introduce(client);
  await expectAnswer(client);
  const before = await lab.kernel.endpoint();
  await lab.settled();
  await expectAnswer(client);
  expect(await lab.kernel.endpoint()).not.toBe(before);
});

test('a kernel that speaks from another port is answered there', async () => {
  const client = lab.client();
  const session = await lab.hold(client);
  await expectAnswer(client);
  const { machine } = lab.kernel;
  await machine.sh(`wg set wg0 listen-port ${OTHER_PORT}`);
  await machine.sh(`ping -q -c 1 -w 10 ${client.inner4}`);
  await expectAnswer(client);
  await session.finish();
});

test('the kernel follows us to another address of the host', async () => {
  const client = lab.client({ initiator: 'kernel' });
  const session = await lab.hold(client);
  await expectAnswer(client);
  const { namespace } = lab.host;
  const replace = async (old: string, address: string): Promise<void> => {
    await namespace.sh(
      `ip address del ${old}/24 dev ${HOST.tap}
      ip address add ${address}/24 dev ${HOST.tap}`,
    );
  };
  // While the old address is there we go on sending from it, as the kernel itself would.
  await replace(HOST.outer4, OTHER_ADDRESS);
  try {
    await expectAnswer(client);
    expect(await lab.kernel.endpoint()).toBe(`${OTHER_ADDRESS}:${LISTEN_PORT}`);
  } finally {
    await replace(OTHER_ADDRESS, HOST.outer4);
  }
  await session.finish();
});
