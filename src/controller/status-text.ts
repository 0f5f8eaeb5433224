/** The status of tunnels as text for people. */
import { formatBytes, formatCount, formatSpan } from './quantity.ts';
import { printable } from '../printable.ts';
import type { Counts, PeerReport, TunnelStatus } from './tunnel-status.ts';

const LABEL_COLUMNS = 12;
const UNKNOWN = 'unknown';
const FAMILIES = [4, 6] as const;
/** What a host may lack that the pump would use, and how the pump says that it does, for each family. */
const WANTED = [
  { what: 'USO', 4: 'uso', 6: 'uso' },
  { what: 'UDP_SEGMENT', 4: 'segment4', 6: 'segment6' },
  { what: 'UDP_GRO', 4: 'gro4', 6: 'gro6' },
] as const;

/** About a dozen lines for one tunnel. */
export function formatStatus(status: TunnelStatus): string {
  const { uptime_s: uptime } = status;
  const since = uptime === null ? '' : `, up ${formatSpan(uptime)}`;
  const lines = [
    `${status.tunnel}: ${status.state}${since}`,
    line('config', status.config),
    line('engine', describeEngine(status)),
    line('interface', describeInterface(status)),
    line('public key', status.interface.public_key ?? UNKNOWN),
    line('dns', describeDns(status)),
    ...(status.peers ?? []).flatMap(describePeer),
    line('sessions', describeSessions(status)),
    line('dropped', describeDrops(status)),
    line('leak paths', describeLeakPaths(status)),
    ...status.warnings.map((warning) => line('warning', warning)),
    ...status.notes.map((note) => line('note', note)),
  ];
  return lines.map((text) => `${printable(text)}\n`).join('');
}

/** One line for each tunnel, below a heading; nothing for none. */
export function formatList(statuses: readonly TunnelStatus[]): string {
  if (statuses.length === 0) return '';
  const rows = [
    ['NAME', 'STATE', 'SESSIONS', 'CONFIG'],
    ...statuses.map(({ tunnel, state, sessions, config }) => [
      tunnel,
      state,
      String(sessions.length),
      config,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) => {
      const padded = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
      return `${printable(padded.join('  '))}\n`;
    })
    .join('');
}

/** What was dropped for which reason, the most first. */
export function dropsByCount(status: TunnelStatus): readonly (readonly [string, number])[] {
  const errors: Readonly<Record<string, Counts>> = { ...status.errors };
  const refused = Object.entries(errors).flatMap(([at, counts]) =>
    Object.entries(counts).map(([code, count]): [string, number] => [`${at} ${code}`, count]),
  );
  return [...Object.entries(status.drops ?? {}), ...refused]
    .filter(([, count]) => count > 0)
    .sort(([, one], [, other]) => other - one);
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_COLUMNS)}${text}`;
}

function describeEngine({ engine, peers }: TunnelStatus): string {
  const restarts = formatCount(engine.restarts, 'restart');
  if (engine.data_path === null) return `none answers, ${restarts}`;
  const parts = [
    `pid ${engine.pid ?? UNKNOWN}`,
    `data path ${engine.data_path}`,
    engine.offload === true ? 'offload' : 'no offload',
    ...(engine.data_path === 'pump' ? unused(engine.uses ?? [], peers ?? []) : []),
    engine.rss_bytes === null ? `memory ${UNKNOWN}` : formatBytes(engine.rss_bytes),
    restarts,
  ];
  if (engine.under_load === true) parts.push('under load');
  return parts.join(', ');
}

/** What a pump has to do without where its peers are. While nobody knows, one family will do. */
function unused(uses: readonly string[], peers: readonly PeerReport[]): readonly string[] {
  const endpoints = peers.flatMap(({ endpoint }) => endpoint ?? []);
  const inUse = FAMILIES.filter((family) =>
    endpoints.some((endpoint) => endpoint.startsWith('[') === (family === 6)),
  );
  return WANTED.flatMap((wanted) => {
    const without = FAMILIES.filter((family) => !uses.includes(wanted[family]));
    const missed = without.filter((family) => inUse.includes(family));
    const isMissedByAll = missed.length > 0 && missed.length === inUse.length;
    if (isMissedByAll || without.length === FAMILIES.length) return `no ${wanted.what}`;
    return missed.map((family) => `no ${wanted.what} for IPv${family}`);
  });
}

function describeInterface({ interface: device }: TunnelStatus): string {
  const addresses = device.addresses ?? [];
  const port = device.listen_port === null ? UNKNOWN : String(device.listen_port);
  const parts = [...addresses, `MTU ${device.mtu ?? UNKNOWN}`, `port ${port}`];
  return `${device.name ?? UNKNOWN}: ${parts.join(', ')}`;
}

function describeDns({ dns }: TunnelStatus): string {
  if (!dns) return UNKNOWN;
  const servers = dns.servers.length > 0 ? dns.servers.join(', ') : dns.mode;
  return dns.search.length > 0 ? `${servers} (search ${dns.search.join(' ')})` : servers;
}

function describePeer(peer: PeerReport): readonly string[] {
  const place = peer.endpoint ?? 'no endpoint';
  const name = peer.resolved_from === null ? '' : ` (${peer.resolved_from})`;
  const handshake =
    peer.last_handshake_age_s === null
      ? 'no handshake'
      : `handshake ${formatSpan(peer.last_handshake_age_s)} ago`;
  const traffic =
    peer.rx_bytes === null || peer.tx_bytes === null
      ? 'traffic unknown'
      : `${formatBytes(peer.rx_bytes)} received, ${formatBytes(peer.tx_bytes)} sent`;
  return [
    line('peer', peer.public_key),
    line('', `${place}${name}, ${handshake}, ${traffic}`),
    ...(peer.allowed_ips ? [line('', `allowed IPs ${shorten(peer.allowed_ips)}`)] : []),
  ];
}

/** A file may have thousands. */
function shorten(list: readonly string[]): string {
  const shown = list.slice(0, 6).join(', ') || '(none)';
  return list.length > 6 ? `${shown} and ${list.length - 6} more` : shown;
}

function describeSessions({ sessions, other_processes: others }: TunnelStatus): string {
  const list = sessions.map(({ pid, command }) => `${pid} ${command}`).join(', ') || 'none';
  if (others.length === 0) return list;
  return `${list}; without a session: ${others.join(' ')}`;
}

function describeDrops(status: TunnelStatus): string {
  if (!status.drops) return UNKNOWN;
  const found = dropsByCount(status).map(([reason, count]) => `${reason} ${count}`);
  return found.join(', ') || 'nothing';
}

function describeLeakPaths({ leak_paths: paths, options }: TunnelStatus): string {
  const list = paths.join(', ') || 'none';
  const sockets = options?.['mask-dbus'] === undefined ? 'D-Bus, X11' : 'X11';
  return `${list}; the host's ${sockets} and other path sockets stay reachable`;
}
