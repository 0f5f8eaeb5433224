/**
 * The whole system of the virtual machine: programs of this machine with their libraries, the
 * modules of its kernel, and `guest/init.sh`.
 *
 * It holds no key and no address: what a test needs it says to the running machine, so that one
 * archive serves the whole run.
 */
import { copyFileSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { execaSync } from 'execa';
import type { Kernel } from './kernel.ts';

/** Copied with their libraries; dash, since busybox's shell prefers its own `ip` to the real one. */
const PROGRAMS = ['dash', 'ip', 'wg', 'ping', 'socat', 'stty', 'busybox'] as const;
/** What of busybox is used. */
const APPLETS = [
  'base64',
  'cat',
  'dmesg',
  'head',
  'insmod',
  'mount',
  'rm',
  'sha256sum',
  'sysctl',
] as const;
const MODULES = ['virtio_pci', 'virtio_net', 'wireguard'] as const;
const INIT = resolve(import.meta.dirname, '../guest/init.sh');
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

/** Builds the archive in `directory` and returns its path. */
export function buildInitramfs(kernel: Kernel, directory: string): string {
  const root = join(directory, 'initramfs');
  for (const name of ['bin', 'dev', 'etc', 'lib/modules', 'proc', 'sys', 'tmp']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  for (const name of PROGRAMS) copyProgram(name, root);
  for (const name of APPLETS) symlinkSync('busybox', join(root, 'bin', name));
  const modules = copyModules(kernel, root);
  writeFileSync(join(root, 'etc/modules'), `${modules.join('\n')}\n`);
  copyFileSync(INIT, join(root, 'init'));
  const archive = join(directory, 'initramfs.cpio');
  run('sh', ['-euc', 'find . | cpio --quiet -o -H newc >"$0"', archive], root);
  return archive;
}

function copyProgram(name: string, root: string): void {
  const path = run('sh', ['-euc', 'command -v "$0"', name]).trim();
  copyFileSync(path, join(root, 'bin', name));
  for (const library of librariesOf(path)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

/** Absolute paths as the loader will look for them; none for a static program. */
function librariesOf(path: string): readonly string[] {
  const list = run('sh', ['-uc', 'ldd "$0" 2>&1 || true', path]);
  return [...list.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map((match) => match[1]);
}

/** Copies the modules and all that they need; returns their names in the order of loading. */
function copyModules(kernel: Kernel, root: string): readonly string[] {
  const names = new Set<string>();
  for (const module of MODULES) {
    const options = ['-d', realpathSync(kernel.root), '-S', kernel.release, '--show-depends'];
    // A module that this kernel has built in is a line of another kind.
    for (const match of run('modprobe', [...options, module]).matchAll(/^insmod (\S+)/gm)) {
      names.add(copyModule(match[1], root));
    }
  }
  return [...names];
}

function copyModule(path: string, root: string): string {
  const name = basename(path).replace(/\.xz$/, '');
  const target = join(root, 'lib/modules', name);
  if (path.endsWith('.xz')) run('sh', ['-euc', 'xz -dc "$0" >"$1"', path, target]);
  else copyFileSync(path, target);
  return name;
}

function run(program: string, args: readonly string[], cwd?: string): string {
  const environment = { env: { PATH }, extendEnv: false };
  return execaSync(program, args, { ...environment, ...(cwd !== undefined && { cwd }) }).stdout;
}
