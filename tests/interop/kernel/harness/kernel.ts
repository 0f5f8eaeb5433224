/**
 * The kernel that the virtual machine boots: Debian's for clouds, which is small and has WireGuard
 * and virtio as modules.
 *
 * It comes from the package archive that apt already knows, so apt has checked its signature. It is
 * unpacked, not installed, below build/, and used again until the archive has another one. The
 * directory gets its final name only when it is complete: a run that was cut off leaves nothing
 * that the next could take for a kernel.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execaSync } from 'execa';

/** An unpacked kernel. */
export interface Kernel {
  /** The release, as `uname -r` prints it. */
  readonly release: string;
  /** The bootable file. */
  readonly image: string;
  /** What holds `lib/modules`. */
  readonly root: string;
}

const CACHE = resolve(import.meta.dirname, '../../../../build/kernel-lab');
/** Depends on the newest kernel of its kind. */
const META_PACKAGE = 'linux-image-cloud-amd64';
const PACKAGE_PREFIX = 'linux-image-';

/** The newest kernel that apt knows of, fetched unless it is there already. */
export function fetchKernel(): Kernel {
  if (process.arch !== 'x64') {
    throw new Error(
      `the kernel laboratory emulates a PC and runs on x86-64 only (${process.arch})`,
    );
  }
  const name = resolvePackage();
  const root = join(CACHE, name);
  if (!existsSync(root)) unpack(name, root);
  const release = name.slice(PACKAGE_PREFIX.length);
  return { release, root, image: join(root, 'boot', `vmlinuz-${release}`) };
}

/** The package that the meta-package names. */
function resolvePackage(): string {
  const depends = run(['apt-cache', 'depends', META_PACKAGE]);
  const name = /Depends: (linux-image-[0-9][^\s]*)/.exec(depends)?.[1];
  if (name === undefined) {
    throw new Error(`apt knows no ${META_PACKAGE}; run apt-get update first`);
  }
  return name;
}

function unpack(name: string, root: string): void {
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'unpacking-'));
  try {
    run(['apt-get', 'download', '-qq', name], work);
    const [archive] = readdirSync(work);
    const unpacked = join(work, 'root');
    run(['dpkg-deb', '--extract', join(work, archive), unpacked]);
    // The package leaves this to its installation.
    run(['depmod', '-b', unpacked, name.slice(PACKAGE_PREFIX.length)]);
    renameSync(unpacked, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Runs a program and returns its stdout; what it complains about goes into the error. */
function run(argv: readonly string[], cwd?: string): string {
  const [program = '', ...args] = argv;
  return execaSync(program, args, { ...(cwd !== undefined && { cwd }) }).stdout;
}
