/**
 * How much of the machine this process may use at once: the processors that it may run on
 * (sched_getaffinity(2)), or less where a group that it is in has a quota of their time (cgroups(7),
 * `cpu.max` of version 2), as in a container on a large machine.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** Processors, at least 1. `root` is where the machine's `/proc` and `/sys` are. */
export function processors(root = '/', allowed: number = availableParallelism()): number {
  const quotas = groupsOf(root).map((group) => quotaOf(join(root, 'sys/fs/cgroup', group)));
  return Math.max(1, Math.min(allowed, ...quotas.map(Math.ceil)));
}

/** The group of this process and those around it, as paths below the hierarchy's mount. */
function groupsOf(root: string): readonly string[] {
  const own = /^0::(\/.*)$/m.exec(read(join(root, 'proc/self/cgroup')) ?? '')?.[1];
  // A group outside of this cgroup namespace is not mounted here.
  if (own === undefined || own.startsWith('/..')) return ['/'];
  const groups = [own];
  for (let group = own; group !== '/'; groups.push(group)) group = dirname(group);
  return groups;
}

/** Processors; infinite without a quota. */
function quotaOf(directory: string): number {
  const [quota, period] = (read(join(directory, 'cpu.max')) ?? 'max').trim().split(' ').map(Number);
  return Number.isFinite(quota) && period > 0 ? quota / period : Infinity;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
