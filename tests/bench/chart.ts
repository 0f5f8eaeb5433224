/**
 * The ratios of a run as a picture: a bar for each figure, and for each mixed pair, a line where
 * wireguard-go stands, and a tick where a target is.
 *
 * The scale is logarithmic, for twice and half are the same distance apart. Colours are such that both
 * a light and a dark page show them, and become better where the page says which it is.
 */
import type { Spread } from './figures.ts';
import type { Row } from './report.ts';

const WIDTH = 760;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 70;
const ROW_HEIGHT = 24;
const BAR_HEIGHT = 14;
const TOP = 46;
const GROUP_GAP = 40;
const LEFT = LABEL_WIDTH + 10;
const RIGHT = WIDTH - VALUE_WIDTH;

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #57606a }
    .head { font-weight: 600 }
    .good { fill: #2da44e } .bad { fill: #bf8700 }
    .spread, .one, .target { stroke: #57606a }
    .spread, .target { stroke-width: 1.5 } .one { stroke-dasharray: 3 3 }
    @media (prefers-color-scheme: dark) {
      text { fill: #9da7b3 } .good { fill: #3fb950 } .bad { fill: #d29922 }
      .spread, .one, .target { stroke: #9da7b3 }
    }
  `;

const GROUPS = [
  { better: 'more', head: 'wg-wrap against wireguard-go: more is better' },
  { better: 'less', head: 'less is better' },
] as const;

/** Draws the rows that have a ratio; a whole SVG document. */
export function formatChart(rows: readonly Row[]): string {
  const shown = rows.flatMap(barsOf);
  const scale = scaleOf(shown);
  const parts: string[] = [];
  let y = 0;
  for (const { better, head } of GROUPS) {
    const group = shown.filter((bar) => bar.better === better);
    if (group.length === 0) continue;
    y += y === 0 ? TOP : GROUP_GAP;
    parts.push(`<text class="head" x="0" y="${y - 24}">${escape(head)}</text>`);
    parts.push(
      `<line class="one" x1="${round(scale(1))}" x2="${round(scale(1))}" y1="${y - 6}" y2="${y + group.length * ROW_HEIGHT}"/>`,
      `<text x="${round(scale(1))}" y="${y - 10}" text-anchor="middle">1×</text>`,
    );
    for (const bar of group) {
      parts.push(drawBar(bar, y, scale));
      y += ROW_HEIGHT;
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 10}" width="${WIDTH}" height="${y + 10}" role="img">`,
    `<title>wg-wrap against wireguard-go, as ratios of one run on one machine</title>`,
    `<style>${STYLE}</style>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

interface Bar {
  readonly title: string;
  readonly better: Row['better'];
  readonly ratio: Spread;
  readonly target: number | undefined;
}

/** Ours of a row, then the mixed pairs. */
function barsOf({ title, better, target, ratios }: Row): readonly Bar[] {
  const { ours } = ratios;
  if (ours === undefined) return [];
  const mixed = (['ours to theirs', 'theirs to ours'] as const).flatMap((pair) => {
    const ratio = ratios[pair];
    return ratio ? [{ title: pair, better, ratio, target: undefined }] : [];
  });
  return [{ title, better, ratio: ours, target }, ...mixed];
}

/** From a ratio to its place between LEFT and RIGHT. */
function scaleOf(bars: readonly Bar[]): (ratio: number) => number {
  const ends = bars.flatMap(({ ratio, target = 1 }) => [ratio.low, ratio.high, target]);
  const low = Math.log(Math.min(0.5, ...ends));
  const high = Math.log(Math.max(2, ...ends));
  return (ratio) => LEFT + ((Math.log(ratio) - low) / (high - low)) * (RIGHT - LEFT);
}

function drawBar(
  { title, better, ratio, target }: Bar,
  y: number,
  scale: (ratio: number) => number,
): string {
  const { median, low, high } = ratio;
  const [from, to] = [Math.min(scale(1), scale(median)), Math.max(scale(1), scale(median))];
  const middle = y + BAR_HEIGHT / 2;
  const isGood = better === 'more' ? median >= 1 : median <= 1;
  const parts = [
    `<text x="${LABEL_WIDTH}" y="${y + 11}" text-anchor="end">${escape(title)}</text>`,
    `<rect class="${isGood ? 'good' : 'bad'}" x="${round(from)}" y="${y}" width="${round(to - from)}" height="${BAR_HEIGHT}" rx="2"/>`,
    `<line class="spread" x1="${round(scale(low))}" x2="${round(scale(high))}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${RIGHT + 12}" y="${y + 11}">${median.toFixed(2)}×</text>`,
  ];
  if (target !== undefined) {
    const at = round(scale(target));
    parts.push(
      `<line class="target" x1="${at}" x2="${at}" y1="${y - 3}" y2="${y + BAR_HEIGHT + 3}"/>`,
    );
  }
  return parts.join('\n');
}

function round(value: number): string {
  return value.toFixed(1);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
