/**
 * A wg-quick file as values: what the file asks for, checked as a whole.
 *
 * `blocks` finds the sections and their lines, `fields` understands one value, and this file puts
 * the values together: what is required, what is given twice, what belongs to whom.
 */
import { formatAddress, formatPrefix, type Address, type Prefix } from '../ip.ts';
import { formatKey, type SecretKey } from '../key.ts';
import { readBlocks, type Blocks } from './blocks.ts';
import { Report, type Diagnostic, type Place } from './diagnostic.ts';
import {
  integer,
  parseAddresses,
  parseAllowedIPs,
  parseBoolean,
  parseDns,
  parseEndpoint,
  parseFwMark,
  parseKeepalive,
  parsePresharedKey,
  parsePrivateKey,
  parsePublicKey,
  parseReserved,
  parseTable,
} from './fields.ts';
import { HOOK_KEYS, refuseAmnezia, Section, type Located } from './section.ts';

export { formatDiagnostic, type Diagnostic } from './diagnostic.ts';

const MAX_ADDRESSES = 64;
const MAX_ALLOWED_IPS = 65536;

/** A configuration: one interface and at least one peer. */
export interface Config {
  readonly interface: InterfaceConfig;
  readonly peers: readonly PeerConfig[];
}

/** The `[Interface]` section. */
export interface InterfaceConfig {
  readonly privateKey: SecretKey;
  /** At least one, each with its host bits. */
  readonly addresses: readonly Prefix[];
  readonly dnsServers: readonly Address[];
  readonly searchDomains: readonly string[];
  readonly mtu?: number;
  /** 0 for any port. */
  readonly listenPort: number;
  /** The lines of keys that later messages are about. */
  readonly lines: { readonly listenPort?: number; readonly dns?: number; readonly mtu?: number };
}

/** Where a peer is said to be. */
export interface EndpointConfig {
  /** A name, or the text of an address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly line: number;
}

/** A `[Peer]` section. */
export interface PeerConfig {
  readonly publicKey: Uint8Array;
  readonly presharedKey?: SecretKey;
  /** Host bits are cleared. No prefix is in two peers. */
  readonly allowedIPs: readonly Prefix[];
  readonly endpoint?: EndpointConfig;
  /** 0 for none. */
  readonly persistentKeepaliveSeconds: number;
  /** The three reserved bytes of each message's header. */
  readonly reserved?: Uint8Array;
  /** The line of `[Peer]`. */
  readonly line: number;
}

/** What became of a file. */
export type ParseResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly Diagnostic[];
      readonly notes: readonly Diagnostic[];
    }
  | {
      readonly ok: false;
      /** At most 20, in the order of the file. */
      readonly errors: readonly Diagnostic[];
    };

export interface ParseOptions {
  /** Skips keys that nobody knows, with a note each. */
  readonly ignoreUnknown?: boolean;
}

/** Understands the bytes of a file. Never throws. No message holds a secret or a part of one. */
export function parseConfig(bytes: Uint8Array, options: ParseOptions = {}): ParseResult {
  const report = new Report();
  const file = readBlocks(bytes, report);
  const config = file && assemble(file, report, options.ignoreUnknown ?? false);
  const { errors, warnings, notes } = report;
  return config && errors.length === 0
    ? { ok: true, config, warnings, notes }
    : { ok: false, errors };
}

function assemble(file: Blocks, report: Report, skipUnknown: boolean): Config | undefined {
  const interfaces = file.blocks.filter((block) => block.name === 'Interface');
  const peerBlocks = file.blocks.filter((block) => block.name === 'Peer');
  refuseAmnezia(file.blocks, report);
  const end = { line: file.lastLine, column: 1 };
  if (interfaces.length === 0) report.error(end, 'no [Interface]');
  if (peerBlocks.length === 0) report.error(end, 'no [Peer]');
  const section = new Section('Interface', interfaces, report, skipUnknown);
  const device = readInterface(section, interfaces.at(0), report);
  tellWhatIsIgnored(section, report);
  const drafts = peerBlocks.map((block) =>
    readPeer(new Section('Peer', [block], report, skipUnknown), block, report),
  );
  const peers = drafts.filter((draft) => draft !== undefined);
  const kept = giveEachPrefixToOnePeer(dropReplacedPeers(peers, report), report);
  return device && { interface: device, peers: kept };
}

function readInterface(
  section: Section,
  place: Place | undefined,
  report: Report,
): InterfaceConfig | undefined {
  const privateKey = section.one('PrivateKey', parsePrivateKey);
  const addresses = withoutRepeats(section.all('Address', parseAddresses));
  const dns = section.all('DNS', parseDns);
  const mtu = section.one('MTU', integer(576, 65535));
  const listenPort = section.one('ListenPort', integer(0, 65535));
  if (place && !section.has('PrivateKey')) report.error(place, '[Interface] has no PrivateKey');
  // A wrong address is an error of its own; an empty list is as good as none.
  if (place && !section.hasElements('Address')) {
    report.error(place, '[Interface] has no Address');
  }
  if (addresses.length > MAX_ADDRESSES) {
    report.error(addresses[MAX_ADDRESSES], `more than ${MAX_ADDRESSES} addresses`);
  }
  if (!privateKey) return undefined;
  return {
    privateKey: privateKey.value,
    addresses: addresses.map(({ value }) => value),
    ...splitDns(dns, report),
    ...(mtu && { mtu: mtu.value }),
    listenPort: listenPort?.value ?? 0,
    lines: {
      ...(listenPort && { listenPort: listenPort.line }),
      ...(dns.length > 0 && { dns: dns[0].line }),
      ...(mtu && { mtu: mtu.line }),
    },
  };
}

