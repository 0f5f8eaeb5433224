/**
 * One peer: its handshakes, keypairs, endpoint and staged packets, and what each of its timers does.
 *
 *   sending    usable current keypair → seal → timers → transmit
 *              none                   → stage → want an initiation
 *   receiving  an authentic packet    → confirm → endpoint → timers → flush
 *
 * Three orders matter. A keypair is in its slot and its index in the table before the message leaves
 * that lets the peer use it. The endpoint moves before anything is flushed, so that the answer goes
 * where the packet came from. What is staged is flushed before a packet that came later.
 *
 * An initiation that follows another handshake message too closely is suppressed; it then has a
 * deadline: while a packet is staged, a deadline is set.
 */
import { PacketSlot } from '../slot.ts';
import { HANDSHAKE_TOS } from './constants.ts';
import type { DeadlineEntry, DeadlineQueue } from './deadline-queue.ts';
import type { DropCounters, DropReason } from './drop-reason.ts';
import type { ExchangeContext } from './exchange.ts';
import { Exchange } from './exchange.ts';
import type { OpenedInitiation, StaticKeys } from './handshake.ts';
import type { Keypair } from './keypair.ts';
import { KeypairSlots } from './keypair.ts';
import { outerEcn } from './packet.ts';
import type { Endpoint, Millis, Outputs, WallClock } from './ports.ts';
import type { StagingBudget } from './staging.ts';
import { StagedPackets } from './staging.ts';
import type { TimerName } from './timers.ts';
import { Timers } from './timers.ts';
import { Whereabouts } from './whereabouts.ts';

/** What the peers of a device share. */
export interface PeerContext extends ExchangeContext<Peer> {
  readonly deadlines: DeadlineQueue<Peer>;
  readonly staging: StagingBudget;
  readonly drops: DropCounters;
  mtu: number;
  isUp: boolean;
  handshakesCompleted: number;
  silences: number;
}

/** One peer of a device. */
export class Peer {
  readonly publicKey: Uint8Array;
  /** When the last handshake was completed, by the wall clock. */
  lastHandshakeTime: ReturnType<WallClock> | undefined;
  /** UDP payload sent, and received in messages that passed all checks. */
  readonly traffic: { rxBytes: number; txBytes: number } = { rxBytes: 0, txBytes: 0 };
  /** Initiations sent because nothing had come back. */
  silences = 0;
  readonly #context: PeerContext;
  readonly #exchange: Exchange<Peer>;
  readonly #keypairs: KeypairSlots;
  readonly #timers: Timers;
  readonly #deadline: DeadlineEntry<Peer>;
  readonly #staged: StagedPackets;
  readonly #whereabouts = new Whereabouts();
  #sentLastMinuteHandshake = false;

