/** The programs that are installed, before anything is done with them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, inject, test } from 'vitest';

test.each(['controller', 'engine'])('Node takes the code that the %s was built with', (name) => {
  const loader = join(inject('scratch'), 'loader.cjs');
  buildSync({
    entryPoints: [join(import.meta.dirname, '../../src/loader/program.ts')],
    outfile: loader,
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
  const base = join(inject('prefix'), 'lib/wg-wrap', name);
  const load = `require("${loader}").loadProgram("${base}.program.js", "${base}.code")`;
  // In a process of its own, because code is good only for the flags that V8 has.
  const rejected = execFileSync(process.execPath, ['-p', `${load}.cachedDataRejected`], {
    encoding: 'utf8',
  });
  expect(rejected).toBe('false\n');
});
