/** The record of a tunnel tells which process is its engine, and how it fares. */
import { expect, test } from 'vitest';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

function recorded(key: string): string | undefined {
  return topology.host.pins().at(0)?.get(key);
}

test('the engine is named, and its successors are counted', async () => {
  const session = await topology.hold(await topology.client());
  expect(recorded('state')).toBe('connected');
  expect(recorded('restarts')).toBe('0000000000');
  expect(Number(recorded('engine'))).toBe(topology.host.enginePid());
  await topology.host.killEngine();
  await topology.host.untilRecorded('restarts', (restarts) => restarts === '0000000001');
  await topology.host.untilRecorded(
    'engine',
    (engine) => Number(engine) === topology.host.enginePid(),
  );
  expect(recorded('state')).toBe('connected');
  await session.finish();
});

test('engines that end again and again are a failed tunnel, until one stays', async () => {
  const session = await topology.hold(await topology.client());
  for (let deaths = 0; recorded('state') !== 'failed___'; deaths++) {
    expect(deaths).toBeLessThan(20);
    await topology.host.killEngine();
  }
  expect(recorded('engine')).toBe('0000000000');
  await topology.host.untilRecorded('state', (state) => state === 'connected');
  await session.finish();
}, 60_000);
