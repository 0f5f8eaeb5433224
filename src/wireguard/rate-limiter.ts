/**
 * One token bucket for each source of handshake messages, used under load only (WP 5.3).
 *
 * A bucket is full again before it is forgotten, so forgetting loses nothing. The table is bounded,
 * and refuses new sources when it is full: whoever gets here has proved its address with a cookie.
 */
import {
  RATE_LIMIT_BURST,
  RATE_LIMIT_FORGET_MS,
  RATE_LIMIT_MAX_SOURCES,
  RATE_LIMIT_PER_SECOND,
} from './constants.ts';
import type { Millis } from './ports.ts';

interface Bucket {
  tokens: number;
  updated: Millis;
}

/** Token buckets by source. */
export class RateLimiter {
  // In the order of their last use, so that those to forget come first.
  readonly #buckets = new Map<string, Bucket>();

  /** How many sources it knows. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token from the bucket of `source`; false if there is none, or no room for a bucket. */
  allow(source: string, now: Millis): boolean {
    this.forget(now);
    const bucket = this.#buckets.get(source) ?? { tokens: RATE_LIMIT_BURST, updated: now };
    if (!this.#buckets.delete(source) && this.#buckets.size >= RATE_LIMIT_MAX_SOURCES) return false;
    this.#buckets.set(source, bucket);
    const gained = ((now - bucket.updated) * RATE_LIMIT_PER_SECOND) / 1_000;
    bucket.tokens = Math.min(RATE_LIMIT_BURST, bucket.tokens + gained);
    bucket.updated = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** Forgets the sources that have been quiet long enough. */
  forget(now: Millis): void {
    for (const [source, bucket] of this.#buckets) {
      if (now - bucket.updated < RATE_LIMIT_FORGET_MS) return;
      this.#buckets.delete(source);
    }
  }
}
