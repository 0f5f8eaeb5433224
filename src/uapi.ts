/**
 * The requests of WireGuard's cross-platform text protocol, as wg(8) speaks it: text to values and
 * back. A leaf, for the engine's control socket and for those who ask it; `uapi-status` has what a
 * device answers.
 *
 *   request  set=1 or get=1, then `key=value` lines, then an empty line
 *   answer   for get the state in the same form, then errno=N, then an empty line
 *
 * A line `public_key=…` starts a peer; what comes before the first belongs to the device. Keys are
 * 64 hexadecimal digits, and 32 zero bytes as a private or preshared key mean: none. A request is
 * read to its end before any of it is applied, so a bad line changes nothing. Errno values are
 * negative, as wireguard-go sends them: wg(8) negates them.
 *
 * A line that removes a peer's allowed IPs undoes the lines of that peer before it, so that a value
 * needs no order between the two: first replace, then add and take away in the order of the list.
 */
import { formatHex, parseHex } from './bytes.ts';
import {
  formatPrefix,
  formatSocketAddress,
  maskPrefix,
  parsePrefix,
  parseSocketAddress,
  type Prefix,
  type SocketAddress,
} from './ip.ts';
import { KEY_BYTES } from './key.ts';

/** The values of `errno=` in an answer. */
export const UAPI_ERRNO = {
  ok: 0,
  /** EIO: the engine could not do it. */
  inputOutput: -5,
  /** EINVAL: an unknown key or a bad value. */
  invalid: -22,
  /** EPROTO: a line without `=`, or no request at all. */
  protocol: -71,
  /** EADDRINUSE: the port is taken. */
  addressInUse: -98,
} as const;

/** One of the values of `errno=`. */
export type UapiErrno = (typeof UAPI_ERRNO)[keyof typeof UAPI_ERRNO];

/** Most peers that one request may name. */
export const UAPI_MAX_PEERS = 65536;

/** A prefix given to a peer, or taken from it if it is the peer's. Host bits are cleared. */
export interface UapiAllowedIP {
  readonly prefix: Prefix;
  readonly remove?: boolean;
}

/** Where a peer is; a link-local address has the zone in which it holds (RFC 4007 11). */
export interface UapiEndpoint extends SocketAddress {
  readonly zone?: string | undefined;
}

/** What a request says about one peer. */
export interface UapiPeer {
  readonly publicKey: Uint8Array;
  readonly remove?: boolean;
  readonly updateOnly?: boolean;
  /** 32 zero bytes: none. */
  readonly presharedKey?: Uint8Array;
  readonly endpoint?: UapiEndpoint;
  readonly persistentKeepaliveSeconds?: number;
  readonly replaceAllowedIPs?: boolean;
  readonly allowedIPs?: readonly UapiAllowedIP[];
}

/** A request `set=1`. A key may name several peers; they apply in order. */
export interface UapiSet {
  /** 32 zero bytes: none. */
  readonly privateKey?: Uint8Array;
  readonly listenPort?: number;
  readonly fwmark?: number;
  readonly replacePeers: boolean;
  readonly peers: readonly UapiPeer[];
}

/** Why a text was not understood. */
export interface UapiError {
  readonly ok: false;
  readonly errno: UapiErrno;
  /** The line, counted from 1; 0 for the text as a whole. */
  readonly line: number;
}

/** The type with its properties open to writing, for a value that is being read. */
export type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

type PeerDraft = Writable<Omit<UapiPeer, 'allowedIPs'>> & { allowedIPs?: UapiAllowedIP[] };
type SetDraft = Writable<Omit<UapiSet, 'peers'>> & { peers: PeerDraft[] };

/** Reads a request `set=1` up to its empty line or its end. Never throws. */
export function parseSet(
  request: string,
): { readonly ok: true; readonly set: UapiSet } | UapiError {
  const lines = readLines(request);
  if (!Array.isArray(lines)) return lines;
  if (lines[0]?.key !== 'set' || lines[0].value !== '1') return uapiError('protocol', 1);
  const set: SetDraft = { replacePeers: false, peers: [] };
  for (const [index, { key, value }] of lines.entries()) {
    if (index === 0) continue;
    const peer = set.peers.at(-1);
    const isAccepted =
      key === 'public_key'
        ? startPeer(set, value)
        : peer
          ? setPeerKey(peer, key, value)
          : setDeviceKey(set, key, value);
    if (!isAccepted) return uapiError('invalid', index + 1);
  }
  return { ok: true, set };
}

/** Formats a request `set=1` with its empty line. It holds secrets. */
export function formatSet(set: UapiSet): string {
  const lines = ['set=1'];
  if (set.privateKey) lines.push(`private_key=${formatHex(set.privateKey)}`);
  if (set.listenPort !== undefined) lines.push(`listen_port=${set.listenPort}`);
  if (set.fwmark !== undefined) lines.push(`fwmark=${set.fwmark}`);
  if (set.replacePeers) lines.push('replace_peers=true');
  for (const peer of set.peers) pushPeer(lines, peer);
  return `${lines.join('\n')}\n\n`;
}

/** Formats the end of an answer. */
export function formatErrno(errno: UapiErrno): string {
  return `errno=${errno}\n\n`;
}

/** Reads the answer to `set=1`: its errno, or that of a broken answer. */
export function parseErrno(answer: string): UapiErrno {
  const value = /^errno=(-?\d+)$/m.exec(answer)?.[1];
  if (value === undefined) return UAPI_ERRNO.protocol;
  return (
    Object.values(UAPI_ERRNO).find((errno) => errno === Number(value)) ?? UAPI_ERRNO.inputOutput
  );
}

