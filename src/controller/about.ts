/**
 * The state file `about`: what a tunnel was started from, as far as its engine doesn't know.
 *
 * The controller writes it before it starts the pin, so that a record that is found has it beside it.
 * Another configuration for a tunnel that lives is announced in it (`applying`) before anything is
 * changed, and described by it afterwards: a run that is killed in between leaves the announcement.
 * It holds no secret. For each key of the configuration that matters it has a fingerprint, by which a
 * later run can tell what has changed in a file that was touched: that of `PrivateKey` is made of the
 * public key, and those of preshared keys go with the private key through the hash, so that nobody
 * can try guesses on them without having it.
 */
import { createHash } from 'node:crypto';
import type { Config, PeerConfig } from '../config/config.ts';
import { formatAddress, formatPrefix } from '../ip.ts';
import { formatKey } from '../key.ts';
import { x25519 } from '../linux/x25519.ts';
import type { DnsDecision } from './dns.ts';
import { endpointText } from './endpoint-text.ts';
import { INTERFACE } from './plan.ts';

const SCHEMA = 1;
/** Hex digits of a fingerprint: two values of one key never share it by chance. */
const FINGERPRINT_DIGITS = 16;

/** The keys of a configuration that have a fingerprint. */
export type FingerprintKey =
  | 'PrivateKey'
  | 'Address'
  | 'DNS'
  | 'MTU'
  | 'ListenPort'
  | 'PublicKey'
  | 'PresharedKey'
  | 'AllowedIPs'
  | 'Endpoint'
  | 'PersistentKeepalive'
  | 'Reserved';

/** One fingerprint a key; equal ones mean equal values. */
export type Fingerprints = Readonly<Record<FingerprintKey, string>>;

/** What the file says. */
export interface About {
  readonly schema: 1;
  readonly tunnel: string;
  /** Real path of the configuration. */
  readonly config: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  /** The tunnel options that were given, by their names; empty for a switch. */
  readonly options: Readonly<Record<string, string>>;
  readonly interface: {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly mtu: number;
    readonly publicKey: string;
  };
  readonly dns: {
    readonly mode: DnsDecision['mode'];
    readonly servers: readonly string[];
    readonly search: readonly string[];
  };
  readonly peers: readonly {
    readonly publicKey: string;
    /** As the file has it, with a name if it has one; null if the peer must speak first. */
    readonly endpoint: string | null;
  }[];
  readonly lingerMs: number;
  /** What the run that started the tunnel had to say. */
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
  readonly fingerprints: Fingerprints;
  /**
   * Public keys of configurations that are being put into the tunnel, or were when a run was killed.
   * While there are any nobody knows what the tunnel runs with.
   */
  readonly applying?: readonly string[];
}

/** What the file is made of, beside the configuration. */
export interface AboutFacts {
  readonly tunnel: string;
  /** Real path of the configuration. */
  readonly config: string;
  readonly startedAtMs: number;
  readonly options: Readonly<Record<string, string>>;
  readonly mtu: number;
  readonly dns: DnsDecision;
  readonly lingerMs: number;
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** Puts together what the file says of a tunnel. */
export function makeAbout(config: Config, facts: AboutFacts): About {
  const { dns } = facts;
  return {
    schema: SCHEMA,
    tunnel: facts.tunnel,
    config: facts.config,
    startedAtMs: facts.startedAtMs,
    options: facts.options,
    interface: {
      name: INTERFACE,
      addresses: config.interface.addresses.map(formatPrefix),
      mtu: facts.mtu,
      publicKey: publicKeyOf(config),
    },
    dns: {
      mode: dns.mode,
      servers: dns.servers.map(formatAddress),
      search: dns.searchDomains,
    },
    peers: config.peers.map(({ publicKey, endpoint }) => ({
      publicKey: formatKey(publicKey),
      endpoint: endpoint ? endpointText(endpoint) : null,
    })),
    lingerMs: facts.lingerMs,
    warnings: facts.warnings,
    notes: facts.notes,
    fingerprints: fingerprintsOf(config),
  };
}

/** What the file says while the configuration of `after` is put in the place of that of `before`. */
export function aboutDuringChange(before: About, after: About): About {
  const keys = new Set([...(before.applying ?? []), after.interface.publicKey]);
  return { ...before, applying: [...keys] };
}

/** The fingerprints of what the tunnel runs with; undefined if that can't be told. */
export function knownFingerprints(about: About): Fingerprints | undefined {
  return about.applying ? undefined : about.fingerprints;
}

/** Every public key with which the tunnel may be running. */
export function publicKeysOf(about: About): readonly string[] {
  return [about.interface.publicKey, ...(about.applying ?? [])];
}

/**
 * The fingerprints of a configuration. Neither the order of the peers nor that of a peer's prefixes
 * makes a difference; that of the addresses does, since the first is the one to send from.
 */
export function fingerprintsOf(config: Config): Fingerprints {
  const { privateKey, addresses, dnsServers, searchDomains, mtu, listenPort } = config.interface;
  const ofPeers = (valueOf: (peer: PeerConfig) => string | undefined): string =>
    fingerprint(peerValues(config.peers, valueOf));
  return {
    PrivateKey: fingerprint(publicKeyOf(config)),
    Address: fingerprint(addresses.map(formatPrefix).join()),
    DNS: fingerprint([...dnsServers.map(formatAddress), ...searchDomains].join()),
    MTU: fingerprint(String(mtu ?? '')),
    ListenPort: fingerprint(String(listenPort)),
    PublicKey: ofPeers(() => ''),
    PresharedKey: ofPeers(
      ({ presharedKey }) =>
        presharedKey && fingerprint(`${privateKey.revealHex()} ${presharedKey.revealHex()}`),
    ),
    AllowedIPs: ofPeers(({ allowedIPs }) => allowedIPs.map(formatPrefix).sort().join()),
    Endpoint: ofPeers(({ endpoint }) => endpoint && endpointText(endpoint)),
    PersistentKeepalive: ofPeers(
      ({ persistentKeepaliveSeconds: seconds }) => (seconds && String(seconds)) || undefined,
    ),
    Reserved: ofPeers(({ reserved }) => reserved?.join()),
  };
}

/** One line for each peer that has a value. */
function peerValues(
  peers: readonly PeerConfig[],
  valueOf: (peer: PeerConfig) => string | undefined,
): string {
  return peers
    .flatMap((peer) => {
      const value = valueOf(peer);
      return value === undefined ? [] : [`${formatKey(peer.publicKey)} ${value}\n`];
    })
    .sort()
    .join('');
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, FINGERPRINT_DIGITS);
}

/** The interface's public key, in base64. */
export function publicKeyOf(config: Config): string {
  return formatKey(x25519.publicKey(config.interface.privateKey.reveal()));
}

/** Formats the file. */
export function formatAbout(about: About): string {
  return `${JSON.stringify(about)}\n`;
}

/** Reads the file; undefined if it is another version's, or damaged. */
export function parseAbout(text: string): About | undefined {
  try {
    // The shape is that of `formatAbout`; the version tells them apart if they ever differ.
    const value = JSON.parse(text) as About | null;
    return value?.schema === SCHEMA ? value : undefined;
  } catch {
    return undefined;
  }
}
