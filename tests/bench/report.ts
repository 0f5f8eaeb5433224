/** What a run of the data-path benchmark found: as a table, and as the JSON of docs/bench.md. */
import { ratioOf, spreadOf, type Spread } from './figures.ts';
import { FIGURES, type FigureKind, type FigureName, type Readings } from './measurements.ts';
import type { PairName, Tuning } from './mesh.ts';
import type { SoakReport } from './soak.ts';

/** All values of one figure, in the order of the repetitions, by pair. */
type Values = ReadonlyMap<PairName, readonly number[]>;

/** What has been read so far. */
export class Results {
  readonly #values = new Map<FigureName, Map<PairName, number[]>>();

  /** Takes the numbers of one measurement of one repetition. */
  add(pair: PairName, readings: Readings): void {
    for (const [name, value] of Object.entries(readings) as [FigureName, number][]) {
      const values = this.#values.get(name) ?? new Map<PairName, number[]>();
      this.#values.set(name, values);
      values.set(pair, [...(values.get(pair) ?? []), value]);
    }
  }

  /** The rows that have any value, in their order. */
  rows(): readonly Row[] {
    return (Object.keys(FIGURES) as FigureName[]).flatMap((name) => {
      const values = this.#values.get(name);
      return values ? [rowOf(name, values)] : [];
    });
  }
}

/** One figure, over all repetitions. */
export interface Row extends FigureKind {
  readonly name: FigureName;
  /** By pair, and each value, in the order of the repetitions. */
  readonly pairs: Readonly<
    Partial<Record<PairName, Spread & { readonly values: readonly number[] }>>
  >;
  /** To wireguard-go of the same repetition. */
  readonly ratios: Readonly<Partial<Record<PairName, Spread>>>;
  /** Of ours to the ceiling, likewise. */
  readonly shareOfCeiling: Spread | undefined;
}

/** Where and of what, for the reader of the numbers. */
export interface Circumstances {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly tuning: Tuning;
  readonly theirsOffload: boolean;
}

/** The file that `--json` names; docs/bench.md explains it. */
export function formatJson(
  circumstances: Circumstances,
  rows: readonly Row[],
  soak: SoakReport | undefined,
): string {
  const report = { schema: 1, ...circumstances, rows, ...(soak && { soak }) };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** The table, a line a figure. */
export function formatTable(rows: readonly Row[]): string {
  const lines = rows.flatMap((row) => [formatRow(row), ...formatMixed(row)]);
  return [
    cells(['', '', 'ours', 'theirs', 'ours / theirs', 'target', 'of ceiling']),
    ...lines,
  ].join('\n');
}

function rowOf(name: FigureName, values: Values): Row {
  const kind: FigureKind = FIGURES[name];
  const [ours = [], theirs = [], ceiling = []] = (['ours', 'theirs', 'ceiling'] as const).map(
    (pair) => values.get(pair),
  );
  const ratios = [...values].flatMap(([pair, list]): [PairName, Spread][] => {
    const ratio = pair === 'theirs' ? undefined : ratioOf(list, theirs);
    return ratio ? [[pair, ratio]] : [];
  });
  return {
    name,
    ...kind,
    pairs: Object.fromEntries(
      [...values].map(([pair, list]) => [pair, { ...spreadOf(list), values: list }]),
    ),
    ratios: Object.fromEntries(ratios),
    // Less than the ceiling of what is better when it is less would say nothing.
    shareOfCeiling: kind.better === 'more' ? ratioOf(ours, ceiling) : undefined,
  };
}

function formatRow(row: Row): string {
  const { pairs, ratios, shareOfCeiling, share } = row;
  const sign = row.better === 'more' ? '≥' : '≤';
  return cells([
    row.title,
    row.unit,
    formatSpread(pairs.ours),
    formatSpread(pairs.theirs),
    formatSpread(ratios.ours),
    row.target === undefined ? '' : `${sign} ${row.target}`,
    formatSpread(shareOfCeiling) + (share !== undefined && shareOfCeiling ? ` ≥ ${share}` : ''),
  ]);
}

/** Lines of the pairs that are none of the columns. */
function formatMixed({ unit, pairs, ratios }: Row): readonly string[] {
  return (['ours to theirs', 'theirs to ours'] as const).flatMap((pair) => {
    const mixed = pairs[pair];
    return mixed === undefined
      ? []
      : [cells([`  ${pair}`, unit, formatSpread(mixed), '', formatSpread(ratios[pair])])];
  });
}

function formatSpread(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  const [median, low, high] = [spread.median, spread.low, spread.high].map(formatNumber);
  return `${median} (${low}–${high})`;
}

/** Three digits that count. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

const WIDTHS = [26, 10, 22, 22, 20, 8, 22] as const;

function cells(texts: readonly string[]): string {
  return texts
    .map((text, at) => text.padEnd(WIDTHS[at]))
    .join(' ')
    .trimEnd();
}