  /** Keeps `publicKey`. */
  constructor(publicKey: Uint8Array, context: PeerContext) {
    this.publicKey = publicKey;
    this.#context = context;
    this.#exchange = new Exchange<Peer>(this, publicKey, context);
    this.#keypairs = new KeypairSlots((keypair) => {
      context.indices.remove(keypair.localIndex);
    });
    this.#deadline = context.deadlines.add(this);
    this.#timers = new Timers(context.entropy, (earliest) => {
      context.deadlines.move(this.#deadline, earliest);
    });
    this.#staged = new StagedPackets(context.staging);
  }

  /** Where messages go; moved by every authentic message that comes from elsewhere. */
  get endpoint(): Endpoint | undefined {
    return this.#whereabouts.current;
  }

  /** Used by the next handshake; zeros if there is none. Read it as a view, set it as a copy. */
  get presharedKey(): Uint8Array {
    return this.#exchange.presharedKey;
  }

  set presharedKey(presharedKey: Uint8Array) {
    this.#exchange.setPresharedKey(presharedKey);
  }

  get stagedPackets(): number {
    return this.#staged.length;
  }

  /**
   * Sets our static keys. Nothing is sent any more on what was made with the old ones; what the peer
   * still sends on it is received.
   */
  setLocal(local: StaticKeys | undefined): void {
    this.#exchange.setLocal(local);
    this.#keypairs.stopSending();
    if (this.#exchange.isEnabled) return;
    this.#timers.handshakeDisabled();
    this.#purgeStaged();
  }

  get persistentKeepaliveSeconds(): number {
    return this.#timers.persistentKeepaliveSeconds;
  }

  set persistentKeepaliveSeconds(seconds: number) {
    this.#timers.setPersistentKeepalive(seconds);
  }

  /** Sets the one and only endpoint. */
  setEndpoint(endpoint: Endpoint): void {
    this.#whereabouts.set(endpoint);
  }

  /** Sets where else to look for the peer, and asks at once if that has moved a silent one. */
  setCandidates(candidates: readonly Endpoint[], now: Millis, out: Outputs): void {
    if (this.#whereabouts.setCandidates(candidates)) this.#initiateAtOnce(now, out);
  }

  /** Begins a handshake at once if the peer has been in use; a keepalive is use. */
  wake(now: Millis, out: Outputs): void {
    if (this.traffic.rxBytes + this.traffic.txBytes === 0) return;
    this.#whereabouts.forgetLocalAddress();
    this.#initiateAtOnce(now, out);
  }

  /** Takes one packet for this peer, which must have an endpoint. Overwrites the slot's content. */
  send(slot: PacketSlot, now: Millis, out: Outputs): DropReason | undefined {
    const keypair = this.#sendingKeypair(now);
    if (!keypair && !this.#exchange.isEnabled) return 'noHandshake';
    if (keypair && this.#staged.length === 0) {
      this.#sealAndTransmit(slot, keypair, now, out);
      this.#keepFreshAfterSending(keypair, now, out);
      return undefined;
    }
    const hadRoom = this.#staged.push(slot.packet);
    this.#sendStaged(now, out);
    return hadRoom ? undefined : 'stagingFull';
  }

  /** Sends what is staged, or else an empty packet; without a keypair that begins a handshake. */
  sendKeepalive(now: Millis, out: Outputs): void {
    const keypair = this.#sendingKeypair(now);
    if (!this.#context.isUp || !this.endpoint || (!keypair && !this.#exchange.isEnabled)) return;
    if (keypair && this.#staged.length === 0) {
      this.#sealAndTransmit(new PacketSlot(0), keypair, now, out);
      this.#keepFreshAfterSending(keypair, now, out);
      return;
    }
    // Without room to stage an empty packet, the handshake itself shows that we are alive.
    if (this.#staged.length === 0) this.#staged.push(new Uint8Array(0));
    this.#sendStaged(now, out);
  }

  /** Sends a keepalive if there shall be persistent ones. */
  sendPersistentKeepalive(now: Millis, out: Outputs): void {
    if (this.persistentKeepaliveSeconds > 0) this.sendKeepalive(now, out);
  }

  /** Sends what is staged, if anything is. */
  flush(now: Millis, out: Outputs): void {
    if (this.#staged.length > 0) this.#sendStaged(now, out);
  }

  /** Consumes an initiation that the device has opened, and answers it. */
  consumeInitiation(
    message: Uint8Array,
    opened: OpenedInitiation,
    from: Endpoint,
    now: Millis,
    out: Outputs,
  ): DropReason | undefined {
    const reason = this.#exchange.consumeInitiation(message, opened, now);
    if (reason) return reason;
    this.#authenticated(message, from, now);
    const response = this.#exchange.createResponse(now);
    if (!response) return 'lowOrderPoint';
    this.#installKeypair(now);
    this.#transmitHandshake(response, now, out);
    return undefined;
  }

  /** Consumes a response, and sends what waited for it, or a keepalive to confirm the keys. */
  consumeResponse(
    message: Uint8Array,
    from: Endpoint,
    now: Millis,
    out: Outputs,
  ): DropReason | undefined {
    const reason = this.#exchange.consumeResponse(message);
    if (reason) return reason;
    this.#authenticated(message, from, now);
    this.#installKeypair(now);
    this.#handshakeCompleted();
    this.sendKeepalive(now, out);
    return undefined;
  }

  /** Consumes a cookie reply. It moves no timer, counts for nobody, and keeps the endpoint. */
  consumeCookieReply(message: Uint8Array, now: Millis): DropReason | undefined {
    const reason = this.#exchange.consumeCookieReply(message, now);
    if (!reason) this.#whereabouts.cookieReceived();
    return reason;
  }

  /** Does what an authentic packet means, whatever is in it; an empty one is a keepalive. */
  consumeTransport(
    keypair: Keypair,
    packet: Uint8Array,
    from: Endpoint,
    now: Millis,
    out: Outputs,
  ): void {
    const isConfirmation = this.#keypairs.confirm(keypair);
    this.#whereabouts.heardFrom(from);
    if (isConfirmation) this.#handshakeCompleted();
    this.#timers.authenticatedPacketReceived(now);
    if (packet.length > 0) this.#timers.dataReceived(now);
    if (isConfirmation) this.flush(now, out);
    this.#keepFreshAfterReceiving(now, out);
  }

  /** Does what is due. */
  handleTimeout(now: Millis, out: Outputs): void {
    for (let due = this.#timers.takeDue(now); due; due = this.#timers.takeDue(now)) {
      this.#expire(due, now, out);
    }
  }

  /** Wipes all that is in flight; the peer's configuration and its counters stay. */
  reset(): void {
    this.#timers.clear();
    this.#keypairs.clear();
    this.#exchange.reset();
    this.#purgeStaged();
    this.#sentLastMinuteHandshake = false;
  }

  /** Wipes everything, and leaves the device. */
  remove(): void {
    this.reset();
    this.#exchange.wipe();
    this.#context.deadlines.remove(this.#deadline);
  }

  #expire(timer: TimerName, now: Millis, out: Outputs): void {
    switch (timer) {
      case 'retransmitHandshake':
        if (this.#timers.handshakeUnanswered(now)) {
          if (this.#whereabouts.unanswered()) this.#countSilence();
          this.#sendInitiation(now, out);
        } else {
          this.#purgeStaged();
        }
        break;
      case 'newHandshake':
        this.#whereabouts.silent();
        this.#countSilence();
        this.#wantInitiation(now, out);
        break;
      case 'sendKeepalive':
      case 'persistentKeepalive':
        this.sendKeepalive(now, out);
        break;
      case 'zeroKeyMaterial':
        this.#keypairs.clear();
        this.#exchange.clear();
        this.#purgeStaged();
        break;
    }
  }

  /** The keypair to send on, if it may still be used. */
  #sendingKeypair(now: Millis): Keypair | undefined {
    const { current } = this.#keypairs;
    return current?.canSend(now) ? current : undefined;
  }

  #sendStaged(now: Millis, out: Outputs): void {
    const keypair = this.#sendingKeypair(now);
    if (!keypair) {
      this.#wantInitiation(now, out);
      return;
    }
    while (keypair.canSend(now)) {
      const slot = this.#staged.shift();
      if (!slot) break;
      this.#sealAndTransmit(slot, keypair, now, out);
    }
    this.#keepFreshAfterSending(keypair, now, out);
  }

  #sealAndTransmit(slot: PacketSlot, keypair: Keypair, now: Millis, out: Outputs): void {
    if (!this.endpoint) return;
    const tos = outerEcn(slot.packet);
    const datagram = keypair.seal(slot, this.#context.mtu);
    this.#timers.authenticatedPacketSent(now);
    if (slot.length > 0) this.#timers.dataSent(now);
    this.traffic.txBytes += datagram.length;
    out.transmit(this.endpoint, datagram, tos);
  }

  #keepFreshAfterSending(keypair: Keypair, now: Millis, out: Outputs): void {
    if (keypair.wantsRekey(now)) this.#wantInitiation(now, out);
  }

  /** Who only receives would let its keypair run out: one more handshake, shortly before. */
  #keepFreshAfterReceiving(now: Millis, out: Outputs): void {
    if (this.#sentLastMinuteHandshake || !this.#keypairs.current?.isRunningOut(now)) return;
    this.#sentLastMinuteHandshake = true;
    this.#wantInitiation(now, out);
  }

  #wantInitiation(now: Millis, out: Outputs): void {
    this.#timers.handshakeWanted();
    this.#sendInitiation(now, out);
  }

  /** However recent the last initiation is: it went elsewhere, or with a network that is gone. */
  #initiateAtOnce(now: Millis, out: Outputs): void {
    if (!this.#context.isUp) return;
    this.#exchange.allowInitiation();
    this.#wantInitiation(now, out);
  }

  #sendInitiation(now: Millis, out: Outputs): void {
    if (!this.endpoint || !this.#exchange.isEnabled) return;
    if (this.#exchange.isTooSoon(now)) {
      this.#timers.initiationSuppressed(this.#exchange.lastSent);
      return;
    }
    const initiation = this.#exchange.createInitiation(now);
    if (!initiation) return;
    this.#timers.initiationSent(now);
    this.#whereabouts.asked();
    this.#transmitHandshake(initiation, now, out);
  }

  #transmitHandshake(message: Uint8Array, now: Millis, out: Outputs): void {
    if (!this.endpoint) return;
    this.#timers.authenticatedPacketSent(now);
    this.traffic.txBytes += message.length;
    out.transmit(this.endpoint, message, HANDSHAKE_TOS);
  }

  /** Does what every authentic handshake message means. */
  #authenticated(message: Uint8Array, from: Endpoint, now: Millis): void {
    this.#whereabouts.heardFrom(from);
    this.traffic.rxBytes += message.length;
    this.#timers.authenticatedPacketReceived(now);
  }

  #installKeypair(now: Millis): void {
    const keypair = this.#exchange.deriveKeypair(now);
    if (!keypair) return;
    this.#keypairs.install(keypair);
    this.#timers.keypairDerived(now);
  }

  #handshakeCompleted(): void {
    this.#timers.handshakeCompleted();
    this.#whereabouts.settled();
    this.#sentLastMinuteHandshake = false;
    this.lastHandshakeTime = this.#context.wallClock();
    this.#context.handshakesCompleted++;
  }

  #countSilence(): void {
    this.silences++;
    this.#context.silences++;
  }

  #purgeStaged(): void {
    this.#context.drops.handshakeGivenUp += this.#staged.purge();
  }
}
