/**
 * Random decisions that can be repeated. `WG_WRAP_TEST_SEED` gives the seed of a run that failed, which
 * its message names.
 */

/** A source of random numbers, and where it began. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number = Number(process.env['WG_WRAP_TEST_SEED'] ?? Date.now() % 1_000_000)) {
    this.seed = seed;
    this.#state = seed + 1;
  }

  /** From 0 up to, but not including, 1 (Lehmer's generator). */
  next(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state / 2_147_483_647;
  }

  /** From `low` up to, but not including, `high`. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** One of them; undefined of none. */
  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.next() * items.length)];
  }
}
