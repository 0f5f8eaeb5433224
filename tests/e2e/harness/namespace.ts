/**
 * A private mount and network namespace, held by a process of ours and entered with nsenter.
 *
 * The holder is `cat` on a pipe: when the test runner ends, however it ends, the pipe closes and
 * the namespaces go. Daemons inside get SIGKILL when their parent, the test runner, is gone.
 * Mounts made inside never reach the machine: the propagation is private.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Command, must, type CommandOptions } from './command.ts';

/** What programs of the harness get: nothing of the caller's, such as a proxy, may reach them. */
const ENVIRONMENT = { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' };

/** How long the ends of daemons are waited for, which may stand in a queue behind their output. */
const CLOSE_LIMIT_MS = 10_000;

/** Mount and network namespaces of their own, with root's rights. */
export class Namespace {
  readonly #holder: Command;
  readonly #daemons: Command[] = [];

  private constructor(holder: Command) {
    this.#holder = holder;
  }

  /** Makes the namespaces, with lo up, and runs the shell script `prepare` in them. */
  static async create(prepare: string): Promise<Namespace> {
    const script = `ip link set lo up\n${prepare}\necho held\nexec cat`;
    const holder = Command.start(
      ['unshare', '--mount', '--net', '--propagation', 'private', 'sh', '-euc', script],
      { inputStaysOpen: true, limitMs: 3_600_000 },
    );
    await holder.until(/^held$/m);
    return new Namespace(holder);
  }

  /** The pid by which others may name the namespaces. */
  get pid(): number {
    return this.#holder.pid;
  }

  /**
   * `argv`, to be run inside as root, or as `options` of nsenter say. Every wrapper becomes the next
   * program by execve.
   */
  enter(argv: readonly string[], options: readonly string[] = []): readonly string[] {
    const of = (kind: string): string => `/proc/${this.pid}/ns/${kind}`;
    return ['nsenter', `--mount=${of('mnt')}`, `--net=${of('net')}`, ...options, '--', ...argv];
  }

  /** Runs a shell script inside as root; returns its stdout, throws when it fails. */
  async sh(script: string, options: CommandOptions = {}): Promise<string> {
    return await must(this.enter(['sh', '-euc', script]), { env: ENVIRONMENT, ...options });
  }

  /** Starts a program that runs until {@link close}, and waits until it prints `ready`. */
  async daemon(
    argv: readonly string[],
    ready: RegExp,
    options: CommandOptions = {},
  ): Promise<Command> {
    const bound = ['setpriv', '--pdeathsig', 'KILL', '--', ...argv];
    const daemon = Command.start(this.enter(bound), {
      env: ENVIRONMENT,
      limitMs: 3_600_000,
      ...options,
    });
    this.#daemons.push(daemon);
    await daemon.until(ready);
    return daemon;
  }

  /** Ends one daemon and waits for it. */
  async stop(daemon: Command): Promise<void> {
    daemon.kill('SIGKILL');
    await daemon.wait();
  }

  /** Ends the daemons, then the holder, which was the last to hold the namespaces. */
  async close(): Promise<void> {
    for (const daemon of this.#daemons) daemon.kill('SIGKILL');
    this.#holder.endInput();
    // Not for longer: whatever is left ends with the test runner.
    const ends = Promise.all([...this.#daemons, this.#holder].map((command) => command.wait()));
    await Promise.race([ends, delay(CLOSE_LIMIT_MS, undefined, { ref: false })]);
  }
}
