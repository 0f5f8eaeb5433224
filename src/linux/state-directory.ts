/**
 * The state directories of tunnels, which the launcher keeps (docs/architecture.md): finds those that
 * run, and writes the one file there that is the controller's.
 */
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { tryToShareLock } from './ffi.ts';

/** What tells where the state directories are. */
export interface RuntimeEnvironment {
  readonly XDG_RUNTIME_DIR?: string | undefined;
  readonly TMPDIR?: string | undefined;
}

/** One tunnel, as its record tells; its pin may be gone nevertheless. */
export interface TunnelRecord {
  readonly name: string;
  /** Real path of its configuration. */
  readonly config: string;
  readonly directory: string;
  /** As the pin has written it, without the underscores. */
  readonly state: string;
  readonly pinPid: number;
  /** Undefined if there is none at the moment. */
  readonly enginePid: number | undefined;
  /** How often an engine was started again because its predecessor had died. */
  readonly restarts: number;
  /** Inode of the tunnel's network namespace. */
  readonly netns: number;
  /** Inode of the network namespace in which the tunnel was started. */
  readonly hostNetns: number;
}

/** A file of `sessions/`; whether somebody holds it is another question. */
export interface SessionFile {
  readonly path: string;
  /** Of the front, and so of the command; others may have inherited the session meanwhile. */
  readonly pid: number;
}

/** Where the system keeps a runtime directory for each user that is logged in. */
const SYSTEM_PLACE = '/run/user';

/** All recorded tunnels of this user, by name. `systemPlace` is `/run/user` but in a test. */
export function recordedTunnels(
  environment: RuntimeEnvironment,
  systemPlace: string = SYSTEM_PLACE,
): readonly TunnelRecord[] {
  const runtime = runtimeDirectory(environment, systemPlace);
  if (runtime === undefined) return [];
  const root = join(runtime, 'wg-wrap');
  return namesIn(root)
    .map((name) => readRecord(join(root, name)))
    .filter((record) => record !== undefined)
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** All state directories of this user, of tunnels that live and of others. */
export function stateDirectories(environment: RuntimeEnvironment): readonly string[] {
  const runtime = runtimeDirectory(environment, SYSTEM_PLACE);
  if (runtime === undefined) return [];
  const root = join(runtime, 'wg-wrap');
  return namesIn(root).map((name) => join(root, name));
}

/**
 * Whether a tunnel lives in a state directory, or somebody is just starting or ending one there. The
 * record's lock is looked at only while nobody else can be: to a start that found it taken for that
 * moment a dead tunnel would seem alive.
 */
export function isInUse(directory: string): boolean {
  const lock = openIfThere(join(directory, 'lock'));
  if (lock === undefined) return false;
  try {
    if (!tryToShareLock(lock)) return true;
    const record = openIfThere(join(directory, 'pin'));
    if (record === undefined) return false;
    try {
      return !tryToShareLock(record);
    } finally {
      closeSync(record);
    }
  } finally {
    closeSync(lock);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // Nobody has ever used the directory, or its tunnel has ended.
    return undefined;
  }
}

/** Reads a file of a state directory; undefined if it can't be read. */
export function readStateFile(directory: string, name: string): string | undefined {
  try {
    return readFileSync(join(directory, name), 'utf8');
  } catch {
    // The tunnel has ended, or has no such file.
    return undefined;
  }
}

/**
 * Writes a file of a state directory, whole: whoever finds it finds all of it.
 * @throws {Error} of node:fs.
 */
export function writeStateFile(directory: string, name: string, text: string): void {
  const path = join(directory, name);
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, text, { mode: 0o600, flag: 'wx' });
  renameSync(`${path}.new`, path);
}

/** Removes a file of a state directory, if it is there. */
export function removeStateFile(directory: string, name: string): void {
  rmSync(join(directory, name), { force: true });
}

/** The files of the sessions that have entered a tunnel. */
export function sessionFiles(record: TunnelRecord): readonly SessionFile[] {
  const directory = join(record.directory, 'sessions');
  return namesIn(directory)
    .filter((name) => Number(readStateFile(directory, name)) === record.netns)
    .map((name) => ({ path: join(directory, name), pid: Number.parseInt(name, 10) }));
}

/** Path of the engine's log. */
export function logOf(record: TunnelRecord): string {
  return join(record.directory, 'log');
}

/** Path of a tunnel's control socket. */
export function controlSocketOf(record: TunnelRecord): string {
  return join(record.directory, 'control.sock');
}

/**
 * The launcher's order: see launcher/runtime.c. Undefined where the launcher would keep nothing: what
 * others could write to may hold records and sockets of theirs.
 */
function runtimeDirectory(
  environment: RuntimeEnvironment,
  systemPlace: string,
): string | undefined {
  const uid = process.geteuid?.() ?? 0;
  const candidates = [environment.XDG_RUNTIME_DIR ?? '', join(systemPlace, String(uid))];
  const found = candidates.find((path) => path.startsWith('/') && isOurs(path, uid, 0o022));
  if (found !== undefined) return found;
  const base = environment.TMPDIR?.startsWith('/') === true ? environment.TMPDIR : '/tmp';
  const temporary = join(base, `wg-wrap-${uid}`);
  return isOurs(temporary, uid, 0o077) ? temporary : undefined;
}

/** Is this a directory of the user's, without these permissions? */
function isOurs(path: string, uid: number, forbidden: number): boolean {
  try {
    const stat = statSync(path);
    return stat.isDirectory() && stat.uid === uid && (stat.mode & forbidden) === 0;
  } catch {
    // Absent, or behind a directory that is not open to us.
    return false;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // No tunnel has ever run here, or none could.
    return [];
  }
}

function readRecord(directory: string): TunnelRecord | undefined {
  // A tunnel that has ended leaves its directory and its lock, but no record.
  const text = readStateFile(directory, 'pin');
  if (text === undefined) return undefined;
  const value = (key: string): string | undefined =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${key} `))
      ?.slice(key.length + 1);
  const [name, config] = [value('tunnel'), value('config')];
  if (name === undefined || config === undefined) return undefined;
  const number = (key: string): number => Number(value(key) ?? 0);
  return {
    name,
    config,
    directory,
    state: (value('state') ?? '').replaceAll('_', ''),
    pinPid: number('pid'),
    enginePid: number('engine') || undefined,
    restarts: number('restarts'),
    netns: number('netns'),
    hostNetns: Number(basename(directory).split('@')[1]),
  };
}
