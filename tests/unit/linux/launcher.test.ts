/** What is said when the launcher can't speak for itself. */
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('the launcher finds both texts at their beginning, longer ones than a pipe holds too', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wg-wrap-launcher-'));
  try {
    const launcher = join(directory, 'wg-wrap');
    const script = `cat <&3 >${directory}/plan\ncat <&4 >${directory}/configuration\necho ready\n`;
    writeFileSync(launcher, `#!/bin/sh\n${script}`, { mode: 0o755 });
    const plan = 'route 10.0.0.0/8\n'.repeat(10_000);
    const configuration = '{"ü":1}'.repeat(20_000);
    await startPin(launcher, plan, configuration, descriptors);
    expect(readFileSync(join(directory, 'plan'), 'utf8')).toBe(plan);
    expect(readFileSync(join(directory, 'configuration'), 'utf8')).toBe(configuration);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
