/**
 * How often to ask for what may not help: at most every five seconds, and half as often each time, down
 * to once a minute, as long as nothing changes.
 */
import type { Millis } from '../wireguard/ports.ts';

const SHORTEST_MS = 5_000;
const LONGEST_MS = 60_000;

/** The pace of one kind of request. */
export class Pace {
  #last: Millis = -Infinity;
  #pause: Millis = SHORTEST_MS;

  /** Whether it may be done at `now`; if so it counts as done. */
  allows(now: Millis): boolean {
    const sinceLast = now - this.#last;
    if (sinceLast < this.#pause) return false;
    if (this.#last !== -Infinity) this.#pause = Math.min(2 * this.#pause, LONGEST_MS);
    this.#last = now;
    return true;
  }

  /** Something has changed: five seconds after the last time will do again. */
  reset(): void {
    this.#pause = SHORTEST_MS;
  }
}
