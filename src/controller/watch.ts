/**
 * `wg-wrap status --watch`: a tunnel once a second, until it ends or nobody wants to know any more.
 *
 * On a terminal as a page that is drawn anew; else as one plain line, or one JSON object, each time.
 */
import { setInterval as interval } from 'node:timers/promises';
import { WgWrapError } from '../errors.ts';
import type { RuntimeEnvironment, TunnelRecord } from '../linux/state-directory.ts';
import { canDraw, Page } from '../linux/terminal.ts';
import { printable, printableJson } from '../printable.ts';
import { drawLiveView } from './live-view.ts';
import type { Output } from './output.ts';
import { formatBytes, formatSpan } from './quantity.ts';
import { statusOf } from './status.ts';
import { dropsByCount } from './status-text.ts';
import { Throughput, type Moment } from './throughput.ts';
import { findTunnel, notRunning } from './tunnels.ts';

const INTERVAL_MS = 1000;

/** What tells where tunnels are and what the terminal can do. */
export interface WatchEnvironment extends RuntimeEnvironment {
  readonly TERM?: string | undefined;
  readonly NO_COLOR?: string | undefined;
}

/**
 * Watches a tunnel.
 * @throws {WgWrapError} `inactive`, if there is no such tunnel.
 */
export async function watchStatus(
  name: string | undefined,
  asJson: boolean,
  environment: WatchEnvironment,
  output: Output,
): Promise<void> {
  const record = await findTunnel(name, environment);
  if (!record) throw new WgWrapError('inactive', notRunning(name));
  if (!asJson && canDraw(environment.TERM)) {
    await watchPage(record, (environment.NO_COLOR ?? '') === '');
    return;
  }
  for await (const moment of moments(record, new Throughput(), new AbortController().signal)) {
    const line = asJson ? printableJson(moment.status) : formatMoment(moment, new Date());
    if (!(await output(`${line}\n`))) return;
  }
}

/** One moment at once and then one a second, until the tunnel ends or `signal` does. */
async function* moments(
  record: TunnelRecord,
  history: Throughput,
  signal: AbortSignal,
): AsyncGenerator<Moment> {
  const ticks = interval(INTERVAL_MS, undefined, { signal });
  try {
    do {
      const status = await statusOf(record);
      if (!status || signal.aborted) return;
      history.add(status, performance.now());
      if (history.latest) yield history.latest;
    } while (!(await ticks.next()).done);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function watchPage(record: TunnelRecord, color: boolean): Promise<void> {
  const history = new Throughput();
  const end = new AbortController();
  let deadly: NodeJS.Signals | undefined;
  const draw = (): void => {
    page.draw(drawLiveView(history, { ...page.size, color }));
  };
  const page = new Page({
    onRedraw: draw,
    onKey: (key) => {
      if (key === 'q' || key === 'Q') end.abort();
    },
    onSignal: (signal) => {
      deadly = signal;
      end.abort();
    },
  });
  page.open();
  try {
    const ended = new Promise<void>((resolve) => {
      end.signal.addEventListener('abort', () => {
        resolve();
      });
    });
    // A look may take its time: who wants to leave doesn't wait for it.
    await Promise.race([ended, each(moments(record, history, end.signal), draw)]);
  } finally {
    end.abort();
    page.close();
  }
  if (deadly !== undefined) process.kill(process.pid, deadly);
}

async function each(all: AsyncGenerator<Moment>, act: () => void): Promise<void> {
  while ((await all.next()).done !== true) act();
}

/** A moment as one line for a log. */
export function formatMoment({ status, received, sent }: Moment, at: Date): string {
  const ages = (status.peers ?? []).map((peer) => peer.last_handshake_age_s);
  const youngest = Math.min(...ages.filter((age) => age !== null));
  const drops = dropsByCount(status).reduce((sum, [, count]) => sum + count, 0);
  return printable(
    [
      `${at.toISOString().slice(0, 19)}Z ${status.tunnel} ${status.state}`,
      `received ${formatBytes(received)}/s`,
      `sent ${formatBytes(sent)}/s`,
      Number.isFinite(youngest) ? `handshake ${formatSpan(youngest)} ago` : 'no handshake',
      `sessions ${status.sessions.length}`,
      `dropped ${status.drops ? drops : 'unknown'}`,
      `restarts ${status.engine.restarts}`,
    ].join(', '),
  );
}
