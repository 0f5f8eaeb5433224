/**
 * Any process of a tunnel may be killed at any time: whoever survives ends properly, says why, and the
 * next run starts as if nothing had been.
 */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Result } from './harness/command.ts';
import { useTopology } from './harness/topology.ts';

const ROUNDS = 60;
const LONGEST_WAIT_MS = 500;
const LIMIT_MS = 240_000;

const topology = useTopology();

/** A small generator (Lehmer), so that a failing run can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Two sessions, and a kill of one process of the user's a moment later. */
async function killOne(client: Client, random: () => number): Promise<readonly Result[]> {
  const sessions = ['0.2', '0.3'].map((time) => topology.start(client, ['sleep', time]));
  await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_WAIT_MS));
  const processes = topology.host.processes();
  if (processes.length > 0) kill(processes[Math.floor(random() * processes.length)].pid);
  return await Promise.all(sessions.map((session) => session.wait()));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended a moment ago.
  }
}

test(
  'whatever is killed, each run ends as its command, by the kill, or with one reason',
  async () => {
    const seed = Date.now() % 100_000;
    const random = randomFrom(seed + 1);
    const client = await topology.client();
    for (let round = 0; round < ROUNDS; round++) {
      for (const result of await killOne(client, random)) {
        const context = `seed ${seed}, round ${round}: ${result.stderr}`;
        expect(result.overdue, context).toBeUndefined();
        if (result.status === 125) expect(result.stderr, context).toMatch(/^wg-wrap: /);
        else expect(result.status ?? result.signal, context).toBeOneOf([0, 'SIGKILL']);
      }
      topology.host.commands.length = 0;
    }
    await topology.settled();
    const { inner4, client4 } = topology.site.addresses;
    expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
  },
  LIMIT_MS,
);
