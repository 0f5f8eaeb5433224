import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue } from '../../../src/wireguard/deadline-queue.ts';

describe('the deadline queue', () => {
  it('is empty until something is added', () => {
    expect(new DeadlineQueue().earliest).toBeUndefined();
  });

  it('has the earliest of all first, however deadlines move, come and go', () => {
    const deadline = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constant(Infinity));
    const step = fc.oneof(
      { weight: 2, arbitrary: fc.constant({ verb: 'add' as const, at: 0, deadline: 0 }) },
      {
        weight: 6,
        arbitrary: fc.record({ verb: fc.constant('move' as const), at: fc.nat(), deadline }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ verb: fc.constant('remove' as const), at: fc.nat(), deadline }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new DeadlineQueue<number>();
        const entries: ReturnType<typeof queue.add>[] = [];
        for (const [index, { verb, at, deadline: to }] of steps.entries()) {
          if (verb === 'add') entries.push(queue.add(index));
          else if (entries.length === 0) continue;
          else if (verb === 'move') queue.move(entries[at % entries.length], to);
          else queue.remove(entries.splice(at % entries.length, 1)[0]);
          const expected = Math.min(...entries.map((entry) => entry.deadline));
          expect(queue.earliest?.deadline ?? Infinity).toBe(expected);
          if (queue.earliest) expect(entries).toContain(queue.earliest);
        }
      }),
    );
  });
});
