/**
 * Once a run: what the end-to-end tests need, and the flood, which is the one of the tests against
 * the kernel.
 */
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { TestProject } from 'vitest/node';
import { setup as setUpProduct } from '../../e2e/setup.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The compiled `../kernel/programs/flood.ts`. */
    flood: string;
  }
}

/** Provides the flood and the values of the end-to-end tests; returns what removes them. */
export function setup(project: TestProject): () => void {
  const tearDown = setUpProduct(project);
  try {
    project.provide('flood', compileFlood(project.getProvidedContext().scratch));
  } catch (error) {
    tearDown();
    throw error;
  }
  return tearDown;
}

function compileFlood(directory: string): string {
  const outfile = join(directory, 'flood.js');
  buildSync({
    entryPoints: [join(import.meta.dirname, '../kernel/programs/flood.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    logLevel: 'warning',
  });
  return outfile;
}
