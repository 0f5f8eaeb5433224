/**
 * Finds and reads a configuration file: `-c` with a slash or ending in `.conf` is a path, anything
 * else the name of a profile. A name never means a file in the current directory.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { WgWrapError } from '../errors.ts';

const MAX_BYTES = 1 << 20;
const DEFAULT_PROFILE = 'default';
const PROFILES = 'wg-wrap/profiles';
const SYSTEM_PROFILES = '/etc/wireguard';
const DESCRIPTOR = /^\/(?:dev\/(?:stdin$|fd\/)|proc\/(?:self|thread-self)\/fd\/)/;
/** A pipe without a writer must not hold us up, and a terminal must not become ours. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** A configuration file as it was read. */
export interface ConfigFile {
  /** As the user named it, for messages. */
  readonly shown: string;
  readonly realPath: string;
  /** The file's name without `.conf`: what the tunnel is called. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** `DEV INODE SIZE MTIME_NS`: equal stamps mean an unchanged file. */
  readonly stamp: string;
  /** Milliseconds since the Unix epoch. */
  readonly modifiedMs: number;
  /** Permission bits that others than the owner have. */
  readonly mode: number;
}

/** What tells where profiles are. Of both, only an absolute path counts, as for the launcher. */
export interface ProfileEnvironment {
  readonly XDG_CONFIG_HOME?: string | undefined;
  readonly HOME?: string | undefined;
}

/**
 * Reads the configuration that `source` names; no source is the profile `default`.
 * @throws {WgWrapError} `config`, if there is none or it can't be read.
 */
export function readConfigFile(
  source: string | undefined,
  environment: ProfileEnvironment,
): ConfigFile {
  const name = source ?? DEFAULT_PROFILE;
  // The descriptors here are not those that the user had in mind.
  if (name === '-' || DESCRIPTOR.test(name)) {
    throw new WgWrapError('config', `${name} is not a file of its own; give the path of a config`);
  }
  if (name.includes('/') || name.endsWith('.conf')) {
    const file = tryRead(name, name);
    if ('code' in file) throw cannotRead(name, file.code);
    return file;
  }
  return readProfile(name, environment);
}

function readProfile(name: string, environment: ProfileEnvironment): ConfigFile {
  const looked: string[] = [];
  for (const directory of profileDirectories(environment)) {
    const path = join(directory, `${name}.conf`);
    const shown = abbreviateHome(path, environment);
    const file = tryRead(path, `${name}.conf`);
    if (!('code' in file)) return file;
    if (file.code === 'EACCES' && directory === SYSTEM_PROFILES) {
      looked.push(`${shown} (permission denied)`);
    } else if (file.code === 'ENOENT' || file.code === 'ENOTDIR') {
      looked.push(shown);
    } else {
      // A profile of the user's own that can't be read is not replaced by the system's.
      throw cannotRead(shown, file.code);
    }
  }
  throw new WgWrapError('config', `no profile "${name}": looked for ${looked.join(' and ')}`);
}

/** The launcher's order: see launcher/profile.c. */
function profileDirectories({ XDG_CONFIG_HOME, HOME }: ProfileEnvironment): readonly string[] {
  if (isAbsolute(XDG_CONFIG_HOME)) return [join(XDG_CONFIG_HOME, PROFILES), SYSTEM_PROFILES];
  if (isAbsolute(HOME)) return [join(HOME, '.config', PROFILES), SYSTEM_PROFILES];
  return [SYSTEM_PROFILES];
}

function isAbsolute(path: string | undefined): path is string {
  return path?.startsWith('/') === true;
}

/** Reads a file, or tells the code of the error that says why not. */
function tryRead(path: string, shown: string): ConfigFile | { readonly code: string } {
  try {
    return read(path, shown);
  } catch (error) {
    if (error instanceof WgWrapError) throw error;
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
      return { code: error.code };
    }
    throw error;
  }
}

function read(path: string, shown: string): ConfigFile {
  const fd = openSync(path, OPEN_FLAGS);
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) {
      const kind = stat.isDirectory() ? 'directory' : 'pipe or device';
      throw new WgWrapError('config', `${shown} is a ${kind}, not a config`);
    }
    if (stat.size > MAX_BYTES) {
      throw new WgWrapError('config', `${shown} is not a config (larger than 1 MiB)`);
    }
    const realPath = realpathSync(path);
    const name = basename(realPath);
    return {
      shown,
      realPath,
      name: name.replace(/(?<=.)\.conf$/, ''),
      bytes: readFileSync(fd),
      stamp: `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs}`,
      modifiedMs: Number(stat.mtimeMs),
      mode: Number(stat.mode) & 0o777,
    };
  } finally {
    closeSync(fd);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  ELOOP: 'too many symbolic links',
  ENOTDIR: 'a part of the path is not a directory',
};

function cannotRead(path: string, code: string): WgWrapError {
  return new WgWrapError('config', `cannot read ${path} (${REASONS[code] ?? code})`);
}

function abbreviateHome(path: string, { HOME }: ProfileEnvironment): string {
  const isBelow = isAbsolute(HOME) && HOME !== '/' && path.startsWith(join(HOME, '/'));
  return isBelow ? join('~', path.slice(HOME.length)) : path;
}
