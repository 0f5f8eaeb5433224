/**
 * Runs of one configuration that meet: many starts at once, a last session that leaves while another one
 * arrives, and any mixture of starts, ends and kills. `races.long.ts` has the same at length.
 */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import { relay } from './harness/relay.ts';
import { Storm } from './harness/storm.ts';
import { useTopology } from './harness/topology.ts';

const STARTS = 50;
const HAND_OVERS = 40;
const STEPS = 120;
const LIMIT_MS = 120_000;

const topology = useTopology();

/** A run finds everything in order, and leaves nothing. */
async function expectOrder(client: Client): Promise<void> {
  await topology.settled(15_000);
  const { inner4, client4 } = topology.site.addresses;
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
}

test(
  'fifty cold starts at once share one tunnel',
  async () => {
    const client = await topology.client();
    const script = 'readlink /proc/self/ns/net; exec cat';
    const sessions = Array.from({ length: STARTS }, () =>
      topology.start(client, ['sh', '-c', script], { inputStaysOpen: true, limitMs: 60_000 }),
    );
    const found = await Promise.all(sessions.map((session) => session.until(/net:\[\d+\]/)));
    expect(new Set(found.map(([namespace]) => namespace)).size).toBe(1);
    expect(topology.host.pins()).toHaveLength(1);
    for (const session of sessions) session.endInput();
    for (const session of sessions) {
      expect(await session.wait()).toMatchObject({ status: 0, stderr: '' });
    }
    await expectOrder(client);
  },
  LIMIT_MS,
);

test(
  'a session that arrives while the last one leaves gets a tunnel that works',
  async () => {
    const client = await topology.client();
    await relay(topology, client, HAND_OVERS);
    await expectOrder(client);
  },
  LIMIT_MS,
);

test(
  'starts, ends and kills in any order leave every session what it should have',
  async () => {
    const client = await topology.client();
    await new Storm(topology, client, LIMIT_MS / 2).rage(STEPS);
    await expectOrder(client);
  },
  LIMIT_MS,
);
