/**
 * From a configuration and the facts about the host to the two texts that a tunnel is built from: the
 * launcher's plan and the engine's configuration. Pure: it asks nobody and changes nothing.
 *
 * The plan holds no secret. The engine's configuration holds all of them.
 */
import type { Config, PeerConfig } from '../config/config.ts';
import { formatHex } from '../bytes.ts';
import { encodeEngineConfiguration, type EngineEndpoint } from '../engine-configuration.ts';
import { WgWrapError } from '../errors.ts';
import { formatAddress, formatPrefix, maskPrefix, type Prefix } from '../ip.ts';
import { printable } from '../printable.ts';
import { formatSet, type UapiPeer } from '../uapi.ts';
import type { DnsDecision } from './dns.ts';
import type { PeerPlaces } from './endpoints.ts';

/** Facts that the plan is made of, beside the configuration. */
export interface PlanFacts {
  readonly file: { readonly shown: string; readonly realPath: string; readonly stamp: string };
  readonly tunnel: string;
  /** The tunnel options that were given, by name and as typed. */
  readonly options: ReadonlyMap<string, string>;
  readonly node: { readonly path: string; readonly options: readonly string[] };
  readonly engine: string;
  /** Real path of the program that this is part of. */
  readonly controller: string;
  readonly mtu: number;
  readonly dns: DnsDecision;
  /** Port of the host's sockets. */
  readonly listenPort: number;
  /** Where each peer is, in the order of the configuration; undefined if it must speak first. */
  readonly endpoints: readonly (PeerPlaces | undefined)[];
  readonly lingerMs: number;
  /** What the user says about the pump. */
  readonly pump: 'on' | 'off';
  /** How many workers it is to have, if the user says so. */
  readonly pumpWorkers: number | undefined;
  /** The launcher prints no warnings. */
  readonly quiet: boolean;
}

/** What a tunnel is built from. */
export interface Plan {
  readonly launcher: string;
  /** With secrets. */
  readonly engine: string;
}

/** The interface's name, which is nobody else's in its namespace. */
export const INTERFACE = 'wg0';
/** Most names that are resolved again. */
const MAX_NAMES = 64;

/**
 * Makes the two texts.
 * @throws {WgWrapError} `config`, for what this tunnel can't do.
 */
export function makePlan(config: Config, facts: PlanFacts): Plan {
  return { launcher: launcherPlan(config, facts), engine: engineConfiguration(config, facts) };
}

function launcherPlan(config: Config, facts: PlanFacts): string {
  const { file, dns, node } = facts;
  const lines: (readonly [string, string | number])[] = [
    ['plan', 1],
    ['tunnel', facts.tunnel],
    ['config', file.realPath],
    ['stamp', file.stamp],
    ...[...facts.options].map(([name, value]) => ['option', `${name} ${value}`] as const),
    ['node', node.path],
    ['engine', facts.engine],
    ['controller', facts.controller],
    ...node.options.map((option) => ['node-option', option] as const),
    ['interface', INTERFACE],
    ['mtu', facts.mtu],
    ...config.interface.addresses.map((prefix) => ['address', formatPrefix(prefix)] as const),
    ...routes(config, dns).map((route) => ['route', route] as const),
    ['dns', dns.mode],
    ...dns.servers.map((server) => ['nameserver', formatAddress(server)] as const),
    ...dns.searchDomains.map((domain) => ['search', domain] as const),
    ...names(facts).map((name) => ['resolve', name] as const),
    // The last one is required: a plan that was cut off is refused.
    ['linger', facts.lingerMs],
    ...(facts.quiet ? [['quiet', 1] as const] : []),
  ];
  if (printable(facts.tunnel) !== facts.tunnel || facts.tunnel.includes('\t')) {
    throw new WgWrapError('config', `${file.shown} has a control character in its name; rename it`);
  }
  for (const [key, value] of lines) {
    if (/[\n\0]/.test(String(value))) {
      throw new WgWrapError('config', `${file.shown}: a line break in a path (${key})`);
    }
  }
  return lines.map(([key, value]) => `${key} ${value}\n`).join('');
}

/** Every name that stands for a peer's place, once, as far as the launcher takes them. */
function names({ endpoints }: PlanFacts): readonly string[] {
  const found = endpoints.flatMap((places) => places?.name ?? []);
  return [...new Set(found)].slice(0, MAX_NAMES);
}

/** Every prefix that some peer has, once. */
function routes(config: Config, dns: DnsDecision): readonly string[] {
  const prefixes = [...config.peers.flatMap((peer) => peer.allowedIPs), ...dns.extraRoutes];
  return [...new Set(prefixes.map((prefix) => formatPrefix(maskPrefix(prefix))))];
}

function engineConfiguration(config: Config, facts: PlanFacts): string {
  const reserved = commonReserved(config, facts.file.shown);
  return encodeEngineConfiguration({
    tunnel: facts.tunnel,
    mtu: facts.mtu,
    listenPort: facts.listenPort,
    pump: facts.pump,
    pumpWorkers: facts.pumpWorkers,
    uapi: formatSet({
      privateKey: config.interface.privateKey.reveal(),
      replacePeers: true,
      peers: config.peers.map((peer, index) =>
        uapiPeer(peer, facts.endpoints[index], facts.dns.extraRoutes),
      ),
    }),
    endpoints: config.peers.flatMap(({ publicKey }, index) => {
      const places = facts.endpoints[index];
      return places ? [engineEndpoint(publicKey, places)] : [];
    }),
    ...(reserved && { reserved }),
  });
}

function uapiPeer(
  peer: PeerConfig,
  places: PeerPlaces | undefined,
  extraRoutes: readonly Prefix[],
): UapiPeer {
  return {
    publicKey: peer.publicKey,
    ...(peer.presharedKey && { presharedKey: peer.presharedKey.reveal() }),
    ...(places && { endpoint: { address: places.addresses[0], port: places.port } }),
    persistentKeepaliveSeconds: peer.persistentKeepaliveSeconds,
    // There are extra routes only where there is one peer.
    allowedIPs: [...peer.allowedIPs, ...extraRoutes].map((prefix) => ({ prefix })),
  };
}

function engineEndpoint(
  publicKey: Uint8Array,
  { addresses, ...place }: PeerPlaces,
): EngineEndpoint {
  return { publicKey: formatHex(publicKey), ...place, addresses: addresses.map(formatAddress) };
}

/** Three bytes for all peers: which peer a datagram is from is known only after it was opened. */
function commonReserved(
  config: Config,
  shown: string,
): readonly [number, number, number] | undefined {
  const text = (peer: PeerConfig): string => peer.reserved?.join(',') ?? '';
  const other = config.peers.find((peer) => text(peer) !== text(config.peers[0]));
  if (other) {
    throw new WgWrapError(
      'config',
      `${shown}:${other.line}: Reserved has to be the same in every [Peer]`,
    );
  }
  const reserved = config.peers[0].reserved;
  return reserved && [reserved[0], reserved[1], reserved[2]];
}
