/**
 * The page that `status --watch` draws: a tunnel over the last minutes. Pure: from what was seen and
 * the size of the page to its lines, each at most as wide as the page.
 */
import { printable } from '../printable.ts';
import { formatBytes, formatSpan } from './quantity.ts';
import type { Moment, Throughput } from './throughput.ts';
import type { PeerReport, TunnelState, TunnelStatus } from './tunnel-status.ts';

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const LABEL_COLUMNS = 11;
const RATE_COLUMNS = 15;
const LONGEST_GRAPH = 120;

const RESET = '\x1b[0m';
const STYLES = { bold: '\x1b[1m', dim: '\x1b[2m', red: '\x1b[31m', green: '\x1b[32m' } as const;
const YELLOW = '\x1b[33m';
const CYAN = '\x1b[36m';
const STATE_STYLES: Readonly<Record<TunnelState, string>> = {
  starting: YELLOW,
  connected: STYLES.green,
  stale: STYLES.red,
  failed: STYLES.red,
};

/** How to draw. */
export interface LiveStyle {
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
}

/** A part of a line with its own style. */
type Span = readonly [text: string, style?: string];

/** Draws the page; empty before the first look. */
export function drawLiveView(history: Throughput, style: LiveStyle): readonly string[] {
  const { latest } = history;
  if (!latest) return [];
  const { status } = latest;
  const body: readonly (readonly Span[])[] = [
    heading(status),
    [[status.config, STYLES.dim]],
    [],
    ...graphs(history, style.columns),
    [],
    ...peerLines(status),
    [],
    label('sessions', sessionList(status)),
    label('dropped', dropList(history)),
    label('engine', engineText(status)),
    ...status.warnings.map((warning) => label('warning', warning, YELLOW)),
  ];
  const footer: readonly Span[] = [
    ['q', STYLES.bold],
    [' quit', STYLES.dim],
  ];
  const shown = body.slice(0, Math.max(1, style.rows - 1));
  const filler = Array.from({ length: Math.max(0, style.rows - 1 - shown.length) }, () => []);
  return [...shown, ...filler, ...(style.rows > 1 ? [footer] : [])].map((spans) =>
    render(spans, style),
  );
}

function heading({ tunnel, state, uptime_s: uptime }: TunnelStatus): readonly Span[] {
  const since: readonly Span[] = uptime === null ? [] : [[`   up ${formatSpan(uptime)}`]];
  return [[tunnel, STYLES.bold], ['  '], [`● ${state}`, STATE_STYLES[state]], ...since];
}

function graphs(history: Throughput, columns: number): readonly (readonly Span[])[] {
  const room = Math.max(0, Math.min(LONGEST_GRAPH, columns - LABEL_COLUMNS - RATE_COLUMNS));
  const moments = history.recent(room);
  const row = (name: string, style: string, read: (moment: Moment) => number): readonly Span[] => {
    const rates = moments.map(read);
    const rate = `${formatBytes(rates.at(-1) ?? 0)}/s`;
    const graph = sparkline(rates).padStart(room);
    return [
      [name.padEnd(LABEL_COLUMNS), STYLES.dim],
      [graph, style],
      [rate.padStart(RATE_COLUMNS)],
    ];
  };
  return [
    row('received', STYLES.green, (moment) => moment.received),
    row('sent', CYAN, (moment) => moment.sent),
  ];
}

/** One bar for each rate, the highest for the greatest of them. */
export function sparkline(rates: readonly number[]): string {
  const greatest = Math.max(...rates, 1);
  return rates
    .map(
      (rate) => BARS[Math.min(BARS.length - 1, Math.ceil((rate / greatest) * (BARS.length - 1)))],
    )
    .join('');
}

function peerLines({ peers }: TunnelStatus): readonly (readonly Span[])[] {
  return (peers ?? []).flatMap((peer) => [
    label('peer', peer.public_key),
    label('', `${peer.endpoint ?? 'no endpoint'}${nameOf(peer)}`),
    label('', `${handshakeText(peer)}   ${trafficText(peer)}`),
  ]);
}

function nameOf({ resolved_from: name }: PeerReport): string {
  return name === null ? '' : ` (${name})`;
}

function handshakeText({ last_handshake_age_s: age }: PeerReport): string {
  return age === null ? 'no handshake' : `handshake ${formatSpan(age)} ago`;
}

function trafficText({ rx_bytes: received, tx_bytes: sent }: PeerReport): string {
  if (received === null || sent === null) return 'traffic unknown';
  return `${formatBytes(received)} received   ${formatBytes(sent)} sent`;
}

function sessionList({ sessions, other_processes: others }: TunnelStatus): string {
  const list = sessions.map(({ pid, command }) => `${pid} ${command}`).join(', ') || 'none';
  return others.length === 0 ? list : `${list}; without a session: ${others.join(' ')}`;
}

function dropList(history: Throughput): string {
  const parts = history.drops().map(({ reason, count, rate }) => {
    const more = rate > 0 ? ` (+${Math.ceil(rate)}/s)` : '';
    return `${reason} ${count}${more}`;
  });
  return parts.join(', ') || 'nothing';
}

function engineText({ engine }: TunnelStatus): string {
  const restarts = `${engine.restarts} restarts`;
  if (engine.data_path === null) return `none answers, ${restarts}`;
  const memory = engine.rss_bytes === null ? '' : `, ${formatBytes(engine.rss_bytes)}`;
  return `data path ${engine.data_path}${memory}, ${restarts}`;
}

function label(name: string, text: string, style?: string): readonly Span[] {
  return [[name.padEnd(LABEL_COLUMNS), STYLES.dim], style === undefined ? [text] : [text, style]];
}

/** Cuts a line at the width of the page, and adds colours where they are wanted. */
function render(spans: readonly Span[], { columns, color }: LiveStyle): string {
  let room = columns;
  let line = '';
  for (const [text, style] of spans) {
    const shown = cut(printable(text), room);
    room -= widthOf(shown);
    line += color && style !== undefined && shown !== '' ? `${style}${shown}${RESET}` : shown;
  }
  return line;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const ZERO_WIDTH = /\p{M}|\u200b|\u200d|\ufe0f/u;

/** The columns that a text takes. */
function widthOf(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + columnsOf(character), 0);
}

function columnsOf(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

function cut(text: string, columns: number): string {
  let room = columns;
  let shown = '';
  // A tab would take as many columns as it likes.
  for (const character of text.replaceAll('\t', ' ')) {
    room -= columnsOf(character);
    if (room < 0) break;
    shown += character;
  }
  return shown;
}
