/**
 * The transport data of one peer: its keypairs, and where packets are sealed and opened.
 *
 *   without a fast path   here: the keypair's keys, its counter and its window are the core's
 *   with one              there: from `install` on nobody else seals or opens with the keypair
 *
 * So every counter has one owner at any time, and no nonce can occur twice. What the core has to send
 * itself, staged packets and keepalives, it gives to the fast path, which counts them with the rest.
 *
 * Three orders matter with a fast path. A keypair is installed before the message leaves that lets the
 * peer use it. One that is to be sent on is promoted before what it replaces is removed, so that there
 * is no moment without any. The endpoint is told before anything is sent there.
 */
import type { PacketSlot } from '../slot.ts';
import { HANDSHAKE_TOS } from './constants.ts';
import type { Keypair } from './keypair.ts';
import { KeypairSlots } from './keypair.ts';
import { outerEcn } from './packet.ts';
import type { Activity, Endpoint, FastPath, Millis, Outputs } from './ports.ts';
import type { StagingBudget } from './staging.ts';
import { StagedPackets } from './staging.ts';
import type { Timers } from './timers.ts';

/** What the transports of a device share. */
export interface TransportContext {
  readonly indices: { remove(index: number): void };
  readonly staging: StagingBudget;
  fastPath: FastPath | undefined;
  mtu: number;
}

/** UDP payload sent, and received in messages that passed all checks. */
export interface Traffic {
  rxBytes: number;
  txBytes: number;
}

/** What changed in a fast path since it was last looked at. */
export interface Progress {
  readonly hasSent: boolean;
  readonly hasReceived: boolean;
}

const NOTHING: Traffic & { lastSent: Millis; lastReceived: Millis } = {
  rxBytes: 0,
  txBytes: 0,
  lastSent: 0,
  lastReceived: 0,
};

/** Keypairs of one peer, and the way to whoever uses them. */
export class Transport {
  /** What the peer is called towards the fast path. */
  readonly number: number;
  readonly traffic: Traffic = { rxBytes: 0, txBytes: 0 };
  /** What waits for a keypair. */
  readonly staged: StagedPackets;
  readonly #context: TransportContext;
  readonly #timers: Timers;
  readonly #keypairs: KeypairSlots;
  /** What the fast path was told last. */
  #endpoint: Endpoint | undefined;
  /** What the fast path had done when it was last looked at. */
  #seen = NOTHING;

  constructor(number: number, context: TransportContext, timers: Timers) {
    this.number = number;
    this.staged = new StagedPackets(context.staging);
    this.#context = context;
    this.#timers = timers;
    this.#keypairs = new KeypairSlots((keypair) => {
      context.indices.remove(keypair.localIndex);
      context.fastPath?.remove(keypair.localIndex);
    });
  }

  /** The keypair to send on, whether or not it may still be used. */
  get current(): Keypair | undefined {
    return this.#keypairs.current;
  }

  /** The keypair to send on, if it may still be used. */
  usable(now: Millis): Keypair | undefined {
    const { current } = this.#keypairs;
    return current?.canSend(now) ? current : undefined;
  }

  /** Puts a freshly derived keypair into its slot. */
  install(keypair: Keypair, now: Millis): void {
    const { fastPath } = this.#context;
    if (fastPath) keypair.handOver(this.number, fastPath);
    if (keypair.isInitiator) fastPath?.promote(keypair.localIndex);
    this.#keypairs.install(keypair);
    this.#timers.keypairDerived(now);
  }

  /** Promotes `next` if the authentic packet came on it; true if so. */
  confirm(keypair: Keypair): boolean {
    if (!this.#keypairs.confirm(keypair)) return false;
    this.#context.fastPath?.promote(keypair.localIndex);
    return true;
  }

  /** As `confirm`, for what the fast path has received. */
  confirmIndex(localIndex: number): boolean {
    const { next } = this.#keypairs;
    return next?.localIndex === localIndex && this.confirm(next);
  }

  /** Ends sending on all keypairs; receiving goes on. */
  stopSending(): void {
    this.#keypairs.stopSending();
    this.#context.fastPath?.stopSending(this.number);
  }

  /** Wipes all keypairs. */
  clear(): void {
    this.#keypairs.clear();
  }

  /** Tells the fast path where the peer is, if that is news. */
  follow(endpoint: Endpoint | undefined): void {
    const { fastPath } = this.#context;
    if (!fastPath || endpoint === this.#endpoint) return;
    this.#endpoint = endpoint;
    fastPath.setEndpoint(this.number, endpoint);
  }

  /** Seals a packet on the current keypair and sends it; `canSend` must have allowed it. */
  send(slot: PacketSlot, keypair: Keypair, to: Endpoint, now: Millis, out: Outputs): void {
    const { fastPath, mtu } = this.#context;
    if (fastPath) {
      this.follow(to);
      fastPath.send(this.number, slot.packet);
      // Else another keepalive that is due at this moment would follow; the rest is told as activity.
      this.#timers.authenticatedPacketSent(now);
      return;
    }
    const tos = outerEcn(slot.packet);
    const datagram = keypair.seal(slot, mtu);
    this.#timers.authenticatedPacketSent(now);
    if (slot.length > 0) this.#timers.dataSent(now);
    this.traffic.txBytes += datagram.length;
    out.transmit(to, datagram, tos);
  }

  /** Sends what is staged, in order, for as long as the keypair allows it. */
  sendStaged(keypair: Keypair, to: Endpoint, now: Millis, out: Outputs): void {
    while (keypair.canSend(now)) {
      const slot = this.staged.shift();
      if (!slot) break;
      this.send(slot, keypair, to, now, out);
    }
  }

  /** Sends an initiation or a response. */
  sendHandshake(message: Uint8Array, to: Endpoint, now: Millis, out: Outputs): void {
    this.#timers.authenticatedPacketSent(now);
    this.replied();
    this.follow(to);
    this.traffic.txBytes += message.length;
    out.transmit(to, message, HANDSHAKE_TOS);
  }

  /** An initiation or a response was authentic. */
  handshakeReceived(message: Uint8Array, now: Millis): void {
    this.traffic.rxBytes += message.length;
    this.#timers.authenticatedPacketReceived(now);
    this.answered();
  }

  /** What was received needs no reply any more: one was sent, or is given up. */
  replied(): void {
    this.#context.fastPath?.replied(this.number);
  }

  /** What was sent is waited for no longer: it was answered, or its silence is acted upon. */
  answered(): void {
    this.#context.fastPath?.answered(this.number);
  }

  /** Takes note of what the fast path has done. */
  progress(activity: Activity): Progress {
    const seen = this.#seen;
    this.traffic.rxBytes += activity.rxBytes - seen.rxBytes;
    this.traffic.txBytes += activity.txBytes - seen.txBytes;
    const { current } = this.#keypairs;
    if (current?.localIndex === activity.sendingIndex) current.nextCounter = activity.nextCounter;
    const { rxBytes, txBytes, lastSent, lastReceived } = activity;
    this.#seen = { rxBytes, txBytes, lastSent, lastReceived };
    return {
      hasSent: lastSent > seen.lastSent || txBytes > seen.txBytes,
      hasReceived: lastReceived > seen.lastReceived || rxBytes > seen.rxBytes,
    };
  }

  /** Another fast path begins at zero, and knows nothing of the peer. */
  fastPathChanged(endpoint: Endpoint | undefined): void {
    this.#seen = NOTHING;
    this.#timers.fastPathChanged();
    this.#endpoint = undefined;
    this.follow(endpoint);
  }
}
