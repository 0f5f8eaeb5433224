/**
 * A program that a test started: its input, its output, its end, and a limit on its life.
 *
 * A command counts as ended when it is gone *and* its output is closed. A daemon that keeps the
 * caller's stdout open would hang `$(…)` in a shell; here it runs into the limit, and the failure
 * says so.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** How a command is to run. */
export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes for stdin; nothing if absent. */
  readonly input?: Uint8Array | string;
  /** Leaves stdin open for {@link Command.write} and {@link Command.endInput}. */
  readonly inputStaysOpen?: boolean;
  /** Milliseconds until the command's process group is killed. */
  readonly limitMs?: number;
}

/** What a command left. */
export interface Result {
  readonly argv: readonly string[];
  /** The exit status; null if a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Uint8Array;
  /** stdout as text, without the final newline. */
  readonly text: string;
  readonly stderr: string;
  /** Set when the limit ended it, with the reason. */
  readonly overdue: string | undefined;
  readonly elapsedMs: number;
}

const DEFAULT_LIMIT_MS = 60_000;

/** A running program. */
export class Command {
  readonly argv: readonly string[];
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #stdout: Uint8Array[] = [];
  readonly #stderr: Uint8Array[] = [];
  readonly #started = performance.now();
  readonly #result: Promise<Result>;
  #overdue: string | undefined;
  readonly #onOutput = new Set<() => void>();

  private constructor(argv: readonly string[], options: CommandOptions) {
    this.argv = argv;
    // A process group of its own, so that the limit reaches the whole pipeline of a shell.
    this.#child = spawn(argv[0], argv.slice(1), {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.env && { env: options.env }),
    });
    this.#child.stdout.on('data', (chunk: Uint8Array) => {
      this.#stdout.push(chunk);
      this.#look();
    });
    this.#child.stderr.on('data', (chunk: Uint8Array) => {
      this.#stderr.push(chunk);
      this.#look();
    });
    this.#result = this.#collect(options.limitMs ?? DEFAULT_LIMIT_MS);
    // Whoever waits sees the failure; without a waiter it must not end the test runner.
    this.#result.catch(() => undefined);
    // A command may end without having read its input.
    this.#child.stdin.on('error', () => undefined);
    const { input = '', inputStaysOpen = false } = options;
    if (inputStaysOpen) this.#child.stdin.write(input);
    else this.#child.stdin.end(input);
  }

  /** Starts `argv`; the first word is looked up in PATH. */
  static start(argv: readonly string[], options: CommandOptions = {}): Command {
    return new Command(argv, options);
  }

  /** The pid; of the command itself where every wrapper before it has become it by execve. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.argv.join(' ')} did not start`);
    return pid;
  }

  /** Whether the process itself is there, as far as this process has heard. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** stdout so far, as text. */
  get output(): string {
    return new TextDecoder().decode(concatenate(this.#stdout));
  }

  /** stderr so far, as text. */
  get errors(): string {
    return new TextDecoder().decode(concatenate(this.#stderr));
  }

  /** Writes to a stdin that stays open. */
  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Ends a stdin that stays open. */
  endInput(): void {
    this.#child.stdin.end();
  }

  /** Ends a stdin that stays open, and waits for the end of the command. */
  async finish(): Promise<Result> {
    this.endInput();
    return await this.#result;
  }

  /** Sends a signal to this one process. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when stdout and stderr together match; rejects when the command ends before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const matched = new Promise<RegExpExecArray>((resolve) => {
      const look = (): void => {
        const match = pattern.exec(this.output) ?? pattern.exec(this.errors);
        if (!match) return;
        // All of the output is searched each time, so nobody may go on who needs no more of it.
        this.#onOutput.delete(look);
        resolve(match);
      };
      this.#onOutput.add(look);
      look();
    });
    const ended = this.#result.then((result) => {
      throw new Error(`ended before it printed ${String(pattern)}\n${describe(result)}`);
    });
    return await Promise.race([matched, ended]);
  }

  /** The end of the command, whatever it was. */
  async wait(): Promise<Result> {
    return await this.#result;
  }

  #look(): void {
    for (const look of this.#onOutput) look();
  }

  async #collect(limitMs: number): Promise<Result> {
    const child = this.#child;
    let gone = false;
    child.once('exit', () => {
      gone = true;
    });
    const limit = setTimeout(() => {
      this.#overdue = gone
        ? `it ended, but something still held its output open after ${limitMs} ms`
        : `it was killed after ${limitMs} ms`;
      if (gone) {
        child.stdout.destroy();
        child.stderr.destroy();
      } else {
        killGroup(child.pid);
      }
    }, limitMs);
    try {
      const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
        (resolve, reject) => {
          child.once('error', reject);
          child.once('close', (code, name) => {
            resolve([code, name]);
          });
        },
      );
      return this.#finish(status, signal);
    } finally {
      clearTimeout(limit);
    }
  }

  #finish(status: number | null, signal: NodeJS.Signals | null): Result {
    return {
      argv: this.argv,
      status,
      signal,
      stdout: concatenate(this.#stdout),
      text: this.output.replace(/\n$/, ''),
      stderr: this.errors,
      overdue: this.#overdue,
      elapsedMs: performance.now() - this.#started,
    };
  }
}

/** Runs `argv` to its end and returns stdout; throws for any other end than status 0. */
export async function must(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await Command.start(argv, options).wait();
  if (result.status !== 0) throw new Error(describe(result));
  return result.text;
}

/** A result as a failing test shows it. */
export function describe(result: Result): string {
  const end = result.signal ?? `status ${String(result.status)}`;
  const late = result.overdue === undefined ? '' : `; ${result.overdue}`;
  return [
    `$ ${result.argv.join(' ')}`,
    `  ${end} after ${Math.round(result.elapsedMs)} ms${late}`,
    ...indent('stdout', result.text),
    ...indent('stderr', result.stderr),
  ].join('\n');
}

function indent(name: string, text: string): string[] {
  // What a program prints may be anything, and a terminal must not act on it.
  const printable = text.replaceAll(/[^\n\t\x20-\x7e]/g, '·');
  const shown = printable.length > 2000 ? `${printable.slice(0, 2000)}…` : printable;
  return shown === ''
    ? []
    : shown
        .trimEnd()
        .split('\n')
        .map((line) => `  ${name}: ${line}`);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: the group ended by itself at this very moment.
  }
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
