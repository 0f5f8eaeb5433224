/**
 * The examples of docs/library.md, run as they stand there.
 *
 *   ```ts NAME.ts       a file, which others may import as ./NAME.ts
 *   ```text NAME.ts     what that file prints when it is run
 *   ```console          a command after `$ `, and what it prints, in the order of the document
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = new URL('../../..', import.meta.url).pathname;
const LIBRARY = join(ROOT, 'src/library.ts');
const LIMIT_MS = 60_000;

const run = promisify(execFile);

interface Block {
  readonly language: string;
  /** What follows the language: a file name, or nothing. */
  readonly title: string;
  readonly text: string;
}

const blocks: readonly Block[] = readBlocks(readFileSync(join(ROOT, 'docs/library.md'), 'utf8'));
const files = blocks.filter(({ language }) => language === 'ts');
const outputs = blocks.filter(({ language }) => language === 'text' || language === 'console');

describe('the examples of docs/library.md', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wg-wrap-examples-'));
    for (const { title, text } of files) writeFileSync(join(folder, title), text);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it('are the ones that it promises', () => {
    const titles = outputs.map(({ title }) => title);
    expect(titles).toEqual(['two-devices.ts', 'relay.ts', 'capture.ts', '', 'udp.ts']);
  });

  it('compile against the library', { timeout: LIMIT_MS }, async () => {
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(compilerConfig()));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [compiler, '-p', folder]).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');
  });

  it.each(outputs)(
    '$language $title prints what stands below it',
    { timeout: LIMIT_MS },
    async (block) => {
      const [file, ...argv] =
        block.language === 'text'
          ? [process.execPath, await bundle(folder, block.title)]
          : ['sh', '-euc', commandOf(block)];
      const { stdout } = await run(file, argv, { cwd: folder, timeout: LIMIT_MS });
      expect(stdout).toBe(block.text.replace(/^\$ .*\n/, ''));
    },
  );
});

function readBlocks(markdown: string): Block[] {
  const fence = /^```(\w+)(?: ([\w.-]+))?\n([\s\S]*?)^```$/gm;
  return Array.from(markdown.matchAll(fence), ([, language, title = '', text]) => ({
    language,
    title,
    text,
  }));
}

function commandOf({ text }: Block): string {
  const command = /^\$ (.*)\n/.exec(text)?.[1];
  if (command === undefined) throw new Error(`no command in: ${text}`);
  return command;
}

/** Bundles one example with the library as it is in the sources, and returns the program's path. */
async function bundle(folder: string, title: string): Promise<string> {
  const outfile = join(folder, title.replace(/ts$/, 'mjs'));
  await build({
    entryPoints: [join(folder, title)],
    outfile,
    alias: { 'wg-wrap': LIBRARY },
    nodePaths: [join(ROOT, 'node_modules')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  return outfile;
}

/** The project's own options, but for what only its own exports need. */
function compilerConfig(): object {
  return {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      declaration: false,
      isolatedDeclarations: false,
      module: 'esnext',
      moduleResolution: 'bundler',
      typeRoots: [join(ROOT, 'node_modules/@types')],
      paths: { 'wg-wrap': [LIBRARY] },
    },
    files: files.map(({ title }) => title),
    include: [],
  };
}
