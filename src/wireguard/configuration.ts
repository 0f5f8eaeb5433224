/**
 * What goes into a device by `configure`, and what comes out of it by `status`: plain values.
 */
import type { Prefix } from '../ip.ts';
import { KEY_BYTES } from './constants.ts';
import type { DropCounters } from './drop-reason.ts';
import type { Endpoint } from './ports.ts';
import type { PeerReplies } from './replies.ts';

/** One prefix to add to a peer, or to take away if it is that peer's. */
export interface AllowedIPUpdate {
  readonly prefix: Prefix;
  readonly remove?: boolean;
}

/** What changes for one peer; a field that is missing changes nothing. */
export interface PeerUpdate {
  readonly publicKey: Uint8Array;
  readonly remove?: boolean;
  /** Changes the peer only if it exists. */
  readonly updateOnly?: boolean;
  /** Zeros: none. */
  readonly presharedKey?: Uint8Array;
  /** The one and only place where the peer is, until it is heard from elsewhere. */
  readonly endpoint?: Endpoint;
  /** Places where it may be, in the order in which to try them; at most 32 are kept. */
  readonly candidates?: readonly Endpoint[];
  /** 0 to 65535; 0 turns it off. */
  readonly persistentKeepaliveSeconds?: number;
  /** Takes all prefixes from the peer before `allowedIPs` are applied. */
  readonly replaceAllowedIPs?: boolean;
  readonly allowedIPs?: readonly AllowedIPUpdate[];
}

/** What changes for the device; applied from top to bottom. */
export interface DeviceUpdate {
  /** Zeros: none. */
  readonly privateKey?: Uint8Array;
  /** Removes all peers before `peers` are applied. */
  readonly replacePeers?: boolean;
  readonly peers?: readonly PeerUpdate[];
}

/** One peer as it is. */
export interface PeerStatus {
  readonly publicKey: Uint8Array;
  readonly presharedKey?: Uint8Array;
  readonly endpoint?: Endpoint;
  readonly allowedIPs: readonly Prefix[];
  readonly lastHandshakeTime?: { readonly seconds: number; readonly nanoseconds: number };
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Initiations sent because nothing had come back, ever. */
  readonly silences: number;
  readonly persistentKeepaliveSeconds: number;
  readonly stagedPackets: number;
  readonly replies: PeerReplies;
}

/** The device as it is. */
export interface DeviceStatus {
  readonly publicKey?: Uint8Array;
  readonly mtu: number;
  readonly peers: readonly PeerStatus[];
  readonly drops: Readonly<DropCounters>;
  readonly underLoad: boolean;
}

/** Throws RangeError for bytes and numbers that no configuration can mean. */
export function checkUpdate(update: DeviceUpdate): void {
  if (update.privateKey) checkKey(update.privateKey);
  for (const peer of update.peers ?? []) {
    checkKey(peer.publicKey);
    if (peer.presharedKey) checkKey(peer.presharedKey);
    const seconds = peer.persistentKeepaliveSeconds ?? 0;
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > 0xffff) {
      throw new RangeError('a persistent keepalive interval is 0 to 65535 seconds');
    }
    for (const { prefix } of peer.allowedIPs ?? []) checkPrefix(prefix);
  }
}

function checkKey(key: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new RangeError('a key has 32 bytes');
}

function checkPrefix({ address, length }: Prefix): void {
  const isAddress = address.length === 4 || address.length === 16;
  if (!isAddress || !Number.isInteger(length) || length < 0 || length > 8 * address.length) {
    throw new RangeError('a prefix is 4 or 16 bytes and a length within them');
  }
}
