/** The answer to `status=1`: what device, loop and process tell, as one value. Pure. */
import type { EnginePeerStatus, EngineState, EngineStatus, ErrorCounts } from '../engine-status.ts';
import { formatPrefix } from '../ip.ts';
import { formatKey } from '../key.ts';
import type { TunCounters } from '../linux/tun.ts';
import type { UdpCounters } from '../linux/udp.ts';
import type { DeviceStatus, PeerStatus } from '../wireguard/device.ts';
import type { Millis } from '../wireguard/ports.ts';
import { healthWarnings, tunnelState } from './health.ts';

/** What an engine is asked about. */
export interface EngineFacts {
  readonly now: Millis;
  readonly startedAt: Millis;
  readonly pid: number;
  readonly rssBytes: number;
  /** How an engine that died has left the tunnel. */
  readonly before?: EngineState;
  readonly dataPath: EngineStatus['dataPath'];
  readonly offload: boolean;
  readonly uses: readonly string[];
  readonly workers: number;
  readonly listenPort: number;
  readonly device: DeviceStatus;
  readonly udp: UdpCounters;
  readonly tun: TunCounters;
  /** The name in the configuration that a peer's endpoint is an address of. */
  readonly nameOf?: (peer: PeerStatus) => string | undefined;
}

/** Puts the answer together. */
export function engineStatus(facts: EngineFacts): Omit<EngineStatus, 'schema'> {
  const { now, device, udp, tun } = facts;
  const state = tunnelState(device.peers, now, facts.before);
  return {
    pid: facts.pid,
    uptimeMs: Math.round(now - facts.startedAt),
    dataPath: facts.dataPath,
    offload: facts.offload,
    uses: facts.uses,
    workers: facts.workers,
    rssBytes: facts.rssBytes,
    connected: state !== 'starting',
    state,
    underLoad: device.underLoad,
    listenPort: facts.listenPort,
    publicKey: device.publicKey ? formatKey(device.publicKey) : null,
    mtu: device.mtu,
    peers: device.peers.map((peer) => peerStatus(peer, facts)),
    drops: device.drops,
    udp: {
      closed: udp.closed,
      queueFull: udp.queueFull,
      portZero: udp.portZero,
      sendErrors: counts(udp.sendErrors),
      receiveErrors: counts(udp.receiveErrors),
    },
    tun: { offloaded: tun.offloaded, writeErrors: counts(tun.writeErrors) },
    warnings: healthWarnings(device.peers, now),
  };
}

function peerStatus(peer: PeerStatus, { now, nameOf }: EngineFacts): EnginePeerStatus {
  const { lastHandshakeAt, handshakes } = peer.replies;
  return {
    publicKey: formatKey(peer.publicKey),
    endpoint: peer.endpoint?.toString() ?? null,
    resolvedFrom: nameOf?.(peer) ?? null,
    allowedIps: peer.allowedIPs.map(formatPrefix),
    lastHandshakeAgeMs: lastHandshakeAt === undefined ? null : Math.round(now - lastHandshakeAt),
    rxBytes: peer.rxBytes,
    txBytes: peer.txBytes,
    persistentKeepaliveSeconds: peer.persistentKeepaliveSeconds || null,
    handshakes,
    stagedPackets: peer.stagedPackets,
  };
}

function counts(errors: ReadonlyMap<string, number>): ErrorCounts {
  return Object.fromEntries(errors);
}
