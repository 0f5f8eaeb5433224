/** What processes have used, from /proc. */
import { readFileSync } from 'node:fs';

/** Of all processes together. */
export interface Usage {
  /** User and system time of all their threads. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** The kernel's USER_HZ, which is part of its interface and the same everywhere. */
const TICKS_PER_SECOND = 100;
/** Places in /proc/PID/stat behind the name, which may hold anything: see proc(5). */
const UTIME = 11;
const STIME = 12;

/** Adds up what the processes, which have to be there, have used so far. */
export function usageOf(pids: readonly number[]): Usage {
  let [ticks, rssBytes] = [0, 0];
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[UTIME]) + Number(fields[STIME]);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    rssBytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, rssBytes };
}