/** Splits a text into its lines, up to the first empty one. */
export function readLines(text: string): { key: string; value: string }[] | UapiError {
  const lines: { key: string; value: string }[] = [];
  for (const line of text.split('\n')) {
    if (line === '') break;
    const equals = line.indexOf('=');
    if (equals < 0) return uapiError('protocol', lines.length + 1);
    lines.push({ key: line.slice(0, equals), value: line.slice(equals + 1) });
  }
  return lines;
}

/** Makes a failure at a line. */
export function uapiError(reason: keyof typeof UAPI_ERRNO, line: number): UapiError {
  return { ok: false, errno: UAPI_ERRNO[reason], line };
}

// Each of the next four takes one line into the draft and tells whether the line was good.
function setDeviceKey(set: SetDraft, key: string, value: string): boolean {
  switch (key) {
    case 'private_key':
      return assign(set, 'privateKey', parseHexKey(value));
    case 'listen_port':
      return assign(set, 'listenPort', parseInteger(value, 65535));
    case 'fwmark':
      return assign(set, 'fwmark', parseInteger(value, 0xffffffff));
    case 'replace_peers':
      return assign(set, 'replacePeers', parseTrue(value));
    default:
      return false;
  }
}

function startPeer(set: SetDraft, value: string): boolean {
  const publicKey = parseHexKey(value);
  if (!publicKey || set.peers.length >= UAPI_MAX_PEERS) return false;
  set.peers.push({ publicKey });
  return true;
}

function setPeerKey(peer: PeerDraft, key: string, value: string): boolean {
  switch (key) {
    case 'remove':
      return assign(peer, 'remove', parseTrue(value));
    case 'update_only':
      return assign(peer, 'updateOnly', parseTrue(value));
    case 'preshared_key':
      return assign(peer, 'presharedKey', parseHexKey(value));
    case 'endpoint':
      return assign(peer, 'endpoint', parseEndpoint(value));
    case 'persistent_keepalive_interval':
      return assign(peer, 'persistentKeepaliveSeconds', parseInteger(value, 65535));
    case 'replace_allowed_ips':
      delete peer.allowedIPs;
      return assign(peer, 'replaceAllowedIPs', parseTrue(value));
    case 'allowed_ip':
      return addAllowedIP(peer, value);
    case 'protocol_version':
      return value === '1';
    default:
      return false;
  }
}

function addAllowedIP(peer: PeerDraft, value: string): boolean {
  const remove = value.startsWith('-');
  const prefix = parsePrefix(remove ? value.slice(1) : value);
  if (!prefix) return false;
  const masked = maskPrefix(prefix);
  (peer.allowedIPs ??= []).push(remove ? { prefix: masked, remove } : { prefix: masked });
  return true;
}

function pushPeer(lines: string[], peer: UapiPeer): void {
  lines.push(`public_key=${formatHex(peer.publicKey)}`);
  if (peer.remove) lines.push('remove=true');
  if (peer.updateOnly) lines.push('update_only=true');
  if (peer.presharedKey) lines.push(`preshared_key=${formatHex(peer.presharedKey)}`);
  if (peer.endpoint) lines.push(`endpoint=${formatEndpoint(peer.endpoint)}`);
  if (peer.persistentKeepaliveSeconds !== undefined) {
    lines.push(`persistent_keepalive_interval=${peer.persistentKeepaliveSeconds}`);
  }
  if (peer.replaceAllowedIPs) lines.push('replace_allowed_ips=true');
  for (const { prefix, remove } of peer.allowedIPs ?? []) {
    lines.push(`allowed_ip=${remove ? '-' : ''}${formatPrefix(prefix)}`);
  }
}

/** Sets a property and tells whether there was a value for it. */
export function assign<T, Key extends keyof T>(
  target: T,
  key: Key,
  value: T[Key] | undefined,
): boolean {
  if (value === undefined) return false;
  target[key] = value;
  return true;
}

/** Parses `1.2.3.4:5`, `[2001:db8::1]:5` or `[fe80::1%eth0]:5`. */
export function parseEndpoint(text: string): UapiEndpoint | undefined {
  const scoped = /^\[([^%\]]*)%([^%\]\s/]{1,15})\](:\d+)$/.exec(text);
  if (!scoped) return parseSocketAddress(text);
  const [, address, zone, port] = scoped;
  const endpoint = parseSocketAddress(`[${address}]${port}`);
  return endpoint && isLinkLocal(endpoint) ? { ...endpoint, zone } : undefined;
}

/** Formats an endpoint as `parseEndpoint` takes it. */
export function formatEndpoint(endpoint: UapiEndpoint): string {
  const text = formatSocketAddress(endpoint);
  return endpoint.zone === undefined ? text : text.replace(']', () => `%${endpoint.zone ?? ''}]`);
}

/** Tells whether an address is in fe80::/10 (RFC 4291 2.5.6). */
function isLinkLocal({ address }: SocketAddress): boolean {
  return address.length === 16 && address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
}

/** Parses the 64 digits of a key. */
export function parseHexKey(text: string): Uint8Array | undefined {
  return text.length === 2 * KEY_BYTES ? parseHex(text) : undefined;
}

/** Parses decimal digits, up to `maximum`. */
export function parseInteger(
  text: string,
  maximum: number = Number.MAX_SAFE_INTEGER,
): number | undefined {
  return /^\d{1,16}$/.test(text) && Number(text) <= maximum ? Number(text) : undefined;
}

function parseTrue(text: string): true | undefined {
  return text === 'true' ? true : undefined;
}
