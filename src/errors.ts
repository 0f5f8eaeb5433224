/**
 * The one error that set-up throws on purpose, and the exit statuses of wg-wrap.
 *
 * Whoever sees a cause throws a WgWrapError with the whole message; nobody above adds to it. Anything
 * else that reaches the top is a bug and is printed with its stack. The packet path throws nothing:
 * it counts drop reasons.
 */

/** wg-wrap's own exit statuses; every other one is the command's. */
export const EXIT_STATUS = {
  /** The answer to a question about a tunnel is no. */
  inactive: 1,
  usage: 64,
  config: 78,
  notConnected: 124,
  setup: 125,
} as const;

/** What kind of failure it is; decides the exit status. */
export type ErrorCode = keyof typeof EXIT_STATUS;

/** A failure whose cause is known, as one message for the user. Never holds a secret. */
export class WgWrapError extends Error {
  override readonly name = 'WgWrapError';
  readonly code: ErrorCode;
  /**
   * The lines to print, each without the `wg-wrap: ` in front. Most errors have one; a config file
   * with several mistakes has one for each.
   */
  readonly lines: readonly string[];

  constructor(code: ErrorCode, message: string | readonly string[], options?: { cause?: unknown }) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.join('\n'), options);
    this.code = code;
    this.lines = lines;
  }

  /** The exit status of wg-wrap when this error ends it. */
  get exitStatus(): number {
    return EXIT_STATUS[this.code];
  }
}
