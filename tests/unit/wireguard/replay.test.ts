/** The window of RFC 6479, by a table and against a set. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REJECT_AFTER_MESSAGES } from '../../../src/wireguard/constants.ts';
import { ReplayWindow } from '../../../src/wireguard/replay.ts';

const SIZE = 8_128;
const RING = 8_192;
const LAST = REJECT_AFTER_MESSAGES - 1;

type Step = readonly [counter: number, isAccepted: boolean];

const TABLE: Readonly<Record<string, readonly Step[]>> = {
  'the first counter is 0': [
    [0, true],
    [0, false],
  ],
  'the first counter need not be 0': [
    [5, true],
    [5, false],
    [0, true],
    [0, false],
  ],
  'counters come in any order, each once': [
    [1, true],
    [9, true],
    [8, true],
    [7, true],
    [8, false],
    [0, true],
    [9, false],
    [1, false],
  ],
  'the last of the window is accepted once, the one behind it never': [
    [SIZE + 50, true],
    [50, true],
    [50, false],
    [49, false],
    [51, true],
  ],
  'moving by one lets one fall out': [
    [SIZE, true],
    [SIZE + 1, true],
    [0, false],
    [1, true],
  ],
  'what was accepted stays accepted while the window moves': [
    [100, true],
    [101, true],
    [SIZE, true],
    [100, false],
    [101, false],
    [102, true],
  ],
  'a jump over the whole ring forgets what was in it': [
    [3, true],
    [3 + RING, true],
    [3 + RING, false],
    [3, false],
    [4 + RING - SIZE, true],
    [3 + 5 * RING, true],
    [3 + 5 * RING - SIZE, true],
    [3 + 5 * RING - SIZE - 1, false],
  ],
  'bits of the ring are cleared before they stand for other counters': [
    [10, true],
    [10 + RING, true],
    [9 + RING, true],
    [10 + 2 * RING, true],
    [9 + 2 * RING, true],
  ],
  'counters beyond 32 bits are told apart': [
    [2 ** 32 + 1, true],
    [1, false],
    [2 ** 32 + 1, false],
    [2 ** 32, true],
  ],
  'the last counter of all is accepted': [
    [LAST, true],
    [LAST, false],
    [LAST - SIZE, true],
    [LAST - SIZE - 1, false],
  ],
};

describe('the replay window', () => {
  it.each(Object.entries(TABLE))('%s', (_title, steps) => {
    const window = new ReplayWindow();
    const verdicts = steps.map(([counter]) => [counter, window.accept(counter)]);
    expect(verdicts).toEqual(steps);
  });

  it('agrees with a set of all that was accepted', () => {
    const jump = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -40, max: 40 }) },
      { weight: 2, arbitrary: fc.integer({ min: -8_200, max: 8_200 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
    );
    fc.assert(
      fc.property(fc.array(jump, { maxLength: 300 }), (jumps) => {
        const window = new ReplayWindow();
        const accepted = new Set<number>();
        let greatest = 0;
        for (const offset of jumps) {
          const counter = Math.max(0, greatest + offset);
          const expected = counter >= greatest - SIZE && !accepted.has(counter);
          expect(window.accept(counter), `counter ${counter}`).toBe(expected);
          accepted.add(counter);
          greatest = Math.max(greatest, counter);
        }
      }),
    );
  });
});
