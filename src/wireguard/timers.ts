/**
 * The five deadlines of a peer (WP 6), named by what their expiry does. The hooks are named by what
 * happened; what follows for the deadlines is decided here and nowhere else, and what an expiry does
 * is the peer's.
 *
 *   retransmitHandshake   an initiation was sent, and no handshake completed since
 *   sendKeepalive         data was received, and nothing sent since
 *   newHandshake          data was sent, and nothing received since
 *   zeroKeyMaterial       no keypair derived for three lives of a keypair
 *   persistentKeepalive   nothing was sent or received for the interval that the user asked for
 *
 * A deadline that is set when its reason arises keeps its time while the reason lasts: silence counts
 * from the first packet that wasn't answered. "Authenticated packet" means initiations, responses and
 * transport data, keepalives included; never a cookie reply.
 *
 * What the hooks learn about the peer's answers is noted by the way, for status.
 */
import { readUint16BE } from '../bytes.ts';
import {
  KEEPALIVE_TIMEOUT_MS,
  MAX_HANDSHAKE_ATTEMPTS,
  MAX_JITTER_MS,
  REJECT_AFTER_TIME_MS,
  REKEY_TIMEOUT_MS,
} from './constants.ts';
import type { Activity, Entropy, Millis } from './ports.ts';
import { Replies } from './replies.ts';

const TIMER_NAMES = [
  'retransmitHandshake',
  'sendKeepalive',
  'newHandshake',
  'zeroKeyMaterial',
  'persistentKeepalive',
] as const;

/** The timers, by what expiry does. */
export type TimerName = (typeof TIMER_NAMES)[number];

