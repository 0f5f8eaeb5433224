/**
 * A log that somebody else writes: read to its end, and followed from there.
 *
 * Its writers append, and the pin empties it when it has become too long: what follows is then at the
 * beginning. When it is unlinked, its tunnel has ended.
 */
import { closeSync, fstatSync, openSync, readSync, watch } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const CHUNK_BYTES = 65_536;
/** A user may have used up the kernel's watches; then the file is looked at from time to time. */
const LOOK_MS = 500;

/** An open log. */
export class LogFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #decoder = new TextDecoder();
  #offset = 0;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  /** Opens the log at `path`; undefined if it can't be read. */
  static open(path: string): LogFile | undefined {
    try {
      return new LogFile(path, openSync(path, 'r'));
    } catch {
      // Its tunnel has ended.
      return undefined;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** What has been written since the last call. */
  read(): string {
    if (fstatSync(this.#fd).size < this.#offset) this.#offset = 0;
    const chunk = new Uint8Array(CHUNK_BYTES);
    let text = '';
    for (;;) {
      const length = readSync(this.#fd, chunk, 0, chunk.length, this.#offset);
      if (length === 0) return text;
      this.#offset += length;
      text += this.#decoder.decode(chunk.subarray(0, length), { stream: true });
    }
  }

  /** What is written from now on, as it comes, until the log is unlinked. */
  async *follow(): AsyncGenerator<string> {
    const changes = new Changes(this.#path);
    try {
      for (;;) {
        // First the question, then the text: what is written in between is not lost.
        const isLast = fstatSync(this.#fd).nlink === 0;
        const text = this.read();
        if (text !== '') yield text;
        if (isLast) return;
        await changes.next();
      }
    } finally {
      changes.close();
    }
  }
}

/** Tells that a file may have changed. */
class Changes {
  #hasChanged = false;
  #wake: () => void = () => undefined;
  readonly #close: () => void;

  constructor(path: string) {
    try {
      const watcher = watch(path, () => {
        this.#hasChanged = true;
        this.#wake();
      });
      watcher.on('error', () => undefined);
      this.#close = () => {
        watcher.close();
      };
    } catch {
      this.#close = () => undefined;
    }
  }

  /** Resolves after a change since the last call, and after a while without one. */
  async next(): Promise<void> {
    if (!this.#hasChanged) await this.#wait();
    this.#hasChanged = false;
  }

  async #wait(): Promise<void> {
    const changed = new AbortController();
    this.#wake = () => {
      changed.abort();
    };
    try {
      await delay(LOOK_MS, undefined, { signal: changed.signal });
    } catch (error) {
      if (!changed.signal.aborted) throw error;
    }
  }

  close(): void {
    this.#close();
  }
}
