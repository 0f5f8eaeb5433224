/**
 * The only writer to standard error. One line a message, each with `wg-wrap: ` in front; standard
 * output is the command's.
 */
import type { WgWrapError } from '../errors.ts';
import { printable } from '../printable.ts';

/** How much to say. */
export interface Verbosity {
  readonly quiet: boolean;
  /** How often `-v` was given. */
  readonly verbose: number;
}

/** Prints what doesn't keep the command from running, as the levels ask for. */
export class Report {
  readonly #verbosity: Verbosity;

  constructor(verbosity: Verbosity) {
    this.#verbosity = verbosity;
  }

  /** The result differs from what was asked for. */
  warning(message: string): void {
    if (!this.#verbosity.quiet) print(message);
  }

  /** Harmless. */
  note(message: string): void {
    if (this.#verbosity.verbose > 0) print(message);
  }
}

/** Prints why the command has not run. */
export function reportError(error: WgWrapError): void {
  for (const line of error.lines) print(line);
}

/** Prints an error that nobody foresaw, with its stack: a bug of ours. */
export function reportBug(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // The one message that has several lines.
  for (const line of text.split('\n')) print(`internal error, please report it: ${line}`);
}

function print(line: string): void {
  process.stderr.write(`wg-wrap: ${printable(line)}\n`);
}
