/** What is said when the launcher can't speak for itself. */
import { openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startPin } from '../../../src/linux/launcher.ts';

const nothing = openSync('/dev/null', 'r');
const descriptors = { lock: nothing, stateDirectory: nothing, udp4: nothing, udp6: nothing };

test('a launcher that is not there is named with the errno, in one line', async () => {
  await expect(startPin('/nowhere/wg-wrap', 'plan 1\n', '{}', descriptors)).rejects.toMatchObject({
    code: 'setup',
    lines: ['cannot run /nowhere/wg-wrap (ENOENT)'],
  });
});

test('a launcher that fails has given its reason itself', async () => {
  await expect(startPin('/bin/false', 'plan 1\n', '{}', descriptors)).rejects.toMatchObject({
    lines: [],
  });
});
