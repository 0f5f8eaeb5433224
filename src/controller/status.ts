/** `wg-wrap status` and `wg-wrap list`: asks pins' records, files and engines. */
import { parseEngineStatus, type EngineStatus } from '../engine-status.ts';
import { WgWrapError } from '../errors.ts';
import { askEngine, ControlSocketError } from '../linux/control-client.ts';
import { processAge } from '../linux/processes.ts';
import {
  controlSocketOf,
  readStateFile,
  type RuntimeEnvironment,
  type TunnelRecord,
} from '../linux/state-directory.ts';
import { printableJson } from '../printable.ts';
import { parseAbout } from './about.ts';
import { inhabitantsOf } from './sessions.ts';
import { formatList, formatStatus } from './status-text.ts';
import { formatPrometheus } from './prometheus.ts';
import { tunnelStatus, type TunnelStatus } from './tunnel-status.ts';
import { findTunnel, notRunning, runningTunnels } from './tunnels.ts';

/** How long an engine may take to answer. */
const PATIENCE_MS = 3000;
/** The pin has just said that there is none. */
const FAILED_PATIENCE_MS = 300;

/** How to print a status. */
export type StatusForm = 'text' | 'json' | 'prometheus';

/** What a subcommand prints, and its exit status. */
export interface Answer {
  readonly text: string;
  readonly exitStatus: number;
}

/**
 * What `wg-wrap status` prints: 0 if the tunnel is connected, 1 if not. For a collector of metrics, no
 * name means all tunnels.
 * @throws {WgWrapError} if there is no such tunnel.
 */
export async function showStatus(
  name: string | undefined,
  form: StatusForm,
  environment: RuntimeEnvironment,
): Promise<Answer> {
  const statuses =
    form === 'prometheus' && name === undefined
      ? await allStatuses(environment)
      : [await oneStatus(name, environment)];
  const areConnected = statuses.length > 0 && statuses.every(isConnected);
  return { text: format(statuses, form), exitStatus: areConnected ? 0 : 1 };
}

/** What `wg-wrap list` prints. */
export async function listTunnels(
  asJson: boolean,
  environment: RuntimeEnvironment,
): Promise<string> {
  const statuses = await allStatuses(environment);
  return asJson ? `${printableJson(statuses)}\n` : formatList(statuses);
}

/**
 * The status of a tunnel that was found running; undefined if it has ended meanwhile.
 */
export async function statusOf(record: TunnelRecord): Promise<TunnelStatus | undefined> {
  const engine = await askStatus(record);
  if (engine === 'ended') return undefined;
  const about = readStateFile(record.directory, 'about');
  return tunnelStatus({
    record,
    about: about === undefined ? undefined : parseAbout(about),
    engine,
    inhabitants: inhabitantsOf(record, engine?.pid ?? record.enginePid),
    uptime: processAge(record.pinPid),
  });
}

function isConnected(status: TunnelStatus): boolean {
  return status.state === 'connected';
}

async function oneStatus(
  name: string | undefined,
  environment: RuntimeEnvironment,
): Promise<TunnelStatus> {
  const record = await findTunnel(name, environment);
  const status = record && (await statusOf(record));
  if (!status) throw new WgWrapError('inactive', notRunning(name));
  return status;
}

async function allStatuses(environment: RuntimeEnvironment): Promise<readonly TunnelStatus[]> {
  const statuses = await Promise.all((await runningTunnels(environment)).map(statusOf));
  return statuses.filter((status) => status !== undefined);
}

function format(statuses: readonly TunnelStatus[], form: StatusForm): string {
  switch (form) {
    case 'text':
      return statuses.map(formatStatus).join('\n');
    case 'json':
      return statuses.map((status) => `${printableJson(status)}\n`).join('');
    case 'prometheus':
      return formatPrometheus(statuses);
  }
}

/** Undefined if no engine answers; the pin listens, and starts another one. */
async function askStatus(record: TunnelRecord): Promise<EngineStatus | 'ended' | undefined> {
  const limitMs = record.state === 'failed' ? FAILED_PATIENCE_MS : PATIENCE_MS;
  try {
    return parseEngineStatus(
      await askEngine(controlSocketOf(record), () => 'status=1\n\n', limitMs),
    );
  } catch (error) {
    if (!(error instanceof ControlSocketError)) throw error;
    return error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? 'ended' : undefined;
  }
}
