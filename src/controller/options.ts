/** What the command line asks of the controller, as values. */
import type { DnsOption } from './dns.ts';

/** Options of one run. */
export interface RunOptions {
  /** `-c`: a path or the name of a profile; undefined for the profile `default`. */
  readonly config: string | undefined;
  readonly connectTimeoutMs: number;
  /** False for `--no-wait`. */
  readonly wait: boolean;
  /** Apply a changed configuration to a tunnel that lives. */
  readonly restart: boolean;
  /** How long the tunnel outlives its last session. */
  readonly lingerMs: number;
  readonly mtu: number | undefined;
  readonly dns: DnsOption;
  /** No warnings from anybody. */
  readonly quiet: boolean;
  /** Skip keys of the file that nobody knows. */
  readonly ignoreUnknown: boolean;
}

/** Where messages for the user go. */
export interface Reporter {
  /** The result differs from what was asked for. */
  warning(message: string): void;
  /** Harmless; shown only if asked for. */
  note(message: string): void;
}

/** A reporter that passes all messages on and keeps them. */
export class MessageKeeper implements Reporter {
  readonly warnings: string[] = [];
  readonly notes: string[] = [];
  readonly #reporter: Reporter;

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  warning(message: string): void {
    this.warnings.push(message);
    this.#reporter.warning(message);
  }

  note(message: string): void {
    this.notes.push(message);
    this.#reporter.note(message);
  }
}
