/**
 * A cold start, phase by phase. Each takes what earlier ones gave; nothing is read twice.
 *
 *   read         the file                                     78
 *   understand   its text; which DNS servers                  78, with file:line
 *   resolve      names, through the host's resolver           124
 *   bind         the host's UDP sockets                       125
 *   plan         the MTU, the texts                           78
 *   build        the launcher makes the tunnel and its pin    125
 *   tell         the front, which registers and lets go of the lock
 *   connect      the first handshake                          124, and why
 *
 * Until `build` the only thing to undo is the sockets; the kernel closes them with the process. From
 * `build` on the tunnel is the pin's, which takes it down when no session is left.
 */
import { closeSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { formatDiagnostic, parseConfig, type Config } from '../config/config.ts';
import { PUMP_WORKERS_MAX } from '../engine-configuration.ts';
import { WgWrapError } from '../errors.ts';
import { formatAddress } from '../ip.ts';
import { endProcess } from '../linux/ffi.ts';
import { readConfigFile, type ConfigFile, type ProfileEnvironment } from '../linux/config-file.ts';
import { lookUpRoute, type HostSockets } from '../linux/host-sockets.ts';
import { startPin } from '../linux/launcher.ts';
import { hostNameservers } from '../linux/resolve.ts';
import {
  removeStateFile,
  writeStateFile,
  type RuntimeEnvironment,
} from '../linux/state-directory.ts';
import { formatAbout, makeAbout, type About } from './about.ts';
import { waitForHandshake } from './connect.ts';
import { decideDns, type DnsDecision } from './dns.ts';
import { resolveEndpoints, type PeerPlaces } from './endpoints.ts';
import { FRONT_FD, readTunnelOptions, tellFront } from './front.ts';
import { openListenPort } from './host-port.ts';
import { decideMtu } from './mtu.ts';
import { MessageKeeper, type Reporter, type RunOptions } from './options.ts';
import { makePlan, type Plan } from './plan.ts';
import { refuseTwin } from './twin.ts';

/** The tunnel's state directory, as a path. */
export const STATE_DIRECTORY: string = `/proc/self/fd/${FRONT_FD.stateDirectory}`;
/** The tunnel's control socket. */
export const CONTROL_SOCKET: string = `${STATE_DIRECTORY}/control.sock`;
/** As after a SIGTERM; nobody looks at it. */
const STATUS_ABANDONED = 143;

/** Where the program is installed, and the part of the environment that matters. */
export interface Installation {
  /** Directory of `controller.js` and `engine.js`; the launcher is in `../../bin`. */
  readonly libraryDirectory: string;
  readonly environment: ProfileEnvironment &
    RuntimeEnvironment & {
      readonly WG_WRAP_PUMP?: string | undefined;
      readonly WG_WRAP_PUMP_WORKERS?: string | undefined;
    };
}

/**
 * Makes the tunnel, and waits for its first handshake unless told not to.
 * @throws {WgWrapError}
 */
export async function startTunnel(
  options: RunOptions,
  installation: Installation,
  reporter: Reporter,
): Promise<void> {
  const deadline = {
    at: performance.now() + options.connectTimeoutMs,
    totalMs: options.connectTimeoutMs,
  };
  const given = readTunnelOptions();
  const file = readConfigFile(options.config, installation.environment);
  const messages = new MessageKeeper(reporter);
  const config = understand(file, options, messages);
  const dns = decideDns(file.shown, config, options.dns, hostNameservers());
  const endpoints = await resolveEndpoints(file.shown, config, deadline);
  const sockets = await openListenPort(file.shown, config.interface);
  const decided = decide(
    { file, config, dns, endpoints, sockets, options, given },
    installation,
    messages,
  );
  await build(decided, sockets, installation);
  tellFront();
  if (options.wait) await connect(file, options.connectTimeoutMs, deadline.at);
}

/**
 * Waits for the first handshake of a tunnel that somebody else is starting.
 * @throws {WgWrapError}
 */
export async function joinStartingTunnel(
  options: RunOptions,
  installation: Installation,
): Promise<void> {
  if (!options.wait) return;
  const file = readConfigFile(options.config, installation.environment);
  await connect(file, options.connectTimeoutMs, performance.now() + options.connectTimeoutMs);
}

/**
 * Checks the configuration as a run would, without starting anything.
 * @throws {WgWrapError} if a run would not get beyond that.
 */
export function checkConfiguration(
  options: RunOptions,
  installation: Installation,
  reporter: Reporter,
): void {
  understand(readConfigFile(options.config, installation.environment), options, reporter);
}

/**
 * Understands a configuration, and says what there is to say of it.
 * @throws {WgWrapError} `config`
 */
export function understand(file: ConfigFile, options: RunOptions, reporter: Reporter): Config {
  const result = parseConfig(file.bytes, { ignoreUnknown: options.ignoreUnknown });
  if (!result.ok) {
    throw new WgWrapError(
      'config',
      result.errors.map((error) => formatDiagnostic(file.shown, error)),
    );
  }
  if ((file.mode & 0o004) !== 0) {
    const mode = file.mode.toString(8).padStart(4, '0');
    reporter.warning(`${file.shown} can be read by others (mode ${mode}); chmod 600 ${file.shown}`);
  }
  for (const warning of result.warnings) reporter.warning(formatDiagnostic(file.shown, warning));
  for (const note of result.notes) reporter.note(formatDiagnostic(file.shown, note));
  return result.config;
}

/** All that a tunnel's plan is made of. */
export interface Gathered {
  readonly file: ConfigFile;
  readonly config: Config;
  readonly dns: DnsDecision;
  readonly endpoints: readonly (PeerPlaces | undefined)[];
  readonly sockets: Pick<HostSockets, 'port'>;
  readonly options: RunOptions;
  readonly given: ReadonlyMap<string, string>;
}

/** All that the tunnel is built from. */
export interface Decided {
  readonly plan: Plan;
  readonly about: About;
}

/** Decides what is left to decide, and writes it down. */
export function decide(
  gathered: Gathered,
  installation: Installation,
  messages: MessageKeeper,
): Decided {
  const { file, config, dns, endpoints, sockets, options } = gathered;
  const { mtu, warnings } = decideMtu(
    options.mtu ?? config.interface.mtu,
    endpoints.flatMap((places) => (places ? endpointRoutes(places) : [])),
  );
  for (const warning of [...dns.warnings, ...warnings]) messages.warning(warning);
  for (const note of dns.notes) messages.note(note);
  const common = { tunnel: file.name, mtu, dns, lingerMs: options.lingerMs };
  const plan = makePlan(config, {
    ...common,
    file,
    options: gathered.given,
    node: { path: realpathSync(process.execPath), options: nodeOptions() },
    engine: realpathSync(join(installation.libraryDirectory, 'engine.js')),
    controller: realpathSync(join(installation.libraryDirectory, 'controller.js')),
    listenPort: sockets.port,
    quiet: options.quiet,
    endpoints,
    pump: installation.environment.WG_WRAP_PUMP === 'off' ? 'off' : 'on',
    pumpWorkers: parseWorkers(installation.environment.WG_WRAP_PUMP_WORKERS),
  });
  const about = makeAbout(config, {
    ...common,
    config: file.realPath,
    startedAtMs: Date.now(),
    options: Object.fromEntries(gathered.given),
    warnings: messages.warnings,
    notes: messages.notes,
  });
  return { plan, about };
}

/** The routes' MTU; nothing where there is no route, which the handshake will tell. */
function endpointRoutes({
  addresses,
  port,
}: PeerPlaces): readonly { readonly address: string; readonly mtu: number }[] {
  return addresses.flatMap((address) => {
    const route = lookUpRoute({ address, port });
    return route.reachable ? [{ address: formatAddress(address), mtu: route.mtu }] : [];
  });
}

/**
 * A wrapped command may send signals to the engine, and Node opens its debugger on SIGUSR1. It must
 * not come up: not at an address that can't be bound, and not at all where Node has a switch for that.
 */
function nodeOptions(): readonly string[] {
  const options = ['--inspect-port=0.0.0.1:1024'];
  if (process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')) {
    options.push('--disable-sigusr1');
  }
  return options;
}

async function build(
  { plan, about }: Decided,
  sockets: HostSockets,
  installation: Installation,
): Promise<void> {
  const launcher = realpathSync(join(installation.libraryDirectory, '../../bin/wg-wrap'));
  const abandon = (): void => {
    removeStateFile(STATE_DIRECTORY, 'about');
    endProcess(STATUS_ABANDONED);
  };
  // The front is dead. A pin that starts nevertheless finds no session, and ends.
  process.once('SIGTERM', abandon);
  writeAbout(about);
  try {
    refuseTwin(
      { config: about.config, publicKey: about.interface.publicKey },
      STATE_DIRECTORY,
      installation.environment,
    );
    await startPin(launcher, plan.launcher, plan.engine, {
      lock: FRONT_FD.lock,
      stateDirectory: FRONT_FD.stateDirectory,
      udp4: sockets.udp4,
      udp6: sockets.udp6,
    });
  } catch (error) {
    removeStateFile(STATE_DIRECTORY, 'about');
    throw error;
  } finally {
    process.off('SIGTERM', abandon);
  }
  // The tunnel's datagrams are the engine's alone, and the lock is the front's to release.
  sockets.close();
  closeSync(FRONT_FD.lock);
}

/**
 * Writes `about`; before the pin starts, so that a record that is found has it beside it.
 * @throws {WgWrapError} `setup`
 */
export function writeAbout(about: About): void {
  try {
    writeStateFile(STATE_DIRECTORY, 'about', formatAbout(about));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new WgWrapError('setup', `cannot write to the state directory (${String(error.code)})`, {
      cause: error,
    });
  }
}

async function connect(file: ConfigFile, timeoutMs: number, deadlineAt: number): Promise<void> {
  await waitForHandshake({
    controlSocket: CONTROL_SOCKET,
    timeoutMs,
    remainingMs: deadlineAt - performance.now(),
    configModifiedMs: file.modifiedMs,
  });
}

/** @throws {WgWrapError} `usage` for anything but a number of workers. */
function parseWorkers(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^[0-9]$/.test(text) && Number(text) <= PUMP_WORKERS_MAX) return Number(text);
  throw new WgWrapError(
    'usage',
    `WG_WRAP_PUMP_WORKERS ${JSON.stringify(text)}: expected a number from 0 to ${PUMP_WORKERS_MAX}`,
  );
}
