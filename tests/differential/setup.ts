/** Once a run: the pump with its body of memory (pump/ring.c), which the product's library lacks. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The library. */
    pump: string;
  }
}

const SOURCES = join(import.meta.dirname, '../../pump');
const FLAGS = '-std=c11 -O1 -g -D_GNU_SOURCE -fPIC -fvisibility=hidden -shared -pthread'.split(' ');

/** Provides the library; returns what removes it. */
export function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'wg-wrap-differential-'));
  const remove = (): void => {
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const library = join(directory, 'libwgpump.so');
    const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
    const files = sources.map((name) => join(SOURCES, name));
    execFileSync('gcc', [...FLAGS, ...files, '-o', library], { stdio: 'inherit' });
    project.provide('pump', library);
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}
