/**
 * Keeps the engines' logs, and what else tunnels write of themselves, readable after the tunnels have
 * ended and removed it.
 *
 * An open descriptor keeps a file's content alive, so it is enough to open each once while its tunnel
 * lives.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './host.ts';

const INTERVAL_MS = 50;
/** A test may have put a pipe or a link in the place of a log, and this must not wait for it. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
const KEPT = /\/(?:log|about|pin)$/;

/** What all tunnels have written since the last {@link take}. */
export class LogKeeper {
  readonly #host: Host;
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Map<number, number>();

  constructor(host: Host) {
    this.#host = host;
    this.#timer = setInterval(() => {
      this.#scan();
    }, INTERVAL_MS);
  }

  /** All of it as one text; forgets those whose tunnels are gone. */
  take(): string {
    this.#scan();
    const texts = [...this.#open.values()].map((fd) => {
      const bytes = Buffer.alloc(fstatSync(fd).size);
      readSync(fd, bytes, 0, bytes.length, 0);
      closeSync(fd);
      return bytes.toString();
    });
    this.#open.clear();
    return texts.join('');
  }

  stop(): void {
    clearInterval(this.#timer);
    this.take();
  }

  #scan(): void {
    for (const file of this.#host.stateFiles()) {
      if (KEPT.test(file)) this.#keep(join(this.#host.runtime, file));
    }
  }

  #keep(path: string): void {
    let fd: number;
    try {
      fd = openSync(path, OPEN_FLAGS);
    } catch {
      // The tunnel ended between the listing and the opening.
      return;
    }
    const stat = fstatSync(fd);
    if (!stat.isFile() || this.#open.has(stat.ino)) closeSync(fd);
    else this.#open.set(stat.ino, fd);
  }
}
