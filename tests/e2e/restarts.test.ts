/**
 * An engine that dies again and again: it is started again after pauses that grow, what runs inside is
 * offline meanwhile and nothing else, and when the engine stays, so does the traffic.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sendSignal } from './harness/cold-start.ts';
import { eventually } from './harness/eventually.ts';
import type { Process } from './harness/snapshot.ts';
import { useTopology } from './harness/topology.ts';

/** As many rounds of the hostile program make some hundreds of attempts. */
const ROUNDS = 12;
/** What the launcher waits before each start, from the first one on. */
const PAUSES_MS = [50, 100, 200, 400, 800] as const;

const topology = useTopology();

/** Kills every engine as soon as it is there, until told to stop. */
class Killer {
  /** When each engine was seen. */
  readonly seenAt: number[] = [];
  readonly #pids = new Set<number>();
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor() {
    this.#done = this.#kill();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #kill(): Promise<void> {
    while (!this.#isStopped) {
      for (const { pid } of topology.host.processes().filter(isEngine)) {
        if (!this.#pids.has(pid)) this.seenAt.push(performance.now());
        this.#pids.add(pid);
        sendSignal(pid, 'SIGKILL');
      }
      await delay(5);
    }
  }
}

function isEngine({ command }: Process): boolean {
  return command.includes('/engine.js');
}

test('an engine that dies again and again is given more and more time, and nothing leaks', async () => {
  const client = await topology.client();
  const { host } = topology;
  const { inner4, inner6, outer4, outer6, client4 } = topology.site.addresses;
  const hold = await topology.hold(client);
  const place = host.namespaceOf(hold.pid);
  const flood = [`${host.programs}/attack`, 'flood', String(ROUNDS)];
  const argv = ['sh', '-c', 'echo ready; read -r line; exec "$@"', 'sh', ...flood];
  const hostile = topology.start(client, [...argv, inner4, inner6, outer4, outer6], {
    inputStaysOpen: true,
  });
  await hostile.until(/^ready$/m);
  const killer = new Killer();
  try {
    await eventually(
      () => killer.seenAt.length > 1,
      10_000,
      () => 'no engine was started again',
    );
    const { text } = await hostile.finish();
    expect(text).toMatch(/"attempts":\d{3,},.*"connected":0}$/);
    await eventually(
      () => host.pins()[0].get('state') === 'failed___',
      20_000,
      () => `the tunnel is still ${String(host.pins()[0].get('state'))}`,
    );
  } finally {
    await killer.stop();
  }
  expect((await topology.look()).packets).toEqual([]);
  const gaps = killer.seenAt.slice(1).map((at, index) => at - killer.seenAt[index]);
  expect(gaps.length).toBeGreaterThanOrEqual(PAUSES_MS.length);
  // An engine is seen a little after its start, and so the gap before may seem longer, this one shorter.
  for (const [index, pause] of PAUSES_MS.entries()) expect(gaps[index]).toBeGreaterThan(pause / 2);
  expect(Number(host.pins()[0].get('restarts'))).toBeGreaterThanOrEqual(PAUSES_MS.length);

  const url = `http://${inner4}/who`;
  expect(await topology.output(client, ['curl', '-sS', '-m', '18', url])).toBe(client4);
  expect(host.namespaceOf(hold.pid)).toBe(place);
  await hold.finish();
}, 90_000);
