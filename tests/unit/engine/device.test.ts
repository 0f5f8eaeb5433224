import { expect, test } from 'vitest';
import { deviceWish } from '../../../src/engine/device.ts';

test.each([
  [undefined, { pump: 'on', pumpWorkers: undefined }],
  ['pump=off', { pump: 'off', pumpWorkers: undefined }],
  ['workers=0', { pump: 'on', pumpWorkers: 0 }],
  ['workers=7', { pump: 'on', pumpWorkers: 7 }],
])('the word %j of the launcher is heard', (word, wish) => {
  expect(deviceWish(word)).toEqual(wish);
});
