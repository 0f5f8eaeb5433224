/**
 * Whether a peer answers, as facts for whoever watches. Nothing in the protocol depends on them.
 *
 * Keepalives are no answer: a server that drops what we send, for it doesn't know our address, sends
 * them all the same.
 *
 * A handshake that silence had us start, although data had come in since the one before, takes the
 * peer back from somebody: several in a row mean another client with our key.
 */
import { REJECT_AFTER_TIME_MS } from './constants.ts';
import type { Activity, Millis } from './ports.ts';

/** As a datagram; nothing with a packet in it is as short. */
const KEEPALIVE_BYTES = 32;
const KEPT_RECLAIMS = 3;

/** The facts of one peer. A time that is undefined: it never happened, or there is nothing to wait for. */
export interface PeerReplies {
  readonly handshakes: number;
  readonly lastHandshakeAt?: Millis | undefined;
  /** The last packet for the peer that wasn't a keepalive, sent or staged. */
  readonly lastDataAt?: Millis | undefined;
  /** Data has been staged since then, for want of a handshake. */
  readonly waitingSince?: Millis | undefined;
  /** Data has gone out since then, and none has come in. */
  readonly unansweredSince?: Millis | undefined;
  /** When the peer was last taken back, at most the last three times, in order. */
  readonly reclaimedAt: readonly Millis[];
}

/** Collects the facts; a hook is called as what it is named by happens. */
export class Replies {
  #handshakes = 0;
  #lastHandshakeAt: Millis | undefined;
  #lastDataAt: Millis | undefined;
  #waitingSince: Millis | undefined;
  #unansweredSince: Millis | undefined;
  #reclaimedAt: Millis[] = [];
  #rxBytes = 0;
  #txBytes = 0;
  #isSilent = false;
  #hasAnswered = false;

  dataStaged(now: Millis): void {
    this.#waitingSince ??= now;
    this.dataSent(now);
  }

  dataSent(now: Millis): void {
    this.#lastDataAt = now;
    this.#unansweredSince ??= now;
  }

  dataReceived(): void {
    this.#unansweredSince = undefined;
    this.#isSilent = false;
    this.#hasAnswered = true;
  }

  /**
   * The fast path has moved packets. It counts bytes, keepalives included, of which there is at most
   * one from one look to the next.
   */
  fastPathActive({ rxBytes, txBytes, lastSent }: Activity): void {
    if (rxBytes - this.#rxBytes > KEEPALIVE_BYTES) this.dataReceived();
    if (txBytes - this.#txBytes > KEEPALIVE_BYTES) this.dataSent(lastSent);
    this.#rxBytes = rxBytes;
    this.#txBytes = txBytes;
  }

  /** Another fast path counts from the beginning. */
  fastPathChanged(): void {
    this.#rxBytes = this.#txBytes = 0;
  }

  /** Nothing at all came in for so long that a handshake is begun. */
  fellSilent(): void {
    this.#isSilent = true;
  }

  handshakeCompleted(now: Millis): void {
    const last = this.#lastHandshakeAt;
    // After a break the peer can answer only from here on.
    const isFresh = last === undefined || now - last >= REJECT_AFTER_TIME_MS;
    if (isFresh && this.#unansweredSince !== undefined) this.#unansweredSince = now;
    if (this.#isSilent && this.#hasAnswered) {
      this.#reclaimedAt = [...this.#reclaimedAt, now].slice(-KEPT_RECLAIMS);
    }
    this.#isSilent = false;
    this.#hasAnswered = false;
    this.#waitingSince = undefined;
    this.#lastHandshakeAt = now;
    this.#handshakes++;
  }

  /** The facts as they are. */
  status(): PeerReplies {
    return {
      handshakes: this.#handshakes,
      lastHandshakeAt: this.#lastHandshakeAt,
      lastDataAt: this.#lastDataAt,
      waitingSince: this.#waitingSince,
      unansweredSince: this.#unansweredSince,
      reclaimedAt: this.#reclaimedAt,
    };
  }
}
