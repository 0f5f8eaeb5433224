/**
 * Small configurations to change in one place, and configurations as plain values to compare.
 */
import { readdirSync, readFileSync } from 'node:fs';
import {
  formatDiagnostic,
  parseConfig,
  type Config,
  type ParseOptions,
} from '../../../src/config/config.ts';
import { formatAddress, formatPrefix } from '../../../src/ip.ts';
import { formatKey } from '../../../src/key.ts';

export const PRIVATE_KEY = 'mB0ZJ3xPZyXAA3XbRjM0wCOjnbR7vHfPp6kb0rXNN2c=';
export const PUBLIC_KEY = 'tPzM0N5sd8JXMm9UQZJz0rdPjU7Rsp3eWTSQFVOHVkY=';
export const OTHER_PUBLIC_KEY = 'rJFZ1H8Mxlmc2nVY5cVCBs1kfPNvd2Z5tEJUnA5zhxQ=';

/** A text with `device` in its [Interface], from line 4 on, and `peer` in its [Peer]. */
export function sample({ device = '', peer = '' }: { device?: string; peer?: string }): string {
  return [
    '[Interface]',
    `PrivateKey = ${PRIVATE_KEY}`,
    'Address = 10.2.0.2/32',
    ...(device === '' ? [] : [device]),
    '[Peer]',
    `PublicKey = ${PUBLIC_KEY}`,
    ...(peer === '' ? [] : [peer]),
    '',
  ].join('\n');
}

/** What there is to tell about a text, as the user sees it. */
export interface Told {
  readonly config?: Config;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** Parses text or bytes, with the messages formatted for `work.conf`. */
export function tell(file: string | Uint8Array, options?: ParseOptions): Told {
  const bytes = typeof file === 'string' ? new TextEncoder().encode(file) : file;
  const result = parseConfig(bytes, options);
  const format = (diagnostic: Parameters<typeof formatDiagnostic>[1]): string =>
    formatDiagnostic('work.conf', diagnostic);
  if (!result.ok) return { errors: result.errors.map(format), warnings: [], notes: [] };
  const { config, warnings, notes } = result;
  return { config, errors: [], warnings: warnings.map(format), notes: notes.map(format) };
}

/** The configuration of a text that has to be right. */
export function accept(file: string | Uint8Array, options?: ParseOptions): Config {
  const { config, errors } = tell(file, options);
  if (!config) throw new Error(`refused:\n${errors.join('\n')}`);
  return config;
}

/** A configuration as a JSON value, with its secrets and without its lines. */
export function describeConfig(config: Config): unknown {
  const { privateKey, addresses, dnsServers, searchDomains, mtu, listenPort } = config.interface;
  const device = {
    privateKey: formatKey(privateKey.reveal()),
    addresses: addresses.map(formatPrefix),
    dnsServers: dnsServers.map(formatAddress),
    searchDomains,
    mtu: mtu ?? null,
    listenPort,
  };
  const peers = config.peers.map((peer) => ({
    publicKey: formatKey(peer.publicKey),
    presharedKey: peer.presharedKey ? formatKey(peer.presharedKey.reveal()) : null,
    allowedIPs: peer.allowedIPs.map(formatPrefix),
    endpoint: peer.endpoint ? { host: peer.endpoint.host, port: peer.endpoint.port } : null,
    persistentKeepaliveSeconds: peer.persistentKeepaliveSeconds,
    reserved: peer.reserved ? [...peer.reserved] : null,
  }));
  return { interface: device, peers };
}

const CORPUS = new URL('./corpus/', import.meta.url);

/** The files shaped as real ones: names without `.conf`, and their bytes. */
export const corpus: ReadonlyMap<string, Uint8Array> = new Map(
  readdirSync(CORPUS)
    .filter((name) => name.endsWith('.conf'))
    .map((name) => [
      name.replace(/\.conf$/, ''),
      new Uint8Array(readFileSync(new URL(name, CORPUS))),
    ]),
);

/** What a file of the corpus means, kept beside it. */
export function readMeaning(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, CORPUS), 'utf8'));
}
