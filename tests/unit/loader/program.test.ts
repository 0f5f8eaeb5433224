/** Programs run with the code that was made of them, and without it where it doesn't fit. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Script } from 'node:vm';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadProgram, type ProgramFunction } from '../../../src/loader/program.ts';

let directory: string;
let path: string;
let codePath: string;
let text: string;
let count = 0;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'wg-wrap-loader-'));
  path = join(directory, 'some.program.js');
  codePath = join(directory, 'some.code');
  buildSync({
    entryPoints: [join(import.meta.dirname, '../../../src/loader/compile.ts')],
    outfile: join(directory, 'compile.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  // Each test has a text of its own: V8 remembers what it has compiled, and asks for no code then.
  text = `const greet = (name) => \`hello, \${name}\`;\nmodule.exports = greet("test ${++count}");\n`;
  writeFileSync(path, text);
  compile();
});

/** As the build does it, in another process. */
function compile(): void {
  execFileSync(process.execPath, [join(directory, 'compile.cjs'), path, codePath]);
}

/** What the program exports. */
function run(script: Script): unknown {
  const module = { exports: {} };
  const program = script.runInThisContext() as ProgramFunction;
  program(module.exports, null as unknown as NodeJS.Require, module, path, directory);
  return module.exports;
}

test('V8 takes the code that was made of the program', () => {
  const script = loadProgram(path, codePath);
  expect(script.cachedDataRejected).toBe(false);
  expect(run(script)).toBe(`hello, test ${count}`);
});

test('the code has every function in it, also those that nobody has called', () => {
  const before = statSync(codePath).size;
  const words = Array.from({ length: 100 }, (_, index) => `x.word${index}();`).join(' ');
  const added = `module.never = (x) => { ${words} };\n`;
  writeFileSync(path, text + added);
  compile();
  // A function that is not compiled costs a few dozen bytes.
  expect(statSync(codePath).size - before - added.length).toBeGreaterThan(1000);
});

test('a program without code runs', () => {
  rmSync(codePath);
  const script = loadProgram(path, codePath);
  expect(script.cachedDataRejected).toBeUndefined();
  expect(run(script)).toBe(`hello, test ${count}`);
});

test('code of another program is left aside, also of one that is as long', () => {
  writeFileSync(path, text.replace('hello', 'howdy'));
  const script = loadProgram(path, codePath);
  expect(script.cachedDataRejected).toBeUndefined();
  expect(run(script)).toBe(`howdy, test ${count}`);
});

test.each([
  ['cut off', (file: Uint8Array) => file.subarray(0, file.length - 40)],
  ['without its end', (file: Uint8Array) => file.subarray(0, text.length + 10)],
  ['only the text', (file: Uint8Array) => file.subarray(0, text.length)],
  ['less than the text', (file: Uint8Array) => file.subarray(0, 10)],
  ['empty', () => new Uint8Array(0)],
  // The second word of V8's header tells its version.
  ['of another V8', (file: Uint8Array) => changed(file, text.length + 4)],
])('a program whose code is %s runs', (_what, damage) => {
  writeFileSync(codePath, damage(readFileSync(codePath)));
  const script = loadProgram(path, codePath);
  expect(script.cachedDataRejected).not.toBe(false);
  expect(run(script)).toBe(`hello, test ${count}`);
});

function changed(file: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(file);
  copy[at] ^= 0xff;
  return copy;
}
