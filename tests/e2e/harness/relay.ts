/**
 * A relay: the last session of a tunnel leaves while another one arrives, again and again.
 *
 * The arrival finds the tunnel alive, on its way down, or gone; whichever it is, it must get one that
 * works. How far the two are apart is random, around the time that a tunnel takes to end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Client } from './client.ts';
import type { Command } from './command.ts';
import { Random } from './random.ts';
import type { Topology } from './topology.ts';

const ARRIVES_BEFORE_MS = 10;
const ARRIVES_AFTER_MS = 30;
const LIMIT_MS = 60_000;

/** Hands the tunnel on `rounds` times. */
export async function relay(topology: Topology, client: Client, rounds: number): Promise<void> {
  const random = new Random();
  const { inner4, client4 } = topology.site.addresses;
  const script = `curl -sS -m 20 http://${inner4}/who && echo && exec cat`;
  const arrive = (): Command =>
    topology.start(client, ['sh', '-c', script], { inputStaysOpen: true, limitMs: LIMIT_MS });
  const settle = async (session: Command, context: string): Promise<void> => {
    session.endInput();
    const { status, text, stderr } = await session.wait();
    expect({ status, text, stderr }, context).toEqual({ status: 0, text: client4, stderr: '' });
  };
  let present = arrive();
  for (let round = 0; round < rounds; round++) {
    const context = `seed ${random.seed}, round ${round}`;
    await present.until(/^10\./m);
    const gapMs = random.between(-ARRIVES_BEFORE_MS, ARRIVES_AFTER_MS);
    const next = gapMs < 0 ? arrive() : undefined;
    await delay(Math.max(0, -gapMs));
    const left = settle(present, context);
    await delay(Math.max(0, gapMs));
    present = next ?? arrive();
    await left;
    // Those that are over are over well; only a failure would be told of them.
    topology.host.commands.length = 0;
    topology.host.commands.push(present);
  }
  await settle(present, `seed ${random.seed}, at the end`);
}
