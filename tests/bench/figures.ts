/** Many measurements as a few numbers. */

/** Milliseconds: the middle, and what nine of ten lie below and above. */
export interface Figures {
  readonly count: number;
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

/** Sums up `values`, of which there is at least one. */
export function figuresOf(values: readonly number[]): Figures {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    p10: quantile(sorted, 0.1),
    p90: quantile(sorted, 0.9),
  };
}

/** Few repetitions as they are: the middle, and the least and the most that there was. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Sums up `values`, of which there is at least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    low: sorted[0],
    high: sorted[sorted.length - 1],
  };
}

/**
 * The ratios of two series, each of the two values of one repetition: what the machine did meanwhile
 * has fallen on both. Undefined where there is no pair, or a value below is 0.
 */
export function ratioOf(over: readonly number[], under: readonly number[]): Spread | undefined {
  const count = Math.min(over.length, under.length);
  const ratios = over.slice(0, count).map((value, at) => value / under[at]);
  return count > 0 && ratios.every(Number.isFinite) ? spreadOf(ratios) : undefined;
}

/** One line of a table: a name, the figures, and a target if there is one. */
export function formatRow(name: string, figures: Figures | undefined, targetMs?: number): string {
  const numbers = figures ? [figures.median, figures.p10, figures.p90].map(formatMs) : [];
  const target = targetMs === undefined ? '' : `  target ${targetMs}`;
  return `  ${name.padEnd(44)}${numbers.join('') || '       -'}${target}`;
}

/** What stands above the lines. */
export const TABLE_HEAD: string = `  ${'ms'.padEnd(44)}${['median', 'p10', 'p90'].map((head) => head.padStart(9)).join('')}`;

function formatMs(value: number): string {
  return value.toFixed(2).padStart(9);
}

/** What `share` of the values, which are in order, lie below; between two of them in proportion. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const [a, b] = [sorted[below], sorted[Math.min(below + 1, sorted.length - 1)]];
  return a + (b - a) * (place - below);
}
