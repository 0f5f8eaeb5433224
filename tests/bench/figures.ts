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

function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const [a, b] = [sorted[below], sorted[Math.min(below + 1, sorted.length - 1)]];
  return a + (b - a) * (place - below);
}
