/** The races of `races.test.ts`, often enough to meet the rare ones. */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import { relay } from './harness/relay.ts';
import { Storm } from './harness/storm.ts';
import { useTopology } from './harness/topology.ts';

const HAND_OVERS = 1000;
const STEPS = 500;
const LIMIT_MS = 1_800_000;

const topology = useTopology();

async function expectOrder(client: Client): Promise<void> {
  await topology.settled(15_000);
  const { inner4, client4 } = topology.site.addresses;
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
}

test(
  'a thousand sessions that arrive while the last one leaves get a tunnel that works',
  async () => {
    const client = await topology.client();
    await relay(topology, client, HAND_OVERS);
    await expectOrder(client);
  },
  LIMIT_MS,
);

test(
  'five hundred starts, ends and kills leave every session what it should have',
  async () => {
    const client = await topology.client();
    await new Storm(topology, client, LIMIT_MS / 2).rage(STEPS);
    await expectOrder(client);
  },
  LIMIT_MS,
);
