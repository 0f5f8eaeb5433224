/**
 * Processes as /proc shows them (proc(5)). A process may end at any moment, and some tell nothing to
 * us: whatever can't be read is absent.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { uptime } from 'node:os';

/** The kernel's clock ticks in a second, as it shows them to everybody (sysconf(3)). */
const TICKS_PER_SECOND = 100;
/** Position of the starting time in /proc/PID/stat, counted after the program's name. */
const START_FIELD = 19;

/** Identifies a file on this host: device and inode. */
export type FileId = `${number}:${number}`;

/** The pids of all processes whose network namespace has this inode. */
export function processesInside(netns: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => networkNamespace(pid) === netns);
}

/** The inode of a process's network namespace. */
export function networkNamespace(pid: number | 'self'): number | undefined {
  return attempt(() => statSync(`/proc/${pid}/ns/net`).ino);
}

/** The program's name, without its arguments, which may be secrets. At most 15 bytes. */
export function programName(pid: number): string | undefined {
  return attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').replace(/\n$/, ''));
}

/** The files that a process has open. */
export function openFiles(pid: number): ReadonlySet<FileId> {
  const directory = `/proc/${pid}/fd`;
  const names = attempt(() => readdirSync(directory)) ?? [];
  const ids = names.map((name) => fileId(`${directory}/${name}`));
  return new Set(ids.filter((id) => id !== undefined));
}

/** What identifies the file at `path`. */
export function fileId(path: string): FileId | undefined {
  return attempt((): FileId => {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  });
}

/** Seconds since a process was started, suspend included. */
export function processAge(pid: number): number | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name is in parentheses and may hold any of them.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const ticks = Number(fields[START_FIELD]);
  return Number.isFinite(ticks) ? Math.max(0, uptime() - ticks / TICKS_PER_SECOND) : undefined;
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    // ENOENT and ESRCH: it has ended. EACCES: it is not ours, or hides itself.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
