/** `wg-wrap logs`: what a tunnel's engine and pin have written down. */
import { WgWrapError } from '../errors.ts';
import { LogFile } from '../linux/log-file.ts';
import { logOf, type RuntimeEnvironment } from '../linux/state-directory.ts';
import { printable } from '../printable.ts';
import type { Output } from './output.ts';
import { findTunnel, notRunning } from './tunnels.ts';

/** What to print of a log. */
export interface LogOptions {
  /** At most so many lines, the last ones; undefined for all. */
  readonly lines: number | undefined;
  /** Go on until the tunnel ends. */
  readonly follow: boolean;
}

/**
 * Prints the log of a running tunnel, with control characters escaped.
 * @throws {WgWrapError} `setup`, if there is no such tunnel.
 */
export async function showLog(
  name: string | undefined,
  options: LogOptions,
  environment: RuntimeEnvironment,
  output: Output,
): Promise<void> {
  const record = await findTunnel(name, environment);
  const log = record && LogFile.open(logOf(record));
  if (!log) throw new WgWrapError('setup', notRunning(name));
  try {
    const lines = new Lines();
    const whole = lines.take(log.read());
    const shown = options.lines === undefined ? whole : lastOf(whole, options.lines);
    let isWanted = await output(asText(shown));
    if (isWanted && options.follow) {
      for await (const text of log.follow()) {
        isWanted = await output(asText(lines.take(text)));
        if (!isWanted) break;
      }
    }
    if (isWanted) await output(asText(lines.rest()));
  } finally {
    log.close();
  }
}

/** Cuts text that comes in pieces into lines. */
export class Lines {
  #rest = '';

  /** The lines that are complete. */
  take(text: string): readonly string[] {
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines;
  }

  /** A line that never got its end. */
  rest(): readonly string[] {
    return this.#rest === '' ? [] : [this.#rest];
  }
}

function lastOf(lines: readonly string[], count: number): readonly string[] {
  return lines.slice(Math.max(0, lines.length - count));
}

function asText(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('');
}
