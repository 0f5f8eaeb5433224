/**
 * Once a run: the product, installed as a user would have it. `WG_WRAP_TEST_PREFIX` names an
 * installation to test in place of a fresh one.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execaSync } from 'execa';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the product is installed. */
    installation: string;
  }
}

const REPOSITORY = resolve(import.meta.dirname, '../../..');

/** Provides the installation; the returned function removes it. */
export function setup(project: TestProject): () => void {
  if (process.getuid?.() !== 0) {
    throw new Error('these tests build network namespaces for devices: run them as root');
  }
  const scratch = mkdtempSync(join(tmpdir(), 'wg-wrap-device-'));
  const remove = (): void => {
    rmSync(scratch, { recursive: true, force: true });
  };
  // mkdtemp makes 0700, but a tunnel's user is somebody else.
  chmodSync(scratch, 0o755);
  try {
    project.provide('installation', process.env['WG_WRAP_TEST_PREFIX'] ?? install(scratch));
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

function install(prefix: string): string {
  execaSync('make', ['--no-print-directory', '-s', 'install', `PREFIX=${prefix}`], {
    cwd: REPOSITORY,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  // The role by name, for callers that take one word.
  const link = join(prefix, 'bin/wg-wrap-device');
  if (!existsSync(link)) symlinkSync('wg-wrap', link);
  return prefix;
}
