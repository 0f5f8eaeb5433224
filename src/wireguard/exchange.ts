/**
 * The handshake messages of one peer, whole: the handshake with its MACs, its index, and the time of
 * the last message sent.
 *
 * The index is taken when a message is created, and passes to the keypair when keys are derived.
 * Replacing or clearing a handshake frees its index in the same step.
 */
import { REKEY_TIMEOUT_MS } from './constants.ts';
import { CookieHolder } from './cookie.ts';
import type { DropReason } from './drop-reason.ts';
import type { HandshakePorts, OpenedInitiation, StaticKeys } from './handshake.ts';
import { Handshake } from './handshake.ts';
import type { IndexTable } from './index-table.ts';
import { Keypair } from './keypair.ts';
import type { Millis } from './ports.ts';
import { compareTimestamps } from './tai64n.ts';

/** What the exchanges of a device share. */
export interface ExchangeContext<Owner> extends HandshakePorts {
  readonly indices: IndexTable<Owner>;
  /** The greatest timestamp sent to any peer; those who come later begin above it. */
  lastTimestamp: Uint8Array | undefined;
  /** The public key of the last peer to have its first response that did not open. */
  unopenedResponse: Uint8Array | undefined;
}

/** Handshake messages with one peer. */
export class Exchange<Owner> {
  readonly #owner: Owner;
  readonly #remoteStatic: Uint8Array;
  readonly #context: ExchangeContext<Owner>;
  readonly #handshake: Handshake;
  readonly #cookies: CookieHolder;
  #lastSent: Millis = -Infinity;
  #hadUnopenedResponse = false;

  /** The indices will stand for `owner`. */
  constructor(owner: Owner, remoteStatic: Uint8Array, context: ExchangeContext<Owner>) {
    this.#owner = owner;
    this.#remoteStatic = remoteStatic;
    this.#context = context;
    this.#handshake = new Handshake(remoteStatic, context, context.lastTimestamp);
    this.#cookies = new CookieHolder(remoteStatic);
  }

  /** Handshakes are possible: we have a private key, and the peer's public key is a proper point. */
  get isEnabled(): boolean {
    return this.#handshake.isEnabled;
  }

  /** When the last initiation or response was sent. */
  get lastSent(): Millis {
    return this.#lastSent;
  }

  /** Zeros if there is none. Not a copy. */
  get presharedKey(): Uint8Array {
    return this.#handshake.presharedKey;
  }

  /** Sets the preshared key of the next handshake; zeros for none. */
  setPresharedKey(presharedKey: Uint8Array): void {
    this.#handshake.setPresharedKey(presharedKey);
  }

  /** Sets our static keys, and forgets what was done with others. */
  setLocal(local: StaticKeys | undefined): void {
    this.reset();
    this.#handshake.setLocal(local);
  }

  /** Tells whether the last handshake message is too recent for an initiation. */
  isTooSoon(now: Millis): boolean {
    return now - this.#lastSent < REKEY_TIMEOUT_MS;
  }

  /** Creates an initiation that is ready to be sent at `now`; it must be. */
  createInitiation(now: Millis): Uint8Array | undefined {
    this.clear();
    const localIndex = this.#context.indices.insert(this.#owner);
    const message = this.#handshake.createInitiation(localIndex);
    this.#noteTimestamp();
    return this.#finish(message, localIndex, now);
  }

  /** Consumes an initiation that the device has opened. A reason means that nothing has changed. */
  consumeInitiation(
    message: Uint8Array,
    opened: OpenedInitiation,
    now: Millis,
  ): DropReason | undefined {
    const replaced = this.#handshake.localIndex;
    const reason = this.#handshake.consumeInitiation(message, opened, now);
    if (!reason) this.#context.indices.remove(replaced);
    return reason;
  }

  /** Creates the response to the initiation just consumed, ready to be sent at `now`; it must be. */
  createResponse(now: Millis): Uint8Array | undefined {
    const localIndex = this.#context.indices.insert(this.#owner);
    return this.#finish(this.#handshake.createResponse(localIndex), localIndex, now);
  }

  /** Consumes a response. A reason means that nothing has changed. */
  consumeResponse(message: Uint8Array): DropReason | undefined {
    const reason = this.#handshake.consumeResponse(message);
    if (reason === 'unopenedResponse') this.#noteUnopenedResponse();
    return reason;
  }

  /** Consumes a cookie reply: the next message carries what it gave. */
  consumeCookieReply(message: Uint8Array, now: Millis): DropReason | undefined {
    return this.#cookies.consumeReply(message, now);
  }

  /** The keypair of a handshake whose second message is created or consumed. */
  deriveKeypair(now: Millis): Keypair | undefined {
    const keys = this.#handshake.deriveKeys();
    if (!keys) return undefined;
    const keypair = new Keypair(keys, now);
    this.#context.indices.promote(this.#owner, keypair);
    return keypair;
  }

  /** Wipes the handshake under way. */
  clear(): void {
    this.#context.indices.remove(this.#handshake.localIndex);
    this.#handshake.clear();
  }

  /** Lets the next initiation go out at once. */
  allowInitiation(): void {
    this.#lastSent = -Infinity;
  }

  /** Wipes the handshake under way, and lets the next initiation go out at once. */
  reset(): void {
    this.clear();
    this.allowInitiation();
  }

  /** Wipes every secret. */
  wipe(): void {
    this.reset();
    this.#handshake.wipe();
  }

  #finish(
    message: Uint8Array | undefined,
    localIndex: number,
    now: Millis,
  ): Uint8Array | undefined {
    if (!message) {
      this.#context.indices.remove(localIndex);
      return undefined;
    }
    this.#cookies.stamp(message, now);
    this.#lastSent = now;
    return message;
  }

  /** Once a peer: whoever sees our initiation can forge any number of responses to it. */
  #noteUnopenedResponse(): void {
    if (this.#hadUnopenedResponse) return;
    this.#hadUnopenedResponse = true;
    this.#context.unopenedResponse = this.#remoteStatic;
  }

  #noteTimestamp(): void {
    const { lastTimestamp } = this.#context;
    const sent = this.#handshake.timestampSent;
    if (!sent || (lastTimestamp && compareTimestamps(sent, lastTimestamp) < 0)) return;
    this.#context.lastTimestamp = sent;
  }
}
