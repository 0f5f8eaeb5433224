/**
 * Which tunnel a subcommand is about.
 *
 * With a slash in it, or ending in `.conf`, its NAME is a configuration's path; else it is the name of
 * a running tunnel. Without a NAME it is the only tunnel that runs. That a tunnel runs is told by its
 * control socket, which the pin holds: nobody else could be asked without locking its record, and so
 * disturbing those whose business that is.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { WgWrapError } from '../errors.ts';
import { isListening } from '../linux/control-client.ts';
import { networkNamespace } from '../linux/processes.ts';
import {
  controlSocketOf,
  recordedTunnels,
  type RuntimeEnvironment,
  type TunnelRecord,
} from '../linux/state-directory.ts';

/** All running tunnels of this user, by name. */
export async function runningTunnels(
  environment: RuntimeEnvironment,
): Promise<readonly TunnelRecord[]> {
  const records = recordedTunnels(environment);
  const areRunning = await Promise.all(
    records.map((record) => isListening(controlSocketOf(record))),
  );
  return records.filter((_record, index) => areRunning[index]);
}

/**
 * The running tunnel that is meant; undefined if there is none.
 * @throws {WgWrapError} `setup`, if there are several.
 */
export async function findTunnel(
  name: string | undefined,
  environment: RuntimeEnvironment,
): Promise<TunnelRecord | undefined> {
  return chooseTunnel(name, await runningTunnels(environment), networkNamespace('self'));
}

/** The same choice among tunnels that are known to run. */
export function chooseTunnel(
  name: string | undefined,
  running: readonly TunnelRecord[],
  ourNetns: number | undefined,
): TunnelRecord | undefined {
  if (name === undefined) {
    if (running.length > 1) {
      const names = running.map((record) => record.name).join(', ');
      throw new WgWrapError('setup', `${running.length} tunnels are running (${names}); name one`);
    }
    return running.at(0);
  }
  if (isPath(name)) {
    const path = realPathOf(name);
    const found = running.filter((record) => record.config === path);
    // Of one configuration there is a tunnel for each network namespace that one was started in.
    return found.find((record) => record.hostNetns === ourNetns) ?? found.at(0);
  }
  const found = running.filter((record) => record.name === name);
  if (found.length > 1) {
    const number = found.length === 2 ? 'two' : found.length;
    const paths = found.map((record) => record.config).join(' and ');
    throw new WgWrapError(
      'setup',
      `${number} tunnels are called "${name}": ${paths}; give the path`,
    );
  }
  return found.at(0);
}

/** What to say if there is none. */
export function notRunning(name: string | undefined): string {
  return name === undefined ? 'no tunnel is running' : `no tunnel "${name}" is running`;
}

function isPath(name: string): boolean {
  return name.includes('/') || name.endsWith('.conf');
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // The file may be gone while its tunnel runs.
    return resolve(path);
  }
}
