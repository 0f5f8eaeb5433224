/**
 * The state of a device in WireGuard's text protocol: what `get=1` answers, to values and back. A
 * leaf beside `uapi`, which has the protocol and its requests.
 *
 * A peer starts with `public_key=…`. What is absent or never happened is zeros in the text and
 * undefined in the value: a preshared key, the time of the last handshake.
 */
import { formatHex, isZero } from './bytes.ts';
import { formatPrefix, parsePrefix, type Prefix } from './ip.ts';
import { KEY_BYTES } from './key.ts';
import {
  assign,
  formatEndpoint,
  formatErrno,
  parseEndpoint,
  parseErrno,
  parseHexKey,
  parseInteger,
  readLines,
  UAPI_ERRNO,
  UAPI_MAX_PEERS,
  uapiError,
  type UapiEndpoint,
  type UapiError,
  type Writable,
} from './uapi.ts';

/** The state of one peer. */
export interface UapiPeerStatus {
  readonly publicKey: Uint8Array;
  readonly presharedKey?: Uint8Array | undefined;
  readonly endpoint?: UapiEndpoint | undefined;
  /** Absent if there was none. */
  readonly lastHandshakeTime?:
    { readonly seconds: number; readonly nanoseconds: number } | undefined;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** 0 for none. */
  readonly persistentKeepaliveSeconds: number;
  readonly allowedIPs: readonly Prefix[];
}

/** The state of a device, as `get=1` tells it. */
export interface UapiStatus {
  readonly privateKey?: Uint8Array | undefined;
  /** An addition of ours, for who is not told the private key; wg(8) passes it over. */
  readonly ownPublicKey?: Uint8Array | undefined;
  readonly listenPort?: number | undefined;
  readonly fwmark?: number | undefined;
  readonly peers: readonly UapiPeerStatus[];
}

type PeerDraft = Writable<Omit<UapiPeerStatus, 'allowedIPs'>> & { allowedIPs: Prefix[] };
type StatusDraft = Writable<Omit<UapiStatus, 'peers'>> & { peers: PeerDraft[] };

/**
 * Formats the answer to `get=1`. Without `secrets` it has no private key, and each preshared key is
 * zeros.
 */
export function formatGet(status: UapiStatus, options: { readonly secrets: boolean }): string {
  const lines: string[] = [];
  if (options.secrets && status.privateKey) {
    lines.push(`private_key=${formatHex(status.privateKey)}`);
  }
  if (status.ownPublicKey) lines.push(`own_public_key=${formatHex(status.ownPublicKey)}`);
  if (status.listenPort !== undefined) lines.push(`listen_port=${status.listenPort}`);
  if (status.fwmark !== undefined) lines.push(`fwmark=${status.fwmark}`);
  for (const peer of status.peers) pushPeerStatus(lines, peer, options.secrets);
  return `${lines.map((line) => `${line}\n`).join('')}${formatErrno(UAPI_ERRNO.ok)}`;
}

/**
 * Reads the answer to `get=1`. A key that nobody knows is skipped, as wg(8) does; an answer with an
 * errno other than 0, or with none, is a failure. Never throws.
 */
export function parseGet(
  answer: string,
): { readonly ok: true; readonly status: UapiStatus } | UapiError {
  const lines = readLines(answer);
  if (!Array.isArray(lines)) return lines;
  const status: StatusDraft = { peers: [] };
  for (const [index, { key, value }] of lines.entries()) {
    if (key === 'errno') {
      const errno = parseErrno(`errno=${value}`);
      return errno === UAPI_ERRNO.ok ? { ok: true, status } : { ok: false, errno, line: 0 };
    }
    const peer = status.peers.at(-1);
    const isAccepted =
      key === 'public_key'
        ? startPeerStatus(status, value)
        : peer
          ? readPeerStatus(peer, key, value)
          : readDeviceStatus(status, key, value);
    if (!isAccepted) return uapiError('invalid', index + 1);
  }
  return uapiError('protocol', lines.length + 1);
}

function readDeviceStatus(status: StatusDraft, key: string, value: string): boolean {
  switch (key) {
    case 'private_key':
      return assignKey(status, 'privateKey', value);
    case 'own_public_key':
      return assignKey(status, 'ownPublicKey', value);
    case 'listen_port':
      return assign(status, 'listenPort', parseInteger(value, 65535));
    case 'fwmark':
      return assign(status, 'fwmark', parseInteger(value, 0xffffffff));
    default:
      return true;
  }
}

function startPeerStatus(status: StatusDraft, value: string): boolean {
  const publicKey = parseHexKey(value);
  if (!publicKey || status.peers.length >= UAPI_MAX_PEERS) return false;
  const counters = { rxBytes: 0, txBytes: 0, persistentKeepaliveSeconds: 0 };
  status.peers.push({ publicKey, ...counters, allowedIPs: [] });
  return true;
}

function readPeerStatus(peer: PeerDraft, key: string, value: string): boolean {
  switch (key) {
    case 'preshared_key':
      return assignKey(peer, 'presharedKey', value);
    case 'endpoint':
      return assign(peer, 'endpoint', parseEndpoint(value));
    case 'last_handshake_time_sec':
      return readHandshakeTime(peer, 'seconds', parseInteger(value));
    case 'last_handshake_time_nsec':
      return readHandshakeTime(peer, 'nanoseconds', parseInteger(value, 999_999_999));
    case 'rx_bytes':
      return assign(peer, 'rxBytes', parseInteger(value));
    case 'tx_bytes':
      return assign(peer, 'txBytes', parseInteger(value));
    case 'persistent_keepalive_interval':
      return assign(peer, 'persistentKeepaliveSeconds', parseInteger(value, 65535));
    case 'allowed_ip': {
      const prefix = parsePrefix(value);
      if (prefix) peer.allowedIPs.push(prefix);
      return prefix !== undefined;
    }
    default:
      return true;
  }
}

function readHandshakeTime(
  peer: PeerDraft,
  part: 'seconds' | 'nanoseconds',
  value: number | undefined,
): boolean {
  // Two zeros are how the protocol says "never".
  if (value) {
    peer.lastHandshakeTime = {
      seconds: 0,
      nanoseconds: 0,
      ...peer.lastHandshakeTime,
      [part]: value,
    };
  }
  return value !== undefined;
}

function pushPeerStatus(lines: string[], peer: UapiPeerStatus, secrets: boolean): void {
  const presharedKey = (secrets && peer.presharedKey) || new Uint8Array(KEY_BYTES);
  lines.push(
    `public_key=${formatHex(peer.publicKey)}`,
    `preshared_key=${formatHex(presharedKey)}`,
    'protocol_version=1',
  );
  if (peer.endpoint) lines.push(`endpoint=${formatEndpoint(peer.endpoint)}`);
  lines.push(
    `last_handshake_time_sec=${peer.lastHandshakeTime?.seconds ?? 0}`,
    `last_handshake_time_nsec=${peer.lastHandshakeTime?.nanoseconds ?? 0}`,
    `tx_bytes=${peer.txBytes}`,
    `rx_bytes=${peer.rxBytes}`,
    `persistent_keepalive_interval=${peer.persistentKeepaliveSeconds}`,
  );
  for (const prefix of peer.allowedIPs) lines.push(`allowed_ip=${formatPrefix(prefix)}`);
}

/** Takes a key of a status, where zeros mean none. */
function assignKey<Key extends string>(
  target: { [K in Key]?: Uint8Array | undefined },
  key: Key,
  value: string,
): boolean {
  const bytes = parseHexKey(value);
  if (bytes && !isZero(bytes)) target[key] = bytes;
  return bytes !== undefined;
}
