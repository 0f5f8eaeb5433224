/** How many threads share the work of the pump. */
import { expect, test } from 'vitest';
import { workersFor } from '../../../src/engine/workers.ts';

test.each([
  [1, 0],
  [2, 0],
  [3, 0],
  [4, 1],
  [6, 2],
  [8, 3],
  [128, 3],
])('%i processors give each direction %i workers', (processors, workers) => {
  expect(workersFor(processors)).toBe(workers);
});
