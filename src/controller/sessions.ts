/**
 * Who uses a tunnel: sessions by their programs, and processes that have left theirs.
 *
 * A session is a file that its command and all who descend from it hold open. Whether somebody does is
 * read off the processes inside; locking the file, as the pin does, would make the pin count wrong.
 */
import { printable } from '../printable.ts';
import {
  fileId,
  openFiles,
  processesInside,
  programName,
  type FileId,
} from '../linux/processes.ts';
import { sessionFiles, type TunnelRecord } from '../linux/state-directory.ts';

/** A session as its program's name: arguments may be secrets. */
export interface Session {
  /** Of the command, or of one of its children if it has ended before them. */
  readonly pid: number;
  readonly command: string;
}

/** Everybody inside but the engine. */
export interface Inhabitants {
  readonly sessions: readonly Session[];
  /** Processes inside that hold no session. */
  readonly others: readonly number[];
}

/** A process inside, and what it has open. */
export interface Inhabitant {
  readonly pid: number;
  readonly files: ReadonlySet<FileId>;
}

/** A session's file, as far as it is known. */
export interface SessionMark {
  readonly pid: number;
  readonly id: FileId | undefined;
}

/** Finds out who is inside a tunnel; `enginePid` doesn't count. */
export function inhabitantsOf(record: TunnelRecord, enginePid: number | undefined): Inhabitants {
  const marks = sessionFiles(record).map(({ path, pid }) => ({ pid, id: fileId(path) }));
  const inside = processesInside(record.netns)
    .filter((pid) => pid !== enginePid)
    .map((pid) => ({ pid, files: openFiles(pid) }));
  return assign(marks, inside, (pid) => programName(pid));
}

/** Tells sessions from other processes. */
export function assign(
  marks: readonly SessionMark[],
  inside: readonly Inhabitant[],
  nameOf: (pid: number) => string | undefined,
): Inhabitants {
  const sessions: Session[] = [];
  const owned = new Set<number>();
  for (const mark of marks) {
    // A program that hides its descriptors from its own user is still known by its pid.
    const holders = inside.filter(
      ({ pid, files }) => pid === mark.pid || (mark.id !== undefined && files.has(mark.id)),
    );
    for (const { pid } of holders) owned.add(pid);
    const pid = holders.find((holder) => holder.pid === mark.pid)?.pid ?? holders.at(0)?.pid;
    if (pid !== undefined) sessions.push({ pid, command: printable(nameOf(pid) ?? '?') });
  }
  return {
    sessions: sessions.sort((a, b) => a.pid - b.pid),
    others: inside.map(({ pid }) => pid).filter((pid) => !owned.has(pid)),
  };
}
