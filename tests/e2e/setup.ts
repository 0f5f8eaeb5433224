/**
 * Once a run: the product, installed as a user would have it, and the small programs that tests run
 * inside namespaces, compiled. Both live in a temporary directory that every uid may read.
 *
 * `WG_WRAP_TEST_PREFIX` names an installation to test in place of a fresh one.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { execaSync } from 'execa';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the product is installed. */
    prefix: string;
    /** Where the compiled programs of `programs/` are. */
    programs: string;
    /** A directory that every uid may enter, for this run. */
    scratch: string;
    /** An ordinary uid and gid without a passwd entry, so that no other process has it. */
    uid: number;
  }
}

const REPOSITORY = resolve(import.meta.dirname, '../..');

/** Provides the four values above; the returned function removes what was made. */
export function setup(project: TestProject): () => void {
  if (process.getuid?.() !== 0) {
    throw new Error('the end-to-end tests build namespaces for a host: run them as root');
  }
  const scratch = mkdtempSync(join(tmpdir(), 'wg-wrap-e2e-'));
  // mkdtemp makes 0700, but the product runs as another uid.
  chmodSync(scratch, 0o755);
  const remove = (): void => {
    rmSync(scratch, { recursive: true, force: true });
  };
  try {
    project.provide('scratch', scratch);
    project.provide('uid', 20_000 + (process.pid % 20_000));
    project.provide('programs', compilePrograms(join(scratch, 'programs')));
    const installed = process.env['WG_WRAP_TEST_PREFIX'];
    project.provide('prefix', installed ?? install(join(scratch, 'prefix')));
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

function compilePrograms(directory: string): string {
  const source = join(import.meta.dirname, 'programs');
  buildSync({
    entryPoints: ['servers.ts', 'watch.ts', 'udp-client.ts'].map((name) => join(source, name)),
    outdir: directory,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    logLevel: 'warning',
  });
  compileC(join(import.meta.dirname, 'attack'), join(directory, 'attack'));
  compileC(join(import.meta.dirname, 'deny'), join(directory, 'deny'));
  compileResolve(join(directory, 'resolve'));
  return directory;
}

/** Programs in C are those that are mostly system calls. */
function compileC(source: string, program: string): void {
  const files = readdirSync(source).filter((name) => name.endsWith('.c'));
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O1', '-Wall', '-Wextra', '-Werror'];
  execaSync('gcc', [...flags, ...files.map((name) => join(source, name)), '-o', program]);
}

/** A static program with a C library of its own. */
function compileResolve(program: string): void {
  const source = join(import.meta.dirname, 'resolve/main.c');
  execaSync('musl-gcc', ['-static', '-Wall', '-Werror', source, '-o', program]);
}

function install(prefix: string): string {
  execaSync('make', ['--no-print-directory', '-s', 'install', `PREFIX=${prefix}`], {
    cwd: REPOSITORY,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  return prefix;
}
