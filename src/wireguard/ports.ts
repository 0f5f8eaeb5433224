/**
 * All that the core asks of the world. The core has no clock, socket, randomness or promise of its
 * own: time is an argument of every verb, output goes to a sink, and the rest comes in here once.
 */
import type { Prefix } from '../ip.ts';

/** Milliseconds on a clock that counts suspend and never goes back. Only differences mean anything. */
export type Millis = number;

/**
 * Where a peer is, as the outer layer understands it. An endpoint doesn't change: the core keeps those
 * that it is given.
 */
export interface Endpoint {
  /** Same remote address and port, and the same local address where one is known? */
  equals(other: Endpoint): boolean;
  toString(): string;
  /** What a cookie is bound to: the source address and the source port (WP 5.4.7). */
  readonly cookieBytes: Uint8Array;
  /** What the rate limiter counts as one source: an IPv4 address, or an IPv6 /64. */
  readonly rateLimitKey: string;
  /**
   * The same remote endpoint, sent to from whichever local address the host's routes choose. The core
   * asks for it when silence suggests that the remembered local address is gone. Endpoints without
   * the method have no local address to forget.
   */
  withoutLocalAddress?(): Endpoint;
}

/** Takes what a verb produces. Neither function may call back into the device. */
export interface Outputs {
  /**
   * Sends one datagram. The bytes are the caller's again when this returns. `tos` is the value for
   * the outer IPv4 TOS or IPv6 traffic class: 0x88 (AF41) on initiations and responses, 0 on cookie
   * replies, and the inner packet's ECN codepoint on transport data.
   */
  transmit(to: Endpoint, datagram: Uint8Array, tos: number): void;
  /**
   * Hands over one IP packet for the tunnel device: a decrypted one whose source address belongs to
   * the peer that sent it, or an ICMP answer of ours. The bytes are the device's again when this
   * returns.
   */
  deliver(packet: Uint8Array): void;
}

/** A keypair on its way to the fast path. The keys are the caller's again when the call returns. */
export interface FastKeypair {
  readonly peer: number;
  /** Names the keypair, to both sides: the receiver index of what the peer sends. */
  readonly localIndex: number;
  /** The receiver index of what is sent to the peer. */
  readonly remoteIndex: number;
  /** Otherwise nothing may be sent on it until something authentic came on it. */
  readonly isInitiator: boolean;
  /** When the keys were derived: how long the keypair may be used counts from here. */
  readonly birth: Millis;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

/** One prefix and whose it is. */
export interface FastPrefix {
  readonly prefix: Prefix;
  readonly peer: number;
}

/**
 * A faster way for transport data below the core: it reads packets and datagrams itself, seals, opens,
 * counts, and hands up only what it can't do. Without one the core does everything.
 *
 * The core names peers by numbers, which come again once they are removed. What a fast path is told
 * holds when the call returns: a keypair that is removed is used by no thread any more. A keypair that
 * is installed is the fast path's alone, with its send counter and its window. No function calls back.
 *
 * It hands up, as calls of the device: packets without a usable keypair, peer or endpoint
 * (`handleTunPacket`), the three other messages (`handleDatagram`), and news of a peer
 * (`handleActivity`): at once where something authentic came on an unconfirmed keypair or from
 * elsewhere, else within a second or so of any traffic, and before `handleTimeout` and `status`.
 */
export interface FastPath {
  install(keypair: FastKeypair): void;
  /** Sends on this keypair from now on, in the place of the peer's former one. */
  promote(localIndex: number): void;
  /** Sends on no keypair of this peer; receiving goes on. */
  stopSending(peer: number): void;
  remove(localIndex: number): void;
  setEndpoint(peer: number, endpoint: Endpoint | undefined): void;
  /** Replaces the whole table. */
  setAllowedIPs(table: readonly FastPrefix[]): void;
  /** Forgets a peer, whose keypairs and prefixes are gone already, and its activity. */
  removePeer(peer: number): void;
  /** Seals and sends a packet, or a keepalive if it is empty, on the peer's current keypair. */
  send(peer: number, packet: Uint8Array): void;
  /** Sets `Activity.unansweredSince` to 0. */
  answered(peer: number): void;
  /** Sets `Activity.unrepliedSince` to 0. */
  replied(peer: number): void;
}

/** What a fast path has done for one peer. Times are 0 for never, bytes are UDP payload. */
export interface Activity {
  /** The last transport data sent and received, keepalives included. */
  readonly lastSent: Millis;
  readonly lastReceived: Millis;
  /** When the first packet that is no keepalive was sent, with nothing authentic received since. */
  readonly unansweredSince: Millis;
  /** When the first packet that is no keepalive was received, with nothing sent since. */
  readonly unrepliedSince: Millis;
  readonly txBytes: number;
  readonly rxBytes: number;
  /** The keypair that was sent on last, by its local index, and its next counter. */
  readonly sendingIndex: number;
  readonly nextCounter: number;
  /** The keypair that was last confirmed, by its local index. */
  readonly confirmedIndex: number;
  /** Where the last authentic datagram came from, if that is not the endpoint that was set. */
  readonly movedTo?: Endpoint | undefined;
}

/** A source of random bytes fit for keys. */
export interface Entropy {
  fill(bytes: Uint8Array): void;
}

/** Time since the Unix epoch, for TAI64N and for status only. It may jump either way. */
export type WallClock = () => { readonly seconds: number; readonly nanoseconds: number };

/** Diffie-Hellman on Curve25519 (RFC 7748). */
export interface X25519 {
  /** The public key of a clamped or unclamped private key. */
  publicKey(privateKey: Uint8Array): Uint8Array;
  /** The shared secret; undefined if it is all zero, as with a low-order point. */
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
}
