/**
 * The choice of who moves packets: the pump where it can be loaded and was not declined, which speeds a
 * tunnel or a device up and changes nothing else.
 */
import { dirname, join } from 'node:path';
import type { EngineConfiguration } from '../engine-configuration.ts';
import { processors } from '../linux/processors.ts';
import { log } from './log.ts';
import type { Loop } from './loop.ts';
import { workersFor } from './workers.ts';

/** Beside the engine. */
const LIBRARY = 'libwgpump.so';

/** How packets are to be moved. */
export type PumpWish = Pick<EngineConfiguration, 'pump' | 'pumpWorkers'>;

/** Has a loop use the pump from `up` on, if that is wished for. Why it can't be is logged. */
export function usePump(
  loop: Loop,
  mtu: number,
  { pump, pumpWorkers = workersFor(processors()) }: PumpWish,
): void {
  if (pump === 'off') return;
  try {
    loop.usePump(join(dirname(import.meta.filename), LIBRARY), mtu, pumpWorkers);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    log(`could not use the pump (${error.message})`);
  }
}

/** What the log says about a pump that failed while it ran. */
export function pumpFailed(error: Error): string {
  return `lost the pump (${error.message}), and goes on without it`;
}

/** Who moves packets, for the log. */
export function dataPathText({ dataPath: { dataPath }, workers }: Loop): string {
  return `data path ${dataPath}${workers === 0 ? '' : `, ${workers} workers`}`;
}
