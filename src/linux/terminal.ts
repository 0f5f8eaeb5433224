/**
 * The whole terminal as a page: the alternate screen, without a cursor and with keys as they are typed
 * (xterm's control sequences). However the page ends, the terminal is as it was before.
 */

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Size in columns and rows. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What happens to a page. */
export interface PageListener {
  /** It has to be drawn anew. */
  onRedraw(): void;
  /** A key, as the terminal sends it. */
  onKey(key: string): void;
  /** The page is to end by a signal, which the process should die of once the terminal is restored. */
  onSignal(signal: NodeJS.Signals): void;
}

/** Whether standard output is a terminal on which a page can be drawn. */
export function canDraw(term: string | undefined): boolean {
  return process.stdout.isTTY && term !== 'dumb' && term !== undefined && term !== '';
}

/** The page; there is at most one. */
export class Page {
  readonly #listener: PageListener;
  readonly #undo: (() => void)[] = [];
  #isEntered = false;

  constructor(listener: PageListener) {
    this.#listener = listener;
  }

  get size(): Size {
    const { columns, rows } = process.stdout;
    // A terminal that doesn't know its size says 0.
    return { columns: columns || 80, rows: rows || 24 };
  }

  /** Takes the terminal over. */
  open(): void {
    const { stdin, stdout } = process;
    this.#enter();
    this.#on(stdout, 'resize', () => {
      this.#listener.onRedraw();
    });
    // A terminal that has gone can't be restored; SIGHUP tells.
    this.#on(stdout, 'error', () => undefined);
    if (stdin.isTTY) {
      this.#on(stdin, 'data', (keys: Buffer) => {
        for (const key of keys.toString('latin1')) this.#onKey(key);
      });
      stdin.resume();
    }
    for (const signal of ENDING_SIGNALS) {
      this.#on(process, signal, () => {
        this.#listener.onSignal(signal);
      });
    }
    this.#on(process, 'SIGCONT', () => {
      this.#enter();
      this.#listener.onRedraw();
    });
  }

  /** Draws the whole page. */
  draw(lines: readonly string[]): void {
    if (!this.#isEntered) return;
    const shown = lines.slice(0, this.size.rows);
    const text = shown.map((line) => `${line}${CLEAR_LINE_END}`).join('\r\n');
    process.stdout.write(`${HOME}${text}${CLEAR_BELOW}`);
  }

  /** Gives the terminal back. */
  close(): void {
    this.#leave();
    for (const undo of this.#undo.splice(0)) undo();
    process.stdin.pause();
  }

  #onKey(key: string): void {
    // With keys as they are typed, the terminal makes no signals of them.
    if (key === CTRL_C) this.#listener.onSignal('SIGINT');
    else if (key === CTRL_Z) this.#stop();
    else this.#listener.onKey(key);
  }

  /** Stops the process as the terminal would have; it goes on with SIGCONT. */
  #stop(): void {
    this.#leave();
    process.kill(process.pid, 'SIGTSTP');
  }

  #enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdout.write(ENTER);
  }

  #leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    process.stdout.write(LEAVE);
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
  }

  #on<Name extends string, Handler extends (...args: never[]) => void>(
    emitter: {
      on(name: Name, handler: Handler): unknown;
      off(name: Name, handler: Handler): unknown;
    },
    name: Name,
    handler: Handler,
  ): void {
    emitter.on(name, handler);
    this.#undo.push(() => emitter.off(name, handler));
  }
}