/** The deadlines of one peer. */
export class Timers {
  readonly replies: Replies = new Replies();
  readonly #deadlines: Record<TimerName, Millis> = {
    retransmitHandshake: Infinity,
    sendKeepalive: Infinity,
    newHandshake: Infinity,
    zeroKeyMaterial: Infinity,
    persistentKeepalive: Infinity,
  };
  readonly #entropy: Entropy;
  readonly #moved: (earliest: Millis) => void;
  readonly #random = new Uint8Array(2);
  #persistentKeepaliveMs = 0;
  #attempts = 0;
  /** What the fast path said last, so that a deadline is set once for each reason. */
  #unansweredSince: Millis = 0;
  #unrepliedSince: Millis = 0;
  #lastTraversed: Millis = 0;

  /** `moved` is told the earliest deadline, or Infinity, whenever one changes. */
  constructor(entropy: Entropy, moved: (earliest: Millis) => void) {
    this.#entropy = entropy;
    this.#moved = moved;
  }

  /** The persistent keepalive interval, 0 if it is off. */
  get persistentKeepaliveSeconds(): number {
    return this.#persistentKeepaliveMs / 1_000;
  }

  /** Changes the interval; 0 turns it off. The next packet either way begins one of the new length. */
  setPersistentKeepalive(seconds: number): void {
    this.#persistentKeepaliveMs = seconds * 1_000;
    if (seconds === 0) this.#set('persistentKeepalive', Infinity);
  }

  /** A packet that isn't a keepalive was sent. */
  dataSent(now: Millis): void {
    this.replies.dataSent(now);
    if (this.#isSet('newHandshake')) return;
    this.#set('newHandshake', now + KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS + this.#jitter());
  }

  /** A packet that isn't a keepalive was received. */
  dataReceived(now: Millis): void {
    this.replies.dataReceived();
    if (!this.#isSet('sendKeepalive')) this.#set('sendKeepalive', now + KEEPALIVE_TIMEOUT_MS);
  }

  /** An authenticated packet was sent. */
  authenticatedPacketSent(now: Millis): void {
    this.#endReply();
    this.#authenticatedPacketTraversed(now);
  }

  /** An authenticated packet was received. */
  authenticatedPacketReceived(now: Millis): void {
    this.#endSilence();
    this.#authenticatedPacketTraversed(now);
  }

  /**
   * The fast path has moved packets: its words stand for the four hooks above. Deadlines count from
   * when it happened, however late that is heard of.
   */
  fastPathActive(activity: Activity, hasTraversed: boolean): void {
    const { unansweredSince, unrepliedSince, lastSent, lastReceived } = activity;
    if (unansweredSince !== this.#unansweredSince) {
      this.#set('newHandshake', Infinity);
      if (unansweredSince > 0) this.dataSent(unansweredSince);
      this.#unansweredSince = unansweredSince;
    }
    if (unrepliedSince !== this.#unrepliedSince) {
      this.#set('sendKeepalive', Infinity);
      if (unrepliedSince > 0) this.dataReceived(unrepliedSince);
      this.#unrepliedSince = unrepliedSince;
    }
    const traversed = Math.max(lastSent, lastReceived, this.#lastTraversed);
    if (hasTraversed) this.#authenticatedPacketTraversed(traversed);
    this.replies.fastPathActive(activity);
  }

  /** Whatever one fast path said means nothing to another one. */
  fastPathChanged(): void {
    this.#unansweredSince = this.#unrepliedSince = this.#lastTraversed = 0;
    this.replies.fastPathChanged();
  }

  /** An initiation was sent. */
  initiationSent(now: Millis): void {
    this.#set('retransmitHandshake', now + REKEY_TIMEOUT_MS + this.#jitter());
  }

  /**
   * An initiation was wanted, but too soon after the handshake message at `lastSent`. Without a
   * deadline of its own, what waits for it would wait for ever.
   */
  initiationSuppressed(lastSent: Millis): void {
    if (this.#isSet('retransmitHandshake')) return;
    this.#set('retransmitHandshake', lastSent + REKEY_TIMEOUT_MS + this.#jitter());
  }

  /** An initiation is wanted for another reason than that the last one had no response. */
  handshakeWanted(): void {
    this.#attempts = 0;
  }

  /** Transport keys were derived. */
  keypairDerived(now: Millis): void {
    this.#set('zeroKeyMaterial', now + 3 * REJECT_AFTER_TIME_MS);
  }

  /** The initiator has consumed a response, or the responder the first packet on its keypair. */
  handshakeCompleted(now: Millis): void {
    this.replies.handshakeCompleted(now);
    this.#set('retransmitHandshake', Infinity);
    this.#attempts = 0;
  }

  /** An initiation had no response: true for another attempt, false to give up. */
  handshakeUnanswered(now: Millis): boolean {
    if (this.#attempts <= MAX_HANDSHAKE_ATTEMPTS) {
      this.#attempts++;
      return true;
    }
    this.#endReply();
    if (!this.#isSet('zeroKeyMaterial')) this.keypairDerived(now);
    return false;
  }

  /** No handshake can follow: what waits for one needn't. */
  handshakeDisabled(): void {
    this.#set('retransmitHandshake', Infinity);
    this.#endSilence();
  }

  /** Clears and names one timer whose time has come. */
  takeDue(now: Millis): TimerName | undefined {
    const name = TIMER_NAMES.find((candidate) => this.#deadlines[candidate] <= now);
    if (name === 'sendKeepalive') this.#endReply();
    else if (name === 'newHandshake') this.#endSilence();
    else if (name) this.#set(name, Infinity);
    if (name === 'newHandshake') this.replies.fellSilent();
    return name;
  }

  /** Clears all five. */
  clear(): void {
    for (const name of TIMER_NAMES) this.#set(name, Infinity);
    this.#attempts = 0;
  }

  #endReply(): void {
    this.#unrepliedSince = 0;
    this.#set('sendKeepalive', Infinity);
  }

  #endSilence(): void {
    this.#unansweredSince = 0;
    this.#set('newHandshake', Infinity);
  }

  #authenticatedPacketTraversed(now: Millis): void {
    this.#lastTraversed = now;
    if (this.#persistentKeepaliveMs === 0) return;
    this.#set('persistentKeepalive', now + this.#persistentKeepaliveMs);
  }

  #isSet(name: TimerName): boolean {
    return this.#deadlines[name] !== Infinity;
  }

  #set(name: TimerName, deadline: Millis): void {
    const deadlines = this.#deadlines;
    if (deadlines[name] === deadline) return;
    deadlines[name] = deadline;
    this.#moved(
      Math.min(
        deadlines.retransmitHandshake,
        deadlines.sendKeepalive,
        deadlines.newHandshake,
        deadlines.zeroKeyMaterial,
        deadlines.persistentKeepalive,
      ),
    );
  }

  /** Uniform in 0 to 333 ms, so that peers that began together don't stay together. */
  #jitter(): Millis {
    this.#entropy.fill(this.#random);
    return Math.floor((readUint16BE(this.#random, 0) * (MAX_JITTER_MS + 1)) / 0x10000);
  }
}
