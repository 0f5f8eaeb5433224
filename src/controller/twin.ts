/**
 * Two tunnels with one private key: the peer answers the one that spoke last, so each cuts the other
 * off. WireGuard can't tell, and neither could the user; so the second one is refused.
 *
 * A key is written to `about` before the others are looked at, be it that of a start or that of another
 * configuration for a tunnel that lives. So of two that want it at the same time at least one sees the
 * other. Both may be refused then, but never do both get it.
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
import { parseAbout, publicKeysOf, type About } from './about.ts';

/** A configuration that wants to be run. */
export interface KeyOwner {
  /** Real path of the configuration. */
  readonly config: string;
  /** In base64. */
  readonly publicKey: string;
}

/**
 * Refuses a configuration if another tunnel of this user has its key.
 * @throws {WgWrapError} `setup`
 */
export function refuseTwin(
  { config, publicKey }: KeyOwner,
  ownDirectory: string,
  environment: RuntimeEnvironment,
): void {
  const own = statSync(ownDirectory).ino;
  for (const directory of stateDirectories(environment)) {
    const other = parseAbout(readStateFile(directory, 'about') ?? '');
    if (!other || !publicKeysOf(other).includes(publicKey)) continue;
    if (inodeOf(directory) === own || !isInUse(directory)) continue;
    throw new WgWrapError(
      'setup',
      `${basename(config)} uses the same key as the running tunnel "${other.tunnel}"; two tunnels with one key cut each other off. Use -c ${choiceFor(other)}, or end it: wg-wrap down ${other.tunnel}`,
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
