/**
 * The protocol's constants, first those of the specification (WP 6.1 and 5.4), then those of this
 * implementation. Time is in milliseconds.
 *
 * "Has age X" means `now - birth >= X` everywhere.
 */

/** An initiator that sends on a keypair of this age wants another one. */
export const REKEY_AFTER_TIME_MS = 120_000;
/** A keypair of this age neither sends nor receives. */
export const REJECT_AFTER_TIME_MS = 180_000;
/** Retries of an initiation are this far apart, and no two initiations to a peer are closer. */
export const REKEY_TIMEOUT_MS = 5_000;
/** After a packet received and this long without sending, a keepalive is sent. */
export const KEEPALIVE_TIMEOUT_MS = 10_000;
/** Retries after which a handshake is given up: REKEY_ATTEMPT_TIME, 90 s, over REKEY_TIMEOUT. */
export const MAX_HANDSHAKE_ATTEMPTS = 18;
/**
 * Packets sent on one keypair after which another is wanted. WP has 2^60; counters here are
 * JavaScript numbers, and a lower limit is safe.
 */
export const REKEY_AFTER_MESSAGES: number = 2 ** 52;
/** The first counter that is neither sent nor accepted. WP has 2^64 - 2^13 - 1. */
export const REJECT_AFTER_MESSAGES: number = 2 ** 53 - 2 ** 13 - 1;
/** The maker of cookies keeps a secret this long. */
export const COOKIE_SECRET_MAX_AGE_MS = 120_000;
/** The holder of a cookie stops trusting it this long before its maker does. */
export const COOKIE_SECRET_LATENCY_MS = 5_000;

/** Length of keys, hashes, points and secrets. */
export const KEY_BYTES = 32;
/** Length of the Poly1305 tag. */
export const TAG_BYTES = 16;
/** Length of mac1, mac2 and of a cookie. */
export const MAC_BYTES = 16;
/** Length of a TAI64N timestamp. */
export const TIMESTAMP_BYTES = 12;

/** Timers that many peers may have in step are spread by 0 to this many milliseconds. */
export const MAX_JITTER_MS = 333;
/** An accepted initiation bars others from the same peer this long: 50 a second. */
export const MIN_INITIATION_INTERVAL_MS = 20;
/** Packets that wait for a handshake, for one peer. */
export const MAX_STAGED_PACKETS_PER_PEER = 128;
/** Packets that wait for a handshake, for all peers. */
export const MAX_STAGED_PACKETS = 4_096;
/** Peers of one device. */
export const MAX_PEERS = 65_536;
/** Bits in the replay window's ring. */
export const REPLAY_RING_BITS = 8_192;
/** How far a counter may lie behind the greatest one; the rest of the ring is being cleared. */
export const REPLAY_WINDOW_SIZE = 8_128;
/** Handshake messages with a right mac1 within one load interval that put the device under load. */
export const UNDER_LOAD_MESSAGES = 128;
/** The device stays under load until this long after the last time the threshold was reached. */
export const UNDER_LOAD_INTERVAL_MS = 1_000;
/** Handshake messages a second that one source may send while the device is under load. */
export const RATE_LIMIT_PER_SECOND = 20;
/** Handshake messages that one source may send at once while the device is under load. */
export const RATE_LIMIT_BURST = 5;
/** A source that is quiet this long is forgotten: its bucket is full again long before. */
export const RATE_LIMIT_FORGET_MS = 1_000;
/** Sources that the rate limiter knows at once. */
export const RATE_LIMIT_MAX_SOURCES = 16_384;
/** ICMP answers a second for packets that no peer can take. */
export const UNREACHABLE_PER_SECOND = 20;
/** Padding brings plaintext to a multiple of this, but never above the MTU (WP 5.4.6). */
export const PADDING_MULTIPLE = 16;
/** TOS of initiations and responses: AF41. */
export const HANDSHAKE_TOS = 0x88;
