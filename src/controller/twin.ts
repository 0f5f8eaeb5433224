/**
 * Two tunnels with one private key: the peer answers the one that spoke last, so each cuts the other
 * off. WireGuard can't tell, and neither could the user; so the second one is refused.
 *
 * `about` is written before the others are looked at, so of two that start at the same time at least
 * one sees the other. Both may be refused then, but never do both start.
 */
import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { WgWrapError } from '../errors.ts';
import {
  isInUse,
  readStateFile,
  stateDirectories,
  type RuntimeEnvironment,
} from '../linux/state-directory.ts';
import { parseAbout, type About } from './about.ts';

/**
 * Refuses a tunnel if another one of this user has its key.
 * @throws {WgWrapError} `setup`
 */
export function refuseTwin(
  about: About,
  ownDirectory: string,
  environment: RuntimeEnvironment,
): void {
  const own = statSync(ownDirectory).ino;
  for (const directory of stateDirectories(environment)) {
    const other = parseAbout(readStateFile(directory, 'about') ?? '');
    if (other?.interface.publicKey !== about.interface.publicKey) continue;
    if (inodeOf(directory) === own || !isInUse(directory)) continue;
    throw new WgWrapError(
      'setup',
      `${basename(about.config)} uses the same key as the running tunnel "${other.tunnel}"; two tunnels with one key cut each other off. Use -c ${choiceFor(other)}, or end it: wg-wrap down ${other.tunnel}`,
    );
  }
}

function inodeOf(directory: string): number | undefined {
  return statSync(directory, { throwIfNoEntry: false })?.ino;
}

/** What to give to `-c` for the same configuration: a profile's name, or the path. */
function choiceFor({ config, tunnel }: About): string {
  const directory = dirname(config);
  const isProfile = directory === '/etc/wireguard' || directory.endsWith('/wg-wrap/profiles');
  return isProfile ? tunnel : config;
}
