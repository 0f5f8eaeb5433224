/**
 * All that the core asks of the world. The core has no clock, socket, randomness or promise of its
 * own: time is an argument of every verb, output goes to a sink, and the rest comes in here once.
 */

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
