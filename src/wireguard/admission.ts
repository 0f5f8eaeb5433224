/**
 * Who gets to the expensive part of a handshake: a message made for our public key and, under load, one
 * that brings our cookie and whose source doesn't send too many (WP 5.3).
 */
import type { CookieMaker } from './cookie.ts';
import { LoadMeter } from './cookie.ts';
import type { DropReason } from './drop-reason.ts';
import type { Endpoint, Millis, Outputs } from './ports.ts';
import { RateLimiter } from './rate-limiter.ts';

/** What stands before every Diffie-Hellman that a stranger could ask for. */
export class Admission {
  readonly #load = new LoadMeter();
  readonly #rateLimiter = new RateLimiter();

  /** Tells whether handshake messages need a cookie at `now`. */
  underLoad(now: Millis): boolean {
    return this.#load.underLoad(now);
  }

  /** Forgets sources that have been quiet. */
  forget(now: Millis): void {
    this.#rateLimiter.forget(now);
  }

  /** Admits an initiation or a response, or says why not; a wrong mac1 is never answered. */
  admit(
    cookies: CookieMaker,
    message: Uint8Array,
    from: Endpoint,
    now: Millis,
    out: Outputs,
  ): DropReason | undefined {
    if (!cookies.checkMac1(message)) return 'wrongMac1';
    this.#load.count(now);
    if (!this.#load.underLoad(now)) return undefined;
    if (!cookies.checkMac2(message, from.cookieBytes, now)) {
      out.transmit(from, cookies.createReply(message, from.cookieBytes, now), 0);
      return 'cookieRequired';
    }
    return this.#rateLimiter.allow(from.rateLimitKey, now) ? undefined : 'rateLimited';
  }
}
