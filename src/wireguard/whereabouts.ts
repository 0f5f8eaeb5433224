/**
 * Where a peer is, and where else to look for it. A name may stand for several addresses, of which some
 * lead nowhere: these are the peer's candidates, in the order in which they are to be tried.
 *
 *   an authentic message from elsewhere   the peer is there, whatever the candidates say
 *   an initiation without an answer       on to the next candidate, and after the last one to where the
 *                                         peer had roamed to, if anywhere; then round again
 *   a cookie reply                        the same address once more: the cookie is good only there
 *   other candidates                      a peer that answers stays where it is until it doesn't; one
 *                                         that is silent at an address which counts no more moves on
 *
 * An endpoint that is set is the only one, as WireGuard has it: there the peer stays.
 */
import type { Endpoint } from './ports.ts';

/** Most candidates of one peer; later ones are left out. */
export const MAX_CANDIDATES = 32;

/** One peer's endpoint and its candidates. */
export class Whereabouts {
  #current: Endpoint | undefined;
  #candidates: readonly Endpoint[] = [];
  /** Index of the candidate that comes after `current`. */
  #next = 0;
  /** Where the peer was last heard, if that is none of the candidates. */
  #roamedTo: Endpoint | undefined;
  /** An initiation was sent, and nothing authentic came since. */
  #isAsked = false;
  /** It was asked in vain, or said nothing for so long that it is asked. */
  #isSilent = false;
  #cookie: 'none' | 'new' | 'used' = 'none';

  /** Where messages go. */
  get current(): Endpoint | undefined {
    return this.#current;
  }

  /** Sets the one and only endpoint. */
  set(endpoint: Endpoint): void {
    this.#current = endpoint;
    this.#candidates = [];
    this.#roamedTo = undefined;
  }

  /**
   * Sets the candidates; none of them leaves the peer where it is. Returns whether a peer that is
   * silent has been moved, so that it is worth asking at once.
   */
  setCandidates(candidates: readonly Endpoint[]): boolean {
    this.#candidates = candidates.slice(0, MAX_CANDIDATES);
    const index = this.#indexOf(this.#current);
    this.#next = index + 1;
    if (index >= 0) this.#roamedTo = undefined;
    if (index >= 0 || this.#candidates.length === 0) return false;
    if (!this.#current) {
      this.#tryNext();
      return false;
    }
    const hasRoamedHere = this.#roamedTo?.equals(remote(this.#current)) ?? false;
    if (!this.#isSilent || hasRoamedHere) return false;
    this.#tryNext();
    return true;
  }

  /** An authentic message came from there. */
  heardFrom(from: Endpoint): void {
    this.#isAsked = false;
    this.#isSilent = false;
    if (this.#current?.equals(from)) return;
    this.#current = from;
    const index = this.#indexOf(from);
    this.#next = index + 1;
    this.#roamedTo = index < 0 ? remote(from) : undefined;
  }

  /** A handshake was completed with the peer where it is now: it is nowhere else. */
  settled(): void {
    this.#cookie = 'none';
    if (this.#indexOf(this.#current) >= 0) this.#roamedTo = undefined;
  }

  /** An initiation was sent. */
  asked(): void {
    this.#isAsked = true;
  }

  /** A cookie reply came. */
  cookieReceived(): void {
    if (this.#cookie === 'none') this.#cookie = 'new';
  }

  /** Data had no answer. */
  silent(): void {
    this.#isSilent = true;
    this.forgetLocalAddress();
  }

  /** It is time for another initiation. Returns whether there was one, which had no answer. */
  unanswered(): boolean {
    this.forgetLocalAddress();
    if (!this.#isAsked) return false;
    this.#isSilent = true;
    if (this.#cookie === 'new') this.#cookie = 'used';
    else if (this.#candidates.length > 0) this.#tryNext();
    return true;
  }

  /** The local address may be gone: the host's routes shall choose anew. */
  forgetLocalAddress(): void {
    this.#current = this.#current && remote(this.#current);
  }

  #tryNext(): void {
    this.#cookie = 'none';
    if (this.#next < this.#candidates.length) {
      this.#current = this.#candidates[this.#next];
      this.#next++;
    } else {
      this.#next = this.#roamedTo ? 0 : 1;
      this.#current = this.#roamedTo ?? this.#candidates[0];
    }
  }

  #indexOf(endpoint: Endpoint | undefined): number {
    if (!endpoint) return -1;
    const wanted = remote(endpoint);
    return this.#candidates.findIndex((candidate) => candidate.equals(wanted));
  }
}

/** The endpoint without its local address, where it has one. */
function remote(endpoint: Endpoint): Endpoint {
  return endpoint.withoutLocalAddress?.() ?? endpoint;
}
