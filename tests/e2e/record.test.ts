/** The record of a tunnel tells which process is its engine, and how it fares. */
import { expect, test } from 'vitest';
import { eventually } from './harness/eventually.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

function recorded(key: string): string | undefined {
  return topology.host.pins().at(0)?.get(key);
}

async function becomes(key: string, accept: (value: string) => boolean): Promise<void> {
  await eventually(
    () => accept(recorded(key) ?? ''),
    15_000,
    () => `${key} was ${recorded(key) ?? 'absent'}`,
  );
}

/** Kills the engine, and returns once there is a successor. */
async function killEngine(): Promise<void> {
  await becomes('engine', (engine) => Number(engine) > 0);
  const victim = recorded('engine') ?? '';
  process.kill(Number(victim), 'SIGKILL');
  await becomes('engine', (engine) => engine !== victim);
}

test('the engine is named, and its successors are counted', async () => {
  const session = await topology.hold(await topology.client());
  expect(recorded('state')).toBe('connected');
  expect(recorded('restarts')).toBe('0000000000');
  expect(Number(recorded('engine'))).toBe(topology.host.enginePid());
  await killEngine();
  await becomes('restarts', (restarts) => restarts === '0000000001');
  await becomes('engine', (engine) => Number(engine) === topology.host.enginePid());
  expect(recorded('state')).toBe('connected');
  await session.finish();
});

test('engines that end again and again are a failed tunnel, until one stays', async () => {
  const session = await topology.hold(await topology.client());
  for (let deaths = 0; recorded('state') !== 'failed___'; deaths++) {
    expect(deaths).toBeLessThan(20);
    await killEngine();
  }
  expect(recorded('engine')).toBe('0000000000');
  await becomes('state', (state) => state === 'connected');
  await session.finish();
}, 60_000);
