/**
 * Once a run: what the end-to-end tests need, a kernel with an initramfs, and the flood.
 */
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { TestProject } from 'vitest/node';
import { setup as setUpProduct } from '../../e2e/setup.ts';
import { fetchKernel } from './harness/kernel.ts';
import { buildInitramfs } from './harness/initramfs.ts';
import type { Image } from './harness/machine.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the virtual machine boots. */
    image: Image;
    /** The compiled `programs/flood.ts`. */
    flood: string;
  }
}

/** Provides the two values above and those of the end-to-end tests; returns what removes them. */
export function setup(project: TestProject): () => void {
  const tearDown = setUpProduct(project);
  try {
    const scratch = project.getProvidedContext().scratch;
    const kernel = fetchKernel();
    const initramfs = buildInitramfs(kernel, scratch);
    project.provide('image', { kernel: kernel.image, initramfs });
    project.provide('flood', compileFlood(scratch));
  } catch (error) {
    tearDown();
    throw error;
  }
  return tearDown;
}

function compileFlood(directory: string): string {
  const outfile = join(directory, 'flood.js');
  buildSync({
    entryPoints: [join(import.meta.dirname, 'programs/flood.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    logLevel: 'warning',
  });
  return outfile;
}
