/**
 * Transport keys and their three slots (WP 5.4.5, 5.4.6, 6.3).
 *
 *   event                             previous    current     next
 *   initiator derives N, no next      ← current   N           –
 *   initiator derives N, next exists  ← next      N           –
 *   responder derives N               –           stays       N
 *   first authentic packet on next    ← current   ← next      –
 *
 * A responder sends nothing on `next`: only a packet from the initiator proves that it has the keys
 * too. Whatever falls out of a slot is wiped, and its index forgotten, in the same step.
 *
 * A keypair owns its send counter and its replay window; nobody else counts. Where a fast path seals and
 * opens, both are there, and the keys with them: here the counter is only what was last heard of it.
 */
import type { PacketSlot } from '../slot.ts';
import { SLOT_HEADROOM_BYTES } from '../slot.ts';
import { open, seal } from './aead.ts';
import {
  KEEPALIVE_TIMEOUT_MS,
  PADDING_MULTIPLE,
  REJECT_AFTER_MESSAGES,
  REJECT_AFTER_TIME_MS,
  REKEY_AFTER_MESSAGES,
  REKEY_AFTER_TIME_MS,
  REKEY_TIMEOUT_MS,
  TAG_BYTES,
} from './constants.ts';
import type { DerivedKeys } from './handshake.ts';
import { encodeTransportHeader, TRANSPORT } from './messages.ts';
import type { FastPath, Millis } from './ports.ts';
import { ReplayWindow } from './replay.ts';

/** The keys of one handshake, with the counter for sending and the window for receiving. */
export class Keypair {
  readonly isInitiator: boolean;
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** When the keys were derived. */
  readonly birth: Millis;
  /** The counter of the next packet sent. */
  nextCounter = 0;
  readonly #sendKey: Uint8Array;
  readonly #receiveKey: Uint8Array;
  readonly #window = new ReplayWindow();
  #maySend = true;
  #isHandedOver = false;

  /** Takes over the derived keys. */
  constructor(keys: DerivedKeys, birth: Millis) {
    this.isInitiator = keys.isInitiator;
    this.localIndex = keys.localIndex;
    this.remoteIndex = keys.remoteIndex;
    this.birth = birth;
    this.#sendKey = keys.sendKey;
    this.#receiveKey = keys.receiveKey;
  }

  /** Tells whether the keypair has reached an age. */
  hasAge(ageMs: number, now: Millis): boolean {
    return now - this.birth >= ageMs;
  }

