import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../../src/wireguard/rate-limiter.ts';

/** How many of `count` messages at once are allowed. */
function burst(limiter: RateLimiter, source: string, now: number, count = 20): number {
  return Array.from({ length: count }, () => limiter.allow(source, now)).filter(Boolean).length;
}

describe('the rate limiter', () => {
  it('allows five at once, and then twenty a second', () => {
    const limiter = new RateLimiter();
    expect(burst(limiter, 'a', 0)).toBe(5);
    expect(limiter.allow('a', 49)).toBe(false);
    expect(limiter.allow('a', 50)).toBe(true);
    expect(limiter.allow('a', 99)).toBe(false);
    expect(limiter.allow('a', 100)).toBe(true);
  });

  it('allows twenty of a thousand that come within a second of the first burst', () => {
    const limiter = new RateLimiter();
    let allowed = 0;
    for (let now = 0; now < 1_000; now++) if (limiter.allow('a', now)) allowed++;
    expect(allowed).toBe(5 + 19);
  });

  it('saves up no more than a burst', () => {
    const limiter = new RateLimiter();
    burst(limiter, 'a', 0);
    expect(burst(limiter, 'a', 990)).toBe(5);
  });

  it('counts each source apart', () => {
    const limiter = new RateLimiter();
    burst(limiter, 'a', 0);
    expect(limiter.allow('a', 0)).toBe(false);
    expect(limiter.allow('b', 0)).toBe(true);
  });

  it('forgets a source after a second of quiet, and only then', () => {
    const limiter = new RateLimiter();
    limiter.allow('a', 0);
    limiter.allow('b', 500);
    limiter.forget(999);
    expect(limiter.size).toBe(2);
    limiter.forget(1_000);
    expect(limiter.size).toBe(1);
    limiter.forget(1_500);
    expect(limiter.size).toBe(0);
  });

  it('remembers a source that keeps on sending, also one that was refused', () => {
    const limiter = new RateLimiter();
    burst(limiter, 'a', 0);
    limiter.allow('b', 100);
    limiter.allow('a', 900);
    limiter.forget(1_200);
    expect(limiter.size).toBe(1);
  });

  it('refuses new sources while its table is full, and goes on with those it knows', () => {
    const limiter = new RateLimiter();
    for (let i = 0; i < 16_384; i++) limiter.allow(`source ${i}`, 0);
    expect(limiter.size).toBe(16_384);
    expect(limiter.allow('one more', 0)).toBe(false);
    expect(limiter.allow('source 0', 0)).toBe(true);
    expect(limiter.size).toBe(16_384);
    expect(limiter.allow('one more', 1_000)).toBe(true);
    expect(limiter.size).toBe(1);
  });
});
