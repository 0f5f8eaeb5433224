import { expect, it } from 'vitest';
import { Pace } from '../../../src/engine/pace.ts';

/** When it is allowed, if it is wanted all the time from `start` on for so long. */
function moments(pace: Pace, start: number, forMs: number): number[] {
  const found: number[] = [];
  for (let now = start; now <= start + forMs; now += 1_000) {
    if (pace.allows(now)) found.push((now - start) / 1_000);
  }
  return found;
}

it('is every five seconds at first, then half as often each time, down to once a minute', () => {
  expect(moments(new Pace(), 1_000_000, 300_000)).toEqual([0, 5, 15, 35, 75, 135, 195, 255]);
});

it('begins anew after a change, but never sooner than after five seconds', () => {
  const pace = new Pace();
  moments(pace, 0, 100_000);
  pace.reset();
  expect(moments(pace, 76_000, 20_000)).toEqual([4, 14]);
});
