/**
 * The status of a tunnel as `status --json` prints it (docs/status.md): fields are only ever added;
 * `schema` changes otherwise. What isn't known is null, never 0.
 *
 * It is put together from three sources, of which two may be missing: the pin's record, the file
 * `about`, and the engine's answer.
 */
import type { EnginePeerStatus, EngineStatus } from '../engine-status.ts';
import { parseAddress } from '../ip.ts';
import { printable } from '../printable.ts';
import type { TunnelRecord } from '../linux/state-directory.ts';
import type { About } from './about.ts';
import type { Inhabitants, Session } from './sessions.ts';

/** How a tunnel is: as its engine says, or `failed` if none answers. */
export type TunnelState = EngineStatus['state'] | 'failed';

/** Counts by name. */
export type Counts = Readonly<Record<string, number>>;

/** One peer. */
export interface PeerReport {
  readonly public_key: string;
  readonly endpoint: string | null;
  readonly resolved_from: string | null;
  readonly allowed_ips: readonly string[] | null;
  readonly last_handshake_age_s: number | null;
  readonly handshakes: number | null;
  readonly rx_bytes: number | null;
  readonly tx_bytes: number | null;
  readonly persistent_keepalive_s: number | null;
}

/** The whole object. */
export interface TunnelStatus {
  readonly schema: 1;
  readonly tunnel: string;
  readonly config: string;
  readonly state: TunnelState;
  readonly uptime_s: number | null;
  readonly engine: {
    readonly pid: number | null;
    readonly data_path: EngineStatus['dataPath'] | null;
    readonly offload: boolean | null;
    readonly uses: readonly string[] | null;
    readonly workers: number | null;
    readonly restarts: number;
    readonly uptime_s: number | null;
    readonly rss_bytes: number | null;
    readonly under_load: boolean | null;
  };
  readonly interface: {
    readonly name: string | null;
    readonly public_key: string | null;
    readonly addresses: readonly string[] | null;
    readonly mtu: number | null;
    readonly listen_port: number | null;
  };
  readonly dns: {
    readonly mode: string;
    readonly servers: readonly string[];
    readonly search: readonly string[];
  } | null;
  readonly options: Readonly<Record<string, string>> | null;
  readonly linger_s: number | null;
  readonly peers: readonly PeerReport[] | null;
  readonly sessions: readonly Session[];
  readonly other_processes: readonly number[];
  readonly published: readonly never[];
  readonly leak_paths: readonly string[];
  /** Packets and datagrams, by reason. */
  readonly drops: Counts | null;
  /** What the kernel refused or reported, by the name of errno. */
  readonly errors: {
    readonly udp_send: Counts;
    readonly udp_receive: Counts;
    readonly tun_write: Counts;
  } | null;
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** What a status is made of. */
export interface StatusSources {
  readonly record: TunnelRecord;
  readonly about: About | undefined;
  readonly engine: EngineStatus | undefined;
  readonly inhabitants: Inhabitants;
  /** Seconds since the pin was started. */
  readonly uptime: number | undefined;
}

/** Puts the status of a tunnel together. */
export function tunnelStatus(sources: StatusSources): TunnelStatus {
  const { record, about, engine, inhabitants } = sources;
  return {
    schema: 1,
    tunnel: printable(record.name),
    config: printable(record.config),
    state: engine?.state ?? 'failed',
    uptime_s: tenths(sources.uptime),
    engine: engineReport(record, engine),
    interface: {
      name: about?.interface.name ?? null,
      public_key: engine?.publicKey ?? about?.interface.publicKey ?? null,
      addresses: about?.interface.addresses ?? null,
      mtu: engine?.mtu ?? about?.interface.mtu ?? null,
      listen_port: engine?.listenPort ?? null,
    },
    dns: about?.dns ?? null,
    options: about?.options ?? null,
    linger_s: about ? about.lingerMs / 1000 : null,
    peers: engine?.peers.map((peer) => peerReport(peer, about)) ?? peersFromAbout(about),
    sessions: inhabitants.sessions,
    other_processes: inhabitants.others,
    published: [],
    leak_paths: [],
    drops: engine ? allDrops(engine) : null,
    errors: engine
      ? {
          udp_send: engine.udp.sendErrors,
          udp_receive: engine.udp.receiveErrors,
          tun_write: engine.tun.writeErrors,
        }
      : null,
    warnings: [...(engine?.warnings ?? []), ...(about?.warnings ?? [])].map(printable),
    notes: (about?.notes ?? []).map(printable),
  };
}

function engineReport(
  record: TunnelRecord,
  engine: EngineStatus | undefined,
): TunnelStatus['engine'] {
  return {
    pid: engine?.pid ?? record.enginePid ?? null,
    data_path: engine?.dataPath ?? null,
    offload: engine?.offload ?? null,
    uses: engine?.uses ?? null,
    workers: engine?.workers ?? null,
    restarts: record.restarts,
    uptime_s: tenths(engine && engine.uptimeMs / 1000),
    rss_bytes: engine?.rssBytes ?? null,
    under_load: engine?.underLoad ?? null,
  };
}

function peerReport(peer: EnginePeerStatus, about: About | undefined): PeerReport {
  return {
    public_key: peer.publicKey,
    endpoint: peer.endpoint,
    resolved_from: peer.resolvedFrom ?? nameInFile(peer.publicKey, about),
    allowed_ips: peer.allowedIps,
    last_handshake_age_s: peer.lastHandshakeAgeMs === null ? null : peer.lastHandshakeAgeMs / 1000,
    handshakes: peer.handshakes,
    rx_bytes: peer.rxBytes,
    tx_bytes: peer.txBytes,
    persistent_keepalive_s: peer.persistentKeepaliveSeconds,
  };
}

/** What remains to be said of the peers when no engine answers. */
function peersFromAbout(about: About | undefined): readonly PeerReport[] | null {
  return (
    about?.peers.map(({ publicKey }) => ({
      public_key: publicKey,
      endpoint: null,
      resolved_from: nameInFile(publicKey, about),
      allowed_ips: null,
      last_handshake_age_s: null,
      handshakes: null,
      rx_bytes: null,
      tx_bytes: null,
      persistent_keepalive_s: null,
    })) ?? null
  );
}

/** The name that the configuration has for a peer's endpoint; null if it has an address, or none. */
function nameInFile(publicKey: string, about: About | undefined): string | null {
  const endpoint = about?.peers.find((peer) => peer.publicKey === publicKey)?.endpoint;
  const host = endpoint?.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return host === undefined || parseAddress(host) ? null : printable(host);
}

/** The reasons of core and pump in snake case, then those of the layers around it. */
function allDrops(engine: EngineStatus): Counts {
  const own = Object.entries(engine.drops).map(([reason, count]) => [snakeCase(reason), count]);
  return {
    ...(Object.fromEntries(own) as Counts),
    queue_full: engine.udp.queueFull,
    no_socket: engine.udp.closed,
    port_zero: engine.udp.portZero,
    unsplit: engine.tun.offloaded,
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function tenths(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.round(seconds * 10) / 10;
}
