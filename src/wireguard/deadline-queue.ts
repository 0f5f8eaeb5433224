/**
 * The earliest deadline of many: a binary heap whose entries move in place. A deadline of Infinity
 * means that nothing waits.
 *
 * Every packet moves a deadline of its peer, so moving must be cheap, and `earliest` exact for the
 * one timer outside.
 */
import type { Millis } from './ports.ts';

/** One owner's place in the queue. Only the queue changes it. */
export interface DeadlineEntry<Owner> {
  readonly owner: Owner;
  deadline: Millis;
  position: number;
}

/** Owners by deadline. */
export class DeadlineQueue<Owner> {
  readonly #heap: DeadlineEntry<Owner>[] = [];

  /** The entry with the earliest deadline. */
  get earliest(): DeadlineEntry<Owner> | undefined {
    return this.#heap[0];
  }

  /** Adds an owner that waits for nothing yet. */
  add(owner: Owner): DeadlineEntry<Owner> {
    const entry = { owner, deadline: Infinity, position: this.#heap.length };
    this.#heap.push(entry);
    return entry;
  }

  /** Changes the deadline of an entry that is in the queue. */
  move(entry: DeadlineEntry<Owner>, deadline: Millis): void {
    if (entry.deadline === deadline) return;
    entry.deadline = deadline;
    this.#settle(entry);
  }

  /** Takes an entry out. */
  remove(entry: DeadlineEntry<Owner>): void {
    const last = this.#heap.pop();
    if (!last || last === entry) return;
    last.position = entry.position;
    this.#settle(last);
  }

  #settle(entry: DeadlineEntry<Owner>): void {
    let position = entry.position;
    while (position > 0) {
      const parent = this.#heap[(position - 1) >>> 1];
      if (parent.deadline <= entry.deadline) break;
      const vacated = parent.position;
      this.#put(parent, position);
      position = vacated;
    }
    for (;;) {
      const child = this.#earlierChild(position);
      if (!child || child.deadline >= entry.deadline) break;
      const vacated = child.position;
      this.#put(child, position);
      position = vacated;
    }
    this.#put(entry, position);
  }

  #earlierChild(position: number): DeadlineEntry<Owner> | undefined {
    const left = 2 * position + 1;
    if (left >= this.#heap.length) return undefined;
    const right = left + 1;
    if (right === this.#heap.length) return this.#heap[left];
    return this.#heap[left].deadline <= this.#heap[right].deadline
      ? this.#heap[left]
      : this.#heap[right];
  }

  #put(entry: DeadlineEntry<Owner>, position: number): void {
    this.#heap[position] = entry;
    entry.position = position;
  }
}
