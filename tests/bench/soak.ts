/**
 * Whether memory stays where it is under a load that doesn't end: all pairs are busy at the same time,
 * for nobody asks how fast, and their resident memory is read every second.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { figuresOf } from './figures.ts';
import { keepBusy } from './measurements.ts';
import type { End, Mesh, PairName } from './mesh.ts';

const INTERVAL_MS = 1000;
const BYTES_PER_MIB = 2 ** 20;
const PAIRS: readonly PairName[] = ['ours', 'theirs'];
/** Parts of the soak that are told apart. */
const PARTS = 10;

/** The memory of one pair's ends, of which the larger one counts. */
export interface SoakedPair {
  readonly beforeMiB: number;
  /** The median of each tenth of the time. */
  readonly tenthsMiB: readonly number[];
  readonly highestMiB: number;
  /** The last tenth over the second one: what was warming up is over by then. */
  readonly growth: number;
}

export interface SoakReport {
  readonly seconds: number;
  readonly pairs: Readonly<Partial<Record<PairName, SoakedPair>>>;
}

/** Resident memory of the end that has more of it. */
export function largerRssMiB(ends: readonly End[]): number {
  return Math.max(...ends.map((end) => end.usage().rssBytes)) / BYTES_PER_MIB;
}

/** Soaks pairs that have just been started. */
export async function soak(mesh: Mesh, seconds: number): Promise<SoakReport> {
  const pairs = PAIRS.map((name) => mesh.pairs.get(name)!);
  const read = (): readonly number[] => pairs.map(({ near, far }) => largerRssMiB([near, far]));
  const before = read();
  const samples: (readonly number[])[] = [];
  const deadline = performance.now() + seconds * 1000;
  const load = Promise.all(pairs.map((pair) => keepBusy(pair, seconds)));
  while (performance.now() < deadline) {
    await Promise.race([delay(INTERVAL_MS), load]);
    samples.push(read());
  }
  await load;
  const reports = PAIRS.map((name, at): [PairName, SoakedPair] => {
    const series = samples.map((sample) => sample[at]);
    return [name, soakedPair(before[at], series)];
  });
  return { seconds, pairs: Object.fromEntries(reports) };
}

/** Sums a series of readings up. */
export function soakedPair(beforeMiB: number, series: readonly number[]): SoakedPair {
  const tenthsMiB = Array.from({ length: PARTS }, (_, part) => {
    const [from, to] = [part, part + 1].map((at) => Math.floor((series.length * at) / PARTS));
    return figuresOf(series.slice(from, Math.max(to, from + 1))).median;
  });
  return {
    beforeMiB,
    tenthsMiB,
    highestMiB: Math.max(...series),
    growth: tenthsMiB[PARTS - 1] / tenthsMiB[1],
  };
}

/** A line a pair. */
export function formatSoak({ seconds, pairs }: SoakReport): string {
  const lines = Object.entries(pairs).map(([name, pair]) => {
    const tenths = pair.tenthsMiB.map((value) => value.toFixed(0)).join(' ');
    return `  ${name.padEnd(8)} ${pair.beforeMiB.toFixed(0)} → ${tenths}, highest ${pair.highestMiB.toFixed(0)}, growth ${pair.growth.toFixed(2)}`;
  });
  return [`memory in MiB under ${seconds} s of load, the median of each tenth`, ...lines].join(
    '\n',
  );
}
