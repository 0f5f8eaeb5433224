/** The steps of a job, one short run after the other: each has its own status, and none leaves anything. */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import { useTopology } from './harness/topology.ts';

const STEPS = 50;
const LIMIT_MS = 180_000;

const topology = useTopology();

/** Runs the steps as a shell does, with their output read to its end; prints the numbers of bad ones. */
async function takeSteps(client: Client): Promise<void> {
  const step = `wg-wrap -c ${client.name} -- sh -c "echo $i; exit $i"`;
  const script = `for i in $(seq ${STEPS}); do
    text=$(${step}); [ $? = $i ] && [ "$text" = $i ] || echo "$i is wrong"
  done`;
  const result = await topology.host.user(['sh', '-c', script], { limitMs: LIMIT_MS }).wait();
  expect(result).toMatchObject({ status: 0, text: '', stderr: '' });
}

test(
  'fifty steps of a job that holds no tunnel lose no exit status and leave nothing',
  async () => {
    const client = await topology.client();
    await takeSteps(client);
  },
  LIMIT_MS,
);

test(
  'fifty steps of a job that holds its tunnel lose no exit status and leave nothing',
  async () => {
    const client = await topology.client();
    const hold = await topology.hold(client);
    const pin = topology.host.pinPid();
    await takeSteps(client);
    expect(topology.host.pinPid()).toBe(pin);
    await hold.finish();
  },
  LIMIT_MS,
);
