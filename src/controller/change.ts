/**
 * A configuration that was touched while its tunnel lives: has anything in it changed, and if so, what?
 * With `--restart` it is applied: programs inside see a pause.
 *
 * What the mount namespace holds is beyond reach: other name servers take a fresh tunnel. That is the
 * front's to make, for it knows whether anybody uses this one.
 *
 * From the first thing that is changed to the last one `about` says that nobody knows what the tunnel
 * runs with. If this process or the launcher fails in between, whoever comes next is told that the
 * configuration has changed, whatever the file says then, and `--restart` applies all of it again.
 */
import { realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Config } from '../config/config.ts';
import { WgWrapError } from '../errors.ts';
import { formatAddress } from '../ip.ts';
import { readConfigFile, type ConfigFile } from '../linux/config-file.ts';
import { askEngine, ControlSocketError } from '../linux/control-client.ts';
import type { HostSockets } from '../linux/host-sockets.ts';
import { applyToPin } from '../linux/launcher.ts';
import { hostNameservers } from '../linux/resolve.ts';
import { readStateFile } from '../linux/state-directory.ts';
import { parseGet } from '../uapi-status.ts';
import {
  aboutDuringChange,
  fingerprintsOf,
  knownFingerprints,
  parseAbout,
  publicKeyOf,
  type About,
  type FingerprintKey,
  type Fingerprints,
} from './about.ts';
import { decideDns, type DnsDecision } from './dns.ts';
import { resolveEndpoints } from './endpoints.ts';
import { FRONT_FD, tellFrontChanged } from './front.ts';
import { openListenPort } from './host-port.ts';
import { MessageKeeper, type Reporter, type RunOptions } from './options.ts';
import {
  CONTROL_SOCKET,
  decide,
  STATE_DIRECTORY,
  understand,
  writeAbout,
  type Decided,
  type Installation,
} from './start.ts';
import { refuseTwin, type KeyOwner } from './twin.ts';

/** How long an engine may take to tell its port. */
const PATIENCE_MS = 3000;
/** A run that joins repeats no warning of the start. */
const SILENT: Reporter = { warning: () => undefined, note: () => undefined };

/** The tunnel's sockets, which it keeps or gets. */
interface Sockets {
  readonly port: number;
  readonly fresh: HostSockets | undefined;
}

/**
 * Compares the file with what the tunnel runs with, and applies what is new if that is asked for.
 * `options` are the tunnel's, with those of the session.
 * @throws {WgWrapError} `setup`, naming the keys that changed; or for what a start is refused for.
 */
export async function reviewTunnel(
  options: RunOptions,
  given: ReadonlyMap<string, string>,
  installation: Installation,
  reporter: Reporter,
): Promise<void> {
  const file = readConfigFile(options.config, installation.environment);
  const messages = new MessageKeeper(options.restart ? reporter : SILENT);
  const config = understand(file, options, messages);
  const about = parseAbout(readStateFile(STATE_DIRECTORY, 'about') ?? '');
  const known = about && knownFingerprints(about);
  const changed = known && changedKeys(known, fingerprintsOf(config));
  if (changed?.length === 0) return;
  if (!options.restart) throw refusal(file, about, changed ?? []);
  const owner = { config: file.realPath, publicKey: publicKeyOf(config) };
  // A fresh tunnel would be refused too, but the one that runs would be gone by then.
  refuseTwin(owner, STATE_DIRECTORY, installation.environment);
  const dns = decideDns(file.shown, config, options.dns, hostNameservers());
  if (!about || !isSameDns(about, dns)) {
    tellFrontChanged(about ? 'DNS' : basename(file.realPath));
    return;
  }
  const endpoints = await resolveEndpoints(file.shown, config, {
    at: performance.now() + options.connectTimeoutMs,
    totalMs: options.connectTimeoutMs,
  });
  const sockets = await socketsFor(file, config, changed);
  const decided = decide(
    { file, config, dns, endpoints, sockets, options, given },
    installation,
    messages,
  );
  announce(about, decided.about, owner, installation);
  await apply(decided, sockets.fresh, installation);
  writeAbout({ ...decided.about, startedAtMs: about.startedAtMs });
}

/** Says in `about` what is about to happen, unless another tunnel has taken the key meanwhile. */
function announce(before: About, after: About, owner: KeyOwner, installation: Installation): void {
  writeAbout(aboutDuringChange(before, after));
  try {
    refuseTwin(owner, STATE_DIRECTORY, installation.environment);
  } catch (error) {
    writeAbout(before);
    throw error;
  }
}

async function apply(
  { plan }: Decided,
  fresh: HostSockets | undefined,
  installation: Installation,
): Promise<void> {
  await applyToPin(
    realpathSync(join(installation.libraryDirectory, '../../bin/wg-wrap')),
    plan.launcher,
    plan.engine,
    {
      lock: FRONT_FD.lock,
      stateDirectory: FRONT_FD.stateDirectory,
      udp4: fresh?.udp4 ?? 'ignore',
      udp6: fresh?.udp6 ?? 'ignore',
    },
  );
  fresh?.close();
}

/** The keys whose values differ, in the order of the file format. */
export function changedKeys(before: Fingerprints, after: Fingerprints): readonly FingerprintKey[] {
  return (Object.keys(after) as FingerprintKey[]).filter((key) => before[key] !== after[key]);
}

function refusal(
  file: ConfigFile,
  about: About | undefined,
  changed: readonly FingerprintKey[],
): WgWrapError {
  const keys = changed.length > 0 ? ` (${changed.join(', ')})` : '';
  return new WgWrapError(
    'setup',
    `${basename(file.realPath)} changed since the tunnel started${keys}; use --restart to apply it, or wg-wrap down ${about?.tunnel ?? file.name}`,
  );
}

function isSameDns({ dns: before }: About, after: DnsDecision): boolean {
  return (
    before.mode === after.mode &&
    before.servers.join() === after.servers.map(formatAddress).join() &&
    before.search.join() === after.searchDomains.join()
  );
}

/** The port stays unless the file says another one: peers and firewalls may know it. */
async function socketsFor(
  file: ConfigFile,
  config: Config,
  changed: readonly FingerprintKey[] | undefined,
): Promise<Sockets> {
  const kept = await portToKeep(config.interface.listenPort, changed);
  if (kept !== undefined) return { port: kept, fresh: undefined };
  const fresh = await openListenPort(file.shown, config.interface);
  return { port: fresh.port, fresh };
}

/** The tunnel's port, if it is to stay; undefined if there are to be new sockets. */
async function portToKeep(
  wanted: number,
  changed: readonly FingerprintKey[] | undefined,
): Promise<number | undefined> {
  if (wanted === 0) return changed?.includes('ListenPort') ? undefined : await currentPort();
  if (changed && !changed.includes('ListenPort')) return wanted;
  // Its own sockets hold that port, so others could not be opened. Where no engine tells, after a
  // change that came to nothing, they do as well: the pin has those that the change was to have.
  const current = await currentPort();
  return current === wanted || (current === undefined && !changed) ? wanted : undefined;
}

/** Undefined if that can't be told: no engine lives just now. */
async function currentPort(): Promise<number | undefined> {
  try {
    const answer = parseGet(await askEngine(CONTROL_SOCKET, () => 'get=1\n\n', PATIENCE_MS));
    return answer.ok ? answer.status.listenPort : undefined;
  } catch (error) {
    if (error instanceof ControlSocketError) return undefined;
    throw error;
  }
}
