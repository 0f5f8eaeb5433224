/**
 * `wg-wrap check`: what a run would make of a configuration, without one. It reads the file and the
 * host's resolv.conf, and touches no network: names stay names, and where the file has no MTU the
 * route that decides it isn't looked up.
 */
import { formatDiagnostic, parseConfig, type Config, type Diagnostic } from '../config/config.ts';
import { WgWrapError } from '../errors.ts';
import { formatAddress, formatPrefix, type Address } from '../ip.ts';
import { abbreviateKey, formatKey } from '../key.ts';
import { readConfigFile, type ConfigFile, type ProfileEnvironment } from '../linux/config-file.ts';
import { hostNameservers } from '../linux/resolve.ts';
import { x25519 } from '../linux/x25519.ts';
import { printable, printableJson } from '../printable.ts';
import { decideDns, type DnsDecision } from './dns.ts';
import { endpointText } from './endpoint-text.ts';

/** The object that `--json` prints (docs/status.md). Fields are only ever added. */
export interface CheckReport {
  readonly schema: 1;
  readonly ok: boolean;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
  readonly notes: readonly Diagnostic[];
  /** This and what follows is null if there are errors. */
  readonly interface: {
    readonly public_key: string;
    readonly addresses: readonly string[];
    /** 0 for any. */
    readonly listen_port: number;
  } | null;
  readonly peers:
    | readonly {
        readonly public_key: string;
        readonly preshared_key: boolean;
        readonly endpoint: string | null;
        readonly allowed_ips: readonly string[];
        readonly persistent_keepalive_s: number | null;
      }[]
    | null;
  readonly routes: readonly { readonly destination: string; readonly peer: string }[] | null;
  readonly dns: {
    readonly mode: DnsDecision['mode'];
    readonly servers: readonly string[];
    readonly search: readonly string[];
  } | null;
  /** Null also where it will be that of the route to the endpoint, less WireGuard's overhead. */
  readonly mtu: number | null;
}

/** What tells where profiles are. */
export type CheckEnvironment = ProfileEnvironment;

/** What `check` prints, and its exit status. */
export interface CheckAnswer {
  readonly text: string;
  readonly exitStatus: number;
}

/**
 * Checks the configuration that `source` names.
 * @throws {WgWrapError} `config`: as text all errors of the file; else only if it can't be read.
 */
export function checkFile(
  source: string,
  options: { readonly asJson: boolean; readonly ignoreUnknown: boolean },
  environment: CheckEnvironment,
): CheckAnswer {
  const file = readConfigFile(source, environment);
  const report = check(file, options.ignoreUnknown, hostNameservers());
  if (options.asJson) {
    return { text: `${printableJson(report)}\n`, exitStatus: report.ok ? 0 : 78 };
  }
  if (!report.ok) {
    throw new WgWrapError(
      'config',
      report.errors.map((error) => withPlace(file.shown, error)),
    );
  }
  return { text: formatCheck(file.shown, report), exitStatus: 0 };
}

/** Checks a file that has been read. */
export function check(
  file: Pick<ConfigFile, 'shown' | 'bytes'>,
  ignoreUnknown: boolean,
  hostServers: readonly Address[],
): CheckReport {
  const result = parseConfig(file.bytes, { ignoreUnknown });
  if (!result.ok) return failed(result.errors);
  let dns: DnsDecision;
  try {
    dns = decideDns(file.shown, result.config, undefined, hostServers);
  } catch (error) {
    if (!(error instanceof WgWrapError)) throw error;
    return failed(error.lines.map(ofWholeFile));
  }
  return {
    schema: 1,
    ok: true,
    errors: [],
    warnings: [...result.warnings, ...dns.warnings.map(ofWholeFile)],
    notes: [...result.notes, ...dns.notes.map(ofWholeFile)],
    ...describe(result.config, dns),
  };
}

function describe(
  config: Config,
  dns: DnsDecision,
): Pick<CheckReport, 'interface' | 'peers' | 'routes' | 'dns' | 'mtu'> {
  const { privateKey, addresses, listenPort, mtu } = config.interface;
  // There are extra routes only where there is one peer.
  const allowed = (prefixes: Config['peers'][number]['allowedIPs']): readonly string[] =>
    [...prefixes, ...dns.extraRoutes].map(formatPrefix);
  return {
    interface: {
      public_key: formatKey(x25519.publicKey(privateKey.reveal())),
      addresses: addresses.map(formatPrefix),
      listen_port: listenPort,
    },
    peers: config.peers.map((peer) => ({
      public_key: formatKey(peer.publicKey),
      preshared_key: peer.presharedKey !== undefined,
      endpoint: peer.endpoint ? endpointText(peer.endpoint) : null,
      allowed_ips: allowed(peer.allowedIPs),
      persistent_keepalive_s: peer.persistentKeepaliveSeconds || null,
    })),
    routes: config.peers.flatMap((peer) =>
      allowed(peer.allowedIPs).map((destination) => ({
        destination,
        peer: formatKey(peer.publicKey),
      })),
    ),
    dns: {
      mode: dns.mode,
      servers: dns.servers.map(formatAddress),
      search: dns.searchDomains,
    },
    mtu: mtu ?? null,
  };
}

function failed(errors: readonly Diagnostic[]): CheckReport {
  return {
    schema: 1,
    ok: false,
    errors,
    warnings: [],
    notes: [],
    interface: null,
    peers: null,
    routes: null,
    dns: null,
    mtu: null,
  };
}

function ofWholeFile(message: string): Diagnostic {
  return { line: 0, column: 0, message };
}

/** What is about the whole file names it already. */
function withPlace(shown: string, diagnostic: Diagnostic): string {
  return diagnostic.line === 0 ? diagnostic.message : formatDiagnostic(shown, diagnostic);
}

/** A good configuration as text. */
export function formatCheck(shown: string, report: CheckReport): string {
  const { interface: device, dns, mtu } = report;
  const lines = [
    `${shown}: good`,
    line('public key', device?.public_key ?? ''),
    line('addresses', device?.addresses.join(', ') ?? ''),
    line(
      'mtu',
      mtu === null ? 'that of the route to the endpoint less 80, 1280 to 1420' : `${mtu}`,
    ),
    line('dns', [...(dns?.servers ?? []), ...(dns?.search ?? [])].join(', ') || 'none'),
    ...(report.peers ?? []).flatMap((peer) => [
      line('peer', peer.public_key),
      line('', peer.endpoint ?? 'no endpoint: it has to speak first'),
    ]),
    ...(report.routes ?? []).map(({ destination, peer }) =>
      line('route', `${destination} through ${shortKey(peer)}${ALL[destination] ?? ''}`),
    ),
    ...unreachable(report).map((family) => line('route', `none for ${family}: unreachable inside`)),
    ...report.warnings.map((warning) => line('warning', withPlace(shown, warning))),
    ...report.notes.map((note) => line('note', withPlace(shown, note))),
  ];
  return lines.map((text) => `${printable(text)}\n`).join('');
}

const ALL: Readonly<Record<string, string>> = {
  '0.0.0.0/0': ' (all of IPv4)',
  '::/0': ' (all of IPv6)',
};

function unreachable({ routes }: CheckReport): readonly string[] {
  const destinations = (routes ?? []).map(({ destination }) => destination);
  const has6 = destinations.some((destination) => destination.includes(':'));
  const has4 = destinations.some((destination) => !destination.includes(':'));
  return [...(has4 ? [] : ['IPv4']), ...(has6 ? [] : ['IPv6'])];
}

function shortKey(text: string): string {
  return abbreviateKey(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(12)}${text}`;
}
