/**
 * What a run could leave behind, before and after: processes, mounts, links, files of the host, and
 * the state directory.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A process as the tests need it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The arguments joined by spaces. */
  readonly command: string;
}

/** Everything that must be the same after the last session. */
export interface Snapshot {
  readonly mounts: string;
  readonly links: string;
  /** /etc files of the host by name, with their content. */
  readonly files: string;
}

const WATCHED_FILES = ['resolv.conf', 'nsswitch.conf', 'hosts', 'hostname'] as const;

/** Mounts, links and files as process `pid`, which holds the host's namespaces, sees them. */
export function takeSnapshot(pid: number): Snapshot {
  const files = WATCHED_FILES.map((name) => {
    const path = `/proc/${pid}/root/etc/${name}`;
    return `${name}:\n${exists(path) ? readFileSync(path, 'utf8') : '(absent)'}`;
  });
  const links = readFileSync(`/proc/${pid}/net/dev`, 'utf8').split('\n').slice(2);
  return {
    mounts: readFileSync(`/proc/${pid}/mountinfo`, 'utf8'),
    // Only the names: the counters change with every packet.
    links: links.map((line) => line.split(':')[0].trim()).join(' '),
    files: files.join('\n'),
  };
}

/**
 * All processes of a uid, whatever namespaces they are in. One that has ended and only waits to be
 * reaped holds nothing any more; some inits reap once a second, and some never.
 */
export function processesOf(uid: number): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return readProcess(Number(name), uid);
      } catch {
        // It ended between the listing and the reading.
        return [];
      }
    });
}

/** What is mounted at a path, as a process sees it: the type of the last one, if any. */
export function mountedAt(pid: number, path: string): string | undefined {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n');
  const last = lines.filter((line) => line.split(' ')[4] === path).at(-1);
  return last === undefined ? undefined : / - (\S+) /.exec(last)?.[1];
}

/** Every file below `directory`, relative; empty when it is absent. */
export function filesBelow(directory: string): readonly string[] {
  while (exists(directory)) {
    try {
      return listBelow(directory);
    } catch (error) {
      // A tunnel that ended meanwhile took a directory away.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return [];
}

function listBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

function readProcess(pid: number, uid: number): readonly Process[] {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  if (Number(/^Uid:\t(\d+)/m.exec(status)?.[1]) !== uid) return [];
  if (/^State:\tZ/m.test(status)) return [];
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  return [{ pid, parent: Number(/^PPid:\t(\d+)/m.exec(status)?.[1]), command }];
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
