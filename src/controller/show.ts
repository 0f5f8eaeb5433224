/** `wg-wrap show`: the state of running tunnels, printed as `wg show` does (wg(8)). */
import { WgWrapError } from '../errors.ts';
import { formatPrefix, formatSocketAddress } from '../ip.ts';
import { formatKey } from '../key.ts';
import { printable } from '../printable.ts';
import { askEngine, ControlSocketError } from '../linux/control-client.ts';
import {
  controlSocketOf,
  type RuntimeEnvironment,
  type TunnelRecord,
} from '../linux/state-directory.ts';
import { formatBytes } from './quantity.ts';
import { findTunnel, notRunning, runningTunnels } from './tunnels.ts';
import { parseGet, type UapiPeerStatus, type UapiStatus } from '../uapi-status.ts';

/** How long an engine may take to answer. */
const PATIENCE_MS = 3000;

/**
 * The text for the tunnel called `name`, or for all.
 * @throws {WgWrapError} `setup`, if there is no such tunnel.
 */
export async function showTunnels(
  name: string | undefined,
  asDump: boolean,
  environment: RuntimeEnvironment,
): Promise<string> {
  const records =
    name === undefined
      ? await runningTunnels(environment)
      : [await findTunnel(name, environment)].filter((record) => record !== undefined);
  const texts: string[] = [];
  for (const record of records) {
    const status = await statusOf(record);
    if (!status) continue;
    const now = Math.floor(Date.now() / 1000);
    texts.push(asDump ? formatDump(status) : formatShow(printable(record.name), status, now));
  }
  if (texts.length === 0 && name !== undefined) throw new WgWrapError('setup', notRunning(name));
  return texts.join(asDump ? '' : '\n');
}

/**
 * Undefined if the tunnel is gone, or its engine is just being started again.
 * @throws {WgWrapError} `setup`, if the engine hangs.
 */
async function statusOf(record: TunnelRecord): Promise<UapiStatus | undefined> {
  let answer: string;
  try {
    answer = await askEngine(controlSocketOf(record), () => 'get=1\n\n', PATIENCE_MS);
  } catch (error) {
    if (!(error instanceof ControlSocketError)) throw error;
    if (error.code !== 'ETIMEDOUT') return undefined;
    throw new WgWrapError(
      'setup',
      `the engine of tunnel "${record.name}" does not answer (${error.code})`,
    );
  }
  const parsed = parseGet(answer);
  return parsed.ok ? parsed.status : undefined;
}

/** As `wg show` prints one interface; `now` is in seconds since the Unix epoch. */
export function formatShow(name: string, status: UapiStatus, now: number): string {
  const lines = [`interface: ${name}`];
  if (status.ownPublicKey) lines.push(`  public key: ${formatKey(status.ownPublicKey)}`);
  lines.push('  private key: (hidden)');
  if (status.listenPort !== undefined) lines.push(`  listening port: ${status.listenPort}`);
  const latestFirst = [...status.peers].sort((a, b) => handshakeTime(b) - handshakeTime(a));
  for (const peer of latestFirst) lines.push('', ...peerLines(peer, now));
  return `${lines.join('\n')}\n`;
}

function peerLines(peer: UapiPeerStatus, now: number): readonly string[] {
  const lines = [`peer: ${formatKey(peer.publicKey)}`];
  if (peer.endpoint) lines.push(`  endpoint: ${formatSocketAddress(peer.endpoint)}`);
  lines.push(`  allowed ips: ${peer.allowedIPs.map(formatPrefix).join(', ') || '(none)'}`);
  const time = handshakeTime(peer);
  if (time > 0) lines.push(`  latest handshake: ${formatAgo(now - time)}`);
  if (peer.rxBytes > 0 || peer.txBytes > 0) {
    const [received, sent] = [formatBytes(peer.rxBytes), formatBytes(peer.txBytes)];
    lines.push(`  transfer: ${received} received, ${sent} sent`);
  }
  if (peer.persistentKeepaliveSeconds > 0) {
    lines.push(`  persistent keepalive: every ${formatDuration(peer.persistentKeepaliveSeconds)}`);
  }
  return lines;
}

/** As `wg show INTERFACE dump`: fields between tabs, one line for the interface and one a peer. */
export function formatDump(status: UapiStatus): string {
  const publicKey = status.ownPublicKey ? formatKey(status.ownPublicKey) : '(none)';
  const lines = [['(hidden)', publicKey, status.listenPort ?? 0, 'off']];
  for (const peer of status.peers) {
    lines.push([
      formatKey(peer.publicKey),
      '(hidden)',
      peer.endpoint ? formatSocketAddress(peer.endpoint) : '(none)',
      peer.allowedIPs.map(formatPrefix).join(',') || '(none)',
      handshakeTime(peer),
      peer.rxBytes,
      peer.txBytes,
      peer.persistentKeepaliveSeconds || 'off',
    ]);
  }
  return lines.map((fields) => `${fields.join('\t')}\n`).join('');
}

/** In seconds since the Unix epoch; 0 for never. */
function handshakeTime(peer: UapiPeerStatus): number {
  return peer.lastHandshakeTime?.seconds ?? 0;
}

function formatAgo(seconds: number): string {
  if (seconds < 0) return '(the clock was set back)';
  return seconds === 0 ? 'Now' : `${formatDuration(seconds)} ago`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['year', 365 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

function formatDuration(seconds: number): string {
  const parts: string[] = [];
  let left = seconds;
  for (const [unit, length] of UNITS) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
  }
  return parts.join(', ');
}
