/** How many processors a process may use, on machines whose files are as cgroups(7) says. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processors } from '../../../src/linux/processors.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wg-wrap-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function given(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

test('without any quota they are those that it may run on', () => {
  given({ 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/cpu.max': 'max 100000\n' });
  expect(processors(root, 64)).toBe(64);
});

test.each([
  { quota: '200000 100000', expected: 2 },
  { quota: '150000 100000', expected: 2 },
  { quota: '10000 100000', expected: 1 },
  { quota: '6400000 50000', expected: 64 },
])('a quota of $quota leaves $expected of 64', ({ quota, expected }) => {
  given({ 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/cpu.max': `${quota}\n` });
  expect(processors(root, 64)).toBe(expected);
});

test('the least of all groups around it counts', () => {
  given({
    'proc/self/cgroup': '12:cpu:/elsewhere\n0::/a/b/c\n',
    'sys/fs/cgroup/a/cpu.max': '300000 100000\n',
    'sys/fs/cgroup/a/b/cpu.max': '500000 100000\n',
    'sys/fs/cgroup/a/b/c/cpu.max': 'max 100000\n',
  });
  expect(processors(root, 64)).toBe(3);
});

test('in a container the quota is that of the mounted root', () => {
  given({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '400000 100000\n' });
  expect(processors(root, 64)).toBe(4);
  given({ 'proc/self/cgroup': '0::/../other\n' });
  expect(processors(root, 64)).toBe(4);
});

test.each(['', '0::', 'nonsense', '0::/a\n'])(
  'files that say nothing limit nothing: %j',
  (text) => {
    given({ 'proc/self/cgroup': text, 'sys/fs/cgroup/cpu.max': 'x y z' });
    expect(processors(root, 64)).toBe(64);
  },
);

test('a machine without these files has what the scheduler allows, as this one', () => {
  expect(processors(root, 8)).toBe(8);
  expect(processors()).toBeGreaterThanOrEqual(1);
  expect(processors()).toBeLessThanOrEqual(availableParallelism());
});