function splitDns(
  dns: readonly Located<Address | string>[],
  report: Report,
): Pick<InterfaceConfig, 'dnsServers' | 'searchDomains'> {
  const servers = new Map<string, Address>();
  const domains = new Set<string>();
  for (const { value, line } of dns) {
    if (typeof value !== 'string') {
      servers.set(formatAddress(value), value);
    } else if (value.startsWith('~')) {
      report.note(line, `DNS ${value} has no meaning here: every name is asked through the tunnel`);
    } else {
      domains.add(value);
    }
  }
  return { dnsServers: [...servers.values()], searchDomains: [...domains] };
}

/** Says what is in the file and has no effect; a value that nobody could use is an error even so. */
function tellWhatIsIgnored(section: Section, report: Report): void {
  const hooks = HOOK_KEYS.filter((key) => section.has(key));
  const firstHook = Math.min(...hooks.map((key) => section.firstLine(key) ?? Infinity));
  if (hooks.length > 0) {
    report.warn(
      firstHook,
      `${hooks.join(', ')} ignored: wg-wrap never runs commands from a config`,
    );
  }
  const mark = section.one('FwMark', parseFwMark);
  if (mark) {
    const reason = "the tunnel's routes live in their own namespace";
    report.note(mark.line, `FwMark has no meaning here: ${reason}`);
  }
  const table = section.one('Table', parseTable);
  if (table) report.note(table.line, 'Table has no meaning here: the routes are the AllowedIPs');
  const save = section.one('SaveConfig', parseBoolean);
  if (save) report.note(save.line, 'SaveConfig ignored: the file is never written');
}

/** A peer whose prefixes still know their lines. */
interface PeerDraft extends Omit<PeerConfig, 'allowedIPs'> {
  readonly allowedIPs: readonly Located<Prefix>[];
}

function readPeer(section: Section, place: Place, report: Report): PeerDraft | undefined {
  const publicKey = section.one('PublicKey', parsePublicKey);
  const presharedKey = section.one('PresharedKey', parsePresharedKey);
  const allowedIPs = section.all('AllowedIPs', parseAllowedIPs);
  const endpoint = section.one('Endpoint', parseEndpoint);
  const keepalive = section.one('PersistentKeepalive', parseKeepalive);
  const reserved = section.one('Reserved', parseReserved);
  if (!section.has('PublicKey')) report.error(place, '[Peer] has no PublicKey');
  if (!publicKey) return undefined;
  return {
    publicKey: publicKey.value,
    ...(presharedKey?.value && { presharedKey: presharedKey.value }),
    allowedIPs: withoutRepeats(allowedIPs),
    ...(endpoint && { endpoint: { ...endpoint.value, line: endpoint.line } }),
    persistentKeepaliveSeconds: keepalive?.value ?? 0,
    ...(reserved && { reserved: reserved.value }),
    line: place.line,
  };
}

/** Of the peers with one public key the last stays, as with `wg setconf`. */
function dropReplacedPeers(peers: readonly PeerDraft[], report: Report): PeerDraft[] {
  const kept = new Map<string, PeerDraft>();
  for (const peer of peers) {
    const key = formatKey(peer.publicKey);
    const earlier = kept.get(key);
    if (earlier) {
      const place = `line ${earlier.line}`;
      report.warn(peer.line, `[Peer] has the PublicKey of the one at ${place}, and replaces it`);
    }
    kept.delete(key);
    kept.set(key, peer);
  }
  return [...kept.values()];
}

/** A prefix belongs to one peer: the last that has it, as when the lines are applied in order. */
function giveEachPrefixToOnePeer(peers: readonly PeerDraft[], report: Report): PeerConfig[] {
  const owners = new Map<string, { readonly peer: PeerDraft; readonly line: number }>();
  for (const peer of peers) {
    for (const { value, line } of peer.allowedIPs) {
      const key = prefixKey(value);
      const earlier = owners.get(key);
      if (earlier) {
        const advice = `was also given at line ${earlier.line}; the later peer has it`;
        report.warn(line, `AllowedIPs ${formatPrefix(value)} ${advice}`);
      }
      owners.set(key, { peer, line });
      if (owners.size > MAX_ALLOWED_IPS) {
        report.error({ line, column: 1 }, `more than ${MAX_ALLOWED_IPS} AllowedIPs`);
        return [];
      }
    }
  }
  return peers.map((peer) => ({
    ...peer,
    allowedIPs: peer.allowedIPs
      .map(({ value }) => value)
      .filter((prefix) => owners.get(prefixKey(prefix))?.peer === peer),
  }));
}

function withoutRepeats(prefixes: readonly Located<Prefix>[]): Located<Prefix>[] {
  const unique = new Map<string, Located<Prefix>>();
  for (const prefix of prefixes) {
    const key = prefixKey(prefix.value);
    if (!unique.has(key)) unique.set(key, prefix);
  }
  return [...unique.values()];
}

/** Equal for equal prefixes, and cheap to make. */
function prefixKey({ address, length }: Prefix): string {
  return String.fromCharCode(...address, length);
}
