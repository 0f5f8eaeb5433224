/**
 * Which servers answer the command's name queries: a decision, not an action.
 *
 * Nothing is invented. Servers come from the command line, from `DNS=`, or from the host where its
 * servers are public and the tunnel carries them anyway. A server that no route covers would leave
 * every query unanswered, so it is refused, or sent to the only peer there is.
 */
import type { Config, PeerConfig } from '../config/config.ts';
import { WgWrapError } from '../errors.ts';
import { formatAddress, formatPrefix, prefixContains, type Address, type Prefix } from '../ip.ts';

/** What `--dns` asks for: servers, none at all, or nothing (undefined) for the configuration's. */
export type DnsOption = readonly Address[] | 'none' | undefined;

/** What the private `resolv.conf` will say, and what had to be done for it. */
export interface DnsDecision {
  readonly mode: 'tunnel' | 'none';
  readonly servers: readonly Address[];
  readonly searchDomains: readonly string[];
  /** Prefixes to give to the only peer, so that it carries the servers. */
  readonly extraRoutes: readonly Prefix[];
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** glibc reads no more servers than this (resolv.conf(5)). */
const MAX_SERVERS = 3;
/** As many as the launcher's plan may have. */
const MAX_SEARCH_DOMAINS = 32;

/**
 * Decides for a configuration that messages call `file`.
 * @throws {WgWrapError} `config`, if names could not be resolved inside.
 */
export function decideDns(
  file: string,
  config: Config,
  option: DnsOption,
  hostServers: readonly Address[],
): DnsDecision {
  const searchDomains = config.interface.searchDomains.slice(0, MAX_SEARCH_DOMAINS);
  if (option === 'none') {
    return { mode: 'none', servers: [], searchDomains, extraRoutes: [], warnings: [], notes: [] };
  }
  const given = option ?? config.interface.dnsServers;
  if (given.length === 0) return useHostServers(file, config, searchDomains, hostServers);
  const servers = given.slice(0, MAX_SERVERS);
  const uncovered = servers.filter((server) => !isCovered(config.peers, server));
  return {
    mode: 'tunnel',
    servers,
    searchDomains,
    extraRoutes: uncovered.map((server) => routeTo(server, config)),
    warnings: uncovered.map((server) => {
      const address = formatAddress(server);
      const prefix = formatPrefix({ address: server, length: server.length * 8 });
      return `DNS server ${address} is not in AllowedIPs; sending ${prefix} to the only peer`;
    }),
    notes: [
      ...cutNote('DNS servers', given.length, MAX_SERVERS),
      ...cutNote('search domains', config.interface.searchDomains.length, MAX_SEARCH_DOMAINS),
    ],
  };
}

function cutNote(what: string, given: number, used: number): readonly string[] {
  return given > used ? [`only the first ${used} of ${given} ${what} are used`] : [];
}

/** The prefix that makes the only peer carry `server`. */
function routeTo(server: Address, config: Config): Prefix {
  const prefix = { address: server, length: server.length * 8 };
  if (config.peers.length === 1) return prefix;
  const address = formatAddress(server);
  throw new WgWrapError(
    'config',
    `DNS server ${address} is in no peer's AllowedIPs; add ${formatPrefix(prefix)} to the peer that reaches it`,
  );
}

function useHostServers(
  file: string,
  config: Config,
  searchDomains: readonly string[],
  hostServers: readonly Address[],
): DnsDecision {
  const servers = hostServers.slice(0, MAX_SERVERS);
  const unusable = servers.find((server) => !isPublic(server) || !isCovered(config.peers, server));
  if (servers.length === 0 || unusable) {
    const resolver = unusable
      ? `this host's resolver ${formatAddress(unusable)} can't be reached through the tunnel`
      : "this host's resolv.conf names no server";
    const line = config.interface.lines.dns;
    const lack =
      line === undefined ? `${file} has no DNS=` : `${file}:${line}: DNS= names no server`;
    throw new WgWrapError('config', `${lack}, and ${resolver}; use --dns ADDR or --dns none`);
  }
  const shown = servers.map(formatAddress).join(', ');
  return {
    mode: 'tunnel',
    servers,
    searchDomains,
    extraRoutes: [],
    warnings: [],
    notes: [`${file} has no DNS=: using this host's servers (${shown}) through the tunnel`],
  };
}

function isCovered(peers: readonly PeerConfig[], server: Address): boolean {
  return peers.some((peer) => peer.allowedIPs.some((prefix) => prefixContains(prefix, server)));
}

/** Ranges that mean another machine on another network (RFC 6890). */
const NOT_PUBLIC: readonly Prefix[] = [
  { address: Uint8Array.of(0, 0, 0, 0), length: 8 },
  { address: Uint8Array.of(10, 0, 0, 0), length: 8 },
  { address: Uint8Array.of(100, 64, 0, 0), length: 10 },
  { address: Uint8Array.of(127, 0, 0, 0), length: 8 },
  { address: Uint8Array.of(169, 254, 0, 0), length: 16 },
  { address: Uint8Array.of(172, 16, 0, 0), length: 12 },
  { address: Uint8Array.of(192, 168, 0, 0), length: 16 },
  { address: Uint8Array.of(224, 0, 0, 0), length: 3 },
];

function isPublic(address: Address): boolean {
  // Of IPv6, 2000::/3 is what is routed globally (RFC 4291 2.4).
  if (address.length === 16) return address[0] >> 5 === 1;
  return !NOT_PUBLIC.some((prefix) => prefixContains(prefix, address));
}
