/**
 * mac1, mac2 and cookies (WP 5.3, 5.4.4, 5.4.7, 6.6).
 *
 * Every initiation and response ends with two MACs. mac1 proves that the sender knows the receiver's
 * public key; without it nothing is ever answered. mac2 proves that the sender receives at the
 * address it sends from; it is asked for under load only, by a cookie reply.
 *
 *   holder (one for each peer)            maker (one for the device)
 *     message: mac1, mac2 = 0       →       under load: mac2 isn't right
 *     keeps the cookie              ←       cookie reply, sealed for whoever saw mac1
 *     next retry: mac1, mac2        →       right: on to the rate limiter
 *
 * A cookie is MAC(secret, source address ‖ source port). The maker remembers nothing but the secret.
 */
import { equalConstantTime } from '../bytes.ts';
import { openExtended, sealExtended } from './aead.ts';
import {
  COOKIE_SECRET_LATENCY_MS,
  COOKIE_SECRET_MAX_AGE_MS,
  KEY_BYTES,
  MAC_BYTES,
  UNDER_LOAD_INTERVAL_MS,
  UNDER_LOAD_MESSAGES,
} from './constants.ts';
import type { DropReason } from './drop-reason.ts';
import { hash, mac } from './kdf.ts';
import { COOKIE_REPLY, encodeCookieReply, senderIndex } from './messages.ts';
import type { Entropy, Millis } from './ports.ts';

const encoder = new TextEncoder();
const LABEL_MAC1 = encoder.encode('mac1----');
const LABEL_COOKIE = encoder.encode('cookie--');

/** The side that sends handshake messages to one peer, and holds the cookie that peer gave. */
export class CookieHolder {
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  #mac1Sent: Uint8Array | undefined;
  #cookie: Uint8Array | undefined;
  #cookieBirth: Millis = 0;

  /** `remoteStatic` is the key of whoever receives the messages. */
  constructor(remoteStatic: Uint8Array) {
    this.#mac1Key = hash(LABEL_MAC1, remoteStatic);
    this.#cookieKey = hash(LABEL_COOKIE, remoteStatic);
  }

  /** Writes both MACs into an initiation or a response that is otherwise complete. */
  stamp(message: Uint8Array, now: Millis): void {
    const mac2Offset = message.length - MAC_BYTES;
    const mac1Offset = mac2Offset - MAC_BYTES;
    this.#mac1Sent = mac(this.#mac1Key, message.subarray(0, mac1Offset));
    message.set(this.#mac1Sent, mac1Offset);
    const maxAge = COOKIE_SECRET_MAX_AGE_MS - COOKIE_SECRET_LATENCY_MS;
    if (!this.#cookie || now - this.#cookieBirth >= maxAge) return;
    message.set(mac(this.#cookie, message.subarray(0, mac2Offset)), mac2Offset);
  }

  /**
   * Keeps the cookie of a reply to the message last stamped. Nothing is sent for it: the next retry
   * carries it. Each mac1 is good for one reply.
   */
  consumeReply(message: Uint8Array, now: Millis): DropReason | undefined {
    if (!this.#mac1Sent) return 'unexpectedCookie';
    const nonce = message.subarray(COOKIE_REPLY.nonce, COOKIE_REPLY.cookie);
    const cookie = Uint8Array.from(message.subarray(COOKIE_REPLY.cookie));
    if (!openExtended(this.#cookieKey, nonce, cookie, this.#mac1Sent)) return 'unopenedCookie';
    this.#cookie = cookie.subarray(0, MAC_BYTES);
    this.#cookieBirth = now;
    this.#mac1Sent = undefined;
    return undefined;
  }
}

/** The side that receives handshake messages, and makes cookies. */
export class CookieMaker {
  readonly #entropy: Entropy;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  readonly #secret = new Uint8Array(KEY_BYTES);
  #secretBirth: Millis = -Infinity;

  /** `localStatic` is our own public key. */
  constructor(localStatic: Uint8Array, entropy: Entropy) {
    this.#entropy = entropy;
    this.#mac1Key = hash(LABEL_MAC1, localStatic);
    this.#cookieKey = hash(LABEL_COOKIE, localStatic);
  }

  /** Tells whether an initiation or a response was made for our public key. */
  checkMac1(message: Uint8Array): boolean {
    const offset = message.length - 2 * MAC_BYTES;
    const expected = mac(this.#mac1Key, message.subarray(0, offset));
    return equalConstantTime(expected, message.subarray(offset, offset + MAC_BYTES));
  }

  /** Tells whether the message carries the cookie of its source. */
  checkMac2(message: Uint8Array, sourceBytes: Uint8Array, now: Millis): boolean {
    // A secret too old, or never made, has given no cookie that counts.
    if (this.#isSecretOld(now)) return false;
    const offset = message.length - MAC_BYTES;
    const expected = mac(mac(this.#secret, sourceBytes), message.subarray(0, offset));
    return equalConstantTime(expected, message.subarray(offset));
  }

  /** The reply that gives the source of `message` its cookie. */
  createReply(message: Uint8Array, sourceBytes: Uint8Array, now: Millis): Uint8Array {
    if (this.#isSecretOld(now)) {
      this.#entropy.fill(this.#secret);
      this.#secretBirth = now;
    }
    const reply = encodeCookieReply(senderIndex(message));
    const nonce = reply.subarray(COOKIE_REPLY.nonce, COOKIE_REPLY.cookie);
    this.#entropy.fill(nonce);
    reply.set(mac(this.#secret, sourceBytes), COOKIE_REPLY.cookie);
    const mac1Offset = message.length - 2 * MAC_BYTES;
    const mac1 = message.subarray(mac1Offset, mac1Offset + MAC_BYTES);
    sealExtended(this.#cookieKey, nonce, reply.subarray(COOKIE_REPLY.cookie), mac1);
    return reply;
  }

  #isSecretOld(now: Millis): boolean {
    return now - this.#secretBirth >= COOKIE_SECRET_MAX_AGE_MS;
  }
}

/**
 * Tells when handshake messages with a right mac1 come too fast to be worth a Diffie-Hellman each.
 * A ring of arrival times makes the count exact for every interval, wherever it begins.
 */
export class LoadMeter {
  readonly #arrivals = new Float64Array(UNDER_LOAD_MESSAGES - 1).fill(-Infinity);
  #next = 0;
  #underLoadUntil: Millis = -Infinity;

  /** Counts one message. */
  count(now: Millis): void {
    // The slot to be overwritten holds the arrival that, with this one, spans the threshold.
    if (now - this.#arrivals[this.#next] < UNDER_LOAD_INTERVAL_MS) {
      this.#underLoadUntil = now + UNDER_LOAD_INTERVAL_MS;
    }
    this.#arrivals[this.#next] = now;
    this.#next = (this.#next + 1) % this.#arrivals.length;
  }

  /** Tells whether the device is under load. */
  underLoad(now: Millis): boolean {
    return now < this.#underLoadUntil;
  }
}
