/**
 * Holds the sources against the table of imports in docs/architecture.md: who may import whom, which
 * file alone imports a package, and what the sans-IO parts must not mention.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../../src', import.meta.url).pathname;

interface Source {
  /** Path below `src`. */
  readonly path: string;
  /** `leaf` for a file directly in `src`, else its folder; `library` is file and folder. */
  readonly area: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
      (match) => match[1],
    );
    return {
      path,
      area: areaOf(path),
      text,
      imports,
    };
  });

/** Area → areas that its files may import. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  leaf: ['leaf'],
  wireguard: ['leaf', 'wireguard'],
  config: ['leaf', 'config'],
  library: ['leaf', 'wireguard', 'library'],
  linux: ['leaf', 'linux'],
  engine: ['leaf', 'wireguard', 'linux', 'engine'],
  controller: ['leaf', 'config', 'linux', 'controller'],
  cli: ['leaf', 'controller', 'cli'],
  loader: ['loader'],
};

/** Package → the one file that imports it. */
const PACKAGES: Readonly<Record<string, string>> = {
  commander: 'cli/options.ts',
  'ffi-rs': 'linux/ffi.ts',
  ini: 'config/blocks.ts',
  '@noble/hashes': 'wireguard/kdf.ts',
  '@noble/ciphers': 'wireguard/aead.ts',
  '@noble/curves': 'wireguard/x25519.ts',
};

const packageOf = (specifier: string): string =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

const ownImports = (source: Source): string[] =>
  source.imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => relative(SRC, normalize(join(SRC, dirname(source.path), specifier))));

describe('the sources', () => {
  it.each(sources)('$path imports only what its folder may', (source) => {
    const outside = ownImports(source).filter(
      (path) => !ALLOWED[source.area].includes(areaOf(path)),
    );
    expect(outside).toEqual([]);
  });

  it.each(sources)('$path imports a package only if it is the one to do so', (source) => {
    const packages = source.imports
      .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .map(packageOf);
    for (const name of packages) expect(PACKAGES[name], name).toBe(source.path);
  });

  it('leaves and the three pure folders import nothing of Node', () => {
    const impure = sources.filter(
      ({ area, imports }) =>
        ['leaf', 'wireguard', 'config', 'library'].includes(area) &&
        imports.some((specifier) => specifier.startsWith('node:')),
    );
    expect(impure.map(({ path }) => path)).toEqual([]);
  });

  it('the core, the configuration and the library have no clock, randomness, promise or output of their own', () => {
    const forbidden =
      /\b(?:process|performance|setTimeout|setInterval|setImmediate|console|crypto|async|await|Promise)\b[.(<\s]|\bDate\b|Math\.random|randomPrivateKey|randomSecretKey|\bkeygen\b/;
    const found = sources
      .filter(({ area }) => ['wireguard', 'config', 'library'].includes(area))
      .flatMap(({ path, text }) =>
        withoutComments(text)
          .split('\n')
          .filter((line) => forbidden.test(line))
          .map((line) => `${path}: ${line.trim()}`),
      );
    expect(found).toEqual([]);
  });

  it('the core imports neither errors nor the text protocol', () => {
    const found = sources
      .filter(({ area }) => area === 'wireguard')
      .filter((source) => ownImports(source).some((path) => /^(?:errors|uapi.*)\.ts$/.test(path)));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  it('only the face ends the process or writes to standard error, and the engine for itself', () => {
    const users = (pattern: RegExp): string[] =>
      sources.filter(({ text }) => pattern.test(withoutComments(text))).map(({ path }) => path);
    expect(users(/process\.exit\b/).sort()).toEqual(['cli/main.ts', 'engine/main.ts']);
    expect(users(/process\.stderr/)).toEqual(['cli/report.ts']);
    expect(users(/process\.env\b/)).toEqual(['cli/main.ts']);
  });

  it('nothing imports in a circle', () => {
    const graph = new Map(sources.map((source) => [source.path, ownImports(source)]));
    const finished = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      if (finished.has(path)) return;
      expect(trail, [...trail, path].join(' → ')).not.toContain(path);
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
      finished.add(path);
    };
    for (const path of graph.keys()) visit(path, []);
  });
});

function areaOf(path: string): string {
  if (path.includes('/')) return path.slice(0, path.indexOf('/'));
  return path === 'library.ts' ? 'library' : 'leaf';
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}