  /** Tells whether a packet may be sent: in time, and with a counter left. */
  canSend(now: Millis): boolean {
    if (!this.#maySend || this.nextCounter >= REJECT_AFTER_MESSAGES) return false;
    return !this.hasAge(REJECT_AFTER_TIME_MS, now);
  }

  /** Tells, after a packet was sent, whether the next keypair is due. */
  wantsRekey(now: Millis): boolean {
    if (this.nextCounter > REKEY_AFTER_MESSAGES) return true;
    return this.isInitiator && this.hasAge(REKEY_AFTER_TIME_MS, now);
  }

  /** Tells whether our keypair will end before a passive keepalive and a retry have had their time. */
  isRunningOut(now: Millis): boolean {
    const age = REJECT_AFTER_TIME_MS - KEEPALIVE_TIMEOUT_MS - REKEY_TIMEOUT_MS;
    return this.isInitiator && this.hasAge(age, now);
  }

  /** Ends sending, for good; receiving goes on. */
  stopSending(): void {
    this.#maySend = false;
  }

  /**
   * Pads and seals the packet of a slot where it lies, and returns the datagram: a view of the slot.
   * `canSend` must have allowed it.
   */
  seal(slot: PacketSlot, mtu: number): Uint8Array {
    const counter = this.nextCounter++;
    const end = SLOT_HEADROOM_BYTES + slot.length;
    const paddedEnd = end + paddingLength(slot.length, mtu);
    const datagram = slot.buffer.subarray(0, paddedEnd + TAG_BYTES);
    datagram.fill(0, end, paddedEnd);
    encodeTransportHeader(datagram, this.remoteIndex, counter);
    seal(this.#sendKey, counter, datagram.subarray(SLOT_HEADROOM_BYTES));
    return datagram;
  }

  /** Hands the keys to the fast path for good, on behalf of a peer. */
  handOver(peer: number, fastPath: FastPath): void {
    const { isInitiator, localIndex, remoteIndex, birth } = this;
    const [sendKey, receiveKey] = [this.#sendKey, this.#receiveKey];
    fastPath.install({ peer, isInitiator, localIndex, remoteIndex, birth, sendKey, receiveKey });
    this.#isHandedOver = true;
    sendKey.fill(0);
    receiveKey.fill(0);
  }

  /** Opens a datagram where it lies. Returns a view of the padded packet; undefined if not authentic. */
  open(datagram: Uint8Array, counter: number): Uint8Array | undefined {
    const sealed = datagram.subarray(TRANSPORT.packet);
    // The keys that are left are zeros, which anybody knows.
    if (this.#isHandedOver) return undefined;
    if (!open(this.#receiveKey, counter, sealed)) return undefined;
    return sealed.subarray(0, sealed.length - TAG_BYTES);
  }

  /** Moves the replay window; false for a replay. Only for the counter of an authentic packet. */
  acceptCounter(counter: number): boolean {
    return this.#window.accept(counter);
  }

  /** Zeroes the keys, and ends sending. */
  wipe(): void {
    this.#maySend = false;
    this.#sendKey.fill(0);
    this.#receiveKey.fill(0);
  }
}

/**
 * Zeros that follow a packet: up to a multiple of 16, but not above the MTU. A packet longer than the
 * MTU is padded as what remains after whole MTUs, as the kernel does with what it will segment.
 */
export function paddingLength(length: number, mtu: number): number {
  const unit = length > mtu ? length % mtu : length;
  const padded = Math.ceil(unit / PADDING_MULTIPLE) * PADDING_MULTIPLE;
  return Math.min(padded, mtu) - unit;
}

/** The keypairs of one peer. */
export class KeypairSlots {
  readonly #release: (keypair: Keypair) => void;
  #previous: Keypair | undefined;
  #current: Keypair | undefined;
  #next: Keypair | undefined;

  /** `release` is called with each keypair that falls out; its keys are wiped already. */
  constructor(release: (keypair: Keypair) => void) {
    this.#release = release;
  }

  /** The keypair to send on. */
  get current(): Keypair | undefined {
    return this.#current;
  }

  /** The keypair that nothing authentic has come on yet. */
  get next(): Keypair | undefined {
    return this.#next;
  }

  /** Puts a freshly derived keypair into its slot. */
  install(keypair: Keypair): void {
    this.#drop(this.#previous);
    if (!keypair.isInitiator) {
      this.#previous = undefined;
      this.#drop(this.#next);
      this.#next = keypair;
      return;
    }
    if (this.#next) this.#drop(this.#current);
    this.#previous = this.#next ?? this.#current;
    this.#current = keypair;
    this.#next = undefined;
  }

  /** Promotes `next` if the authentic packet came on it; true if so. */
  confirm(keypair: Keypair): boolean {
    if (keypair !== this.#next) return false;
    // Nothing falls out: while there is a next, there is no previous.
    this.#previous = this.#current;
    this.#current = keypair;
    this.#next = undefined;
    return true;
  }

  /** Ends sending on all of them; receiving goes on. */
  stopSending(): void {
    this.#current?.stopSending();
    this.#next?.stopSending();
  }

  /** Wipes and releases all of them. */
  clear(): void {
    this.#drop(this.#previous);
    this.#drop(this.#current);
    this.#drop(this.#next);
    this.#previous = this.#current = this.#next = undefined;
  }

  #drop(keypair: Keypair | undefined): void {
    if (!keypair) return;
    keypair.wipe();
    this.#release(keypair);
  }
}
