/**
 * A cold start, stopped where a test wants it.
 *
 *     front ── controller ── starter ── pin ── builder, later the engine
 *
 * Some stages last a few milliseconds. They are caught by looking at /proc without a pause, and the
 * process that is at work is stopped. Where the look comes too late, because the machine is busy, the
 * start is thrown away and another one is made.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { setImmediate as yieldOnce } from 'node:timers/promises';
import { describe, type Command } from './command.ts';

/** Who takes part in a cold start. */
export type Role = 'front' | 'controller' | 'starter' | 'pin' | 'builder' | 'engine';

/** The processes of a start by what they are; those that aren't there yet, or no more, are absent. */
export type Cast = ReadonlyMap<Role, number>;

/** A stage of a start: how to know it, and whom to stop so that it lasts. */
export interface Stage {
  readonly isReached: (cast: Cast) => boolean;
  /** Absent where the stage lasts by itself. */
  readonly stopped?: Role;
}

const STAGE_LIMIT_MS = 10_000;
const ATTEMPTS = 20;

/**
 * Makes starts until one is in the stage. `start` begins one, `discard` ends one that was too fast.
 */
export async function reachStage(
  stage: Stage,
  start: () => Command,
  discard: (command: Command) => Promise<void>,
): Promise<{ readonly command: Command; readonly cast: Cast }> {
  const discarded: string[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const command = start();
    const cast = await stop(stage, command);
    if (cast) return { command, cast };
    await discard(command);
    discarded.push(describe(await command.wait()));
  }
  throw new Error(`no start was in the stage when it was looked at:\n${discarded.join('\n')}`);
}

/** Stops a start in the stage; gives nothing if that came too late. */
async function stop({ isReached, stopped }: Stage, command: Command): Promise<Cast | undefined> {
  const front = command.pid;
  const deadline = performance.now() + STAGE_LIMIT_MS;
  while (command.isRunning && performance.now() < deadline) {
    const cast = castOf(front);
    const pid = stopped === undefined ? front : cast.get(stopped);
    if (pid !== undefined && isReached(cast)) {
      if (stopped === undefined) return cast;
      sendSignal(pid, 'SIGSTOP');
      const after = castOf(front);
      if (after.get(stopped) === pid && isReached(after)) return after;
      sendSignal(pid, 'SIGCONT');
      return undefined;
    }
    await yieldOnce();
  }
  return undefined;
}

/** Sends a signal to a process that may have ended a moment ago. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: it ended by itself.
  }
}

/** The cast of the start that process `front` makes. */
function castOf(front: number): Cast {
  const cast = new Map<Role, number>([['front', front]]);
  const visit = (parent: number): void => {
    for (const pid of childrenOf(parent)) {
      const role = roleOf(pid, parent === cast.get('controller'));
      // A child that has not yet executed its program looks like its parent.
      if (role && !cast.has(role)) cast.set(role, pid);
      visit(pid);
    }
  };
  visit(front);
  return cast;
}

function roleOf(pid: number, isControllersChild: boolean): Role | undefined {
  const command = commandLine(pid);
  if (command.includes('/controller.js ')) return 'controller';
  if (command.includes('/engine.js ')) return 'engine';
  if (command !== 'wg-wrap-pin ') return undefined;
  if (isControllersChild) return 'starter';
  return userNamespaceOf(pid) === userNamespaceOf(process.pid) ? 'pin' : 'builder';
}

function childrenOf(pid: number): readonly number[] {
  return readProc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** The arguments, each with a space after it; empty for a process that is over. */
function commandLine(pid: number): string {
  return readProc(`${pid}/cmdline`).replaceAll('\0', ' ');
}

function userNamespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/user`);
  } catch {
    return '';
  }
}

function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    // The process is over.
    return '';
  }
}
