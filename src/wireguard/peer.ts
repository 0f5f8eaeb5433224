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
import type { DeadlineEntry, DeadlineQueue } from './deadline-queue.ts';
import type { DropCounters, DropReason } from './drop-reason.ts';
import type { ExchangeContext } from './exchange.ts';
import { Exchange } from './exchange.ts';
import type { OpenedInitiation, StaticKeys } from './handshake.ts';
import type { IndexTable } from './index-table.ts';
import type { Keypair } from './keypair.ts';
import type { Activity, Endpoint, Millis, Outputs, WallClock } from './ports.ts';
import type { TimerName } from './timers.ts';
import { Timers } from './timers.ts';
import type { TransportContext } from './transport.ts';
import { Transport } from './transport.ts';
import { Whereabouts } from './whereabouts.ts';

/** What the peers of a device share. */
export interface PeerContext extends ExchangeContext<Peer>, TransportContext {
  readonly indices: IndexTable<Peer>;
  readonly deadlines: DeadlineQueue<Peer>;
  readonly drops: DropCounters;
  isUp: boolean;
  handshakesCompleted: number;
  silences: number;
}

/** One peer of a device. */
export class Peer {
  readonly publicKey: Uint8Array;
  /** When the last handshake was completed, by the wall clock. */
  lastHandshakeTime: ReturnType<WallClock> | undefined;
  /** Initiations sent because nothing had come back. */
  silences = 0;
  /** Handshakes. */
  readonly exchange: Exchange<Peer>;
  /** Keypairs, staged packets, and traffic. */
  readonly transport: Transport;
  readonly timers: Timers;
  readonly whereabouts: Whereabouts = new Whereabouts();
  readonly #context: PeerContext;
  readonly #deadline: DeadlineEntry<Peer>;
  #sentLastMinuteHandshake = false;

  /** Keeps `publicKey`. `number` is what the fast path calls the peer. */
  constructor(publicKey: Uint8Array, number: number, context: PeerContext) {
    this.publicKey = publicKey;
    this.#context = context;
    this.exchange = new Exchange<Peer>(this, publicKey, context);
    this.#deadline = context.deadlines.add(this);
    this.timers = new Timers(context.entropy, (earliest) => {
      context.deadlines.move(this.#deadline, earliest);
    });
    this.transport = new Transport(number, context, this.timers);
  }

  /** Where messages go; moved by every authentic message that comes from elsewhere. */
  get endpoint(): Endpoint | undefined {
    return this.whereabouts.current;
  }

  /**
   * Sets our static keys. Nothing is sent any more on what was made with the old ones; what the peer
   * still sends on it is received.
   */
  setLocal(local: StaticKeys | undefined): void {
    this.exchange.setLocal(local);
    this.transport.stopSending();
    if (this.exchange.isEnabled) return;
    this.timers.handshakeDisabled();
    this.transport.answered();
    this.#purgeStaged();
  }

  /** Sets where else to look for the peer, and asks at once if that has moved a silent one. */
  setCandidates(candidates: readonly Endpoint[], now: Millis, out: Outputs): void {
    if (this.whereabouts.setCandidates(candidates)) this.#initiateAtOnce(now, out);
  }

  /** Begins a handshake at once if the peer has been in use; a keepalive is use. */
  wake(now: Millis, out: Outputs): void {
    if (this.transport.traffic.rxBytes + this.transport.traffic.txBytes === 0) return;
    this.whereabouts.forgetLocalAddress();
    this.#initiateAtOnce(now, out);
  }

  /** Takes one packet for this peer, which must have an endpoint. Overwrites the slot's content. */
  send(slot: PacketSlot, now: Millis, out: Outputs): DropReason | undefined {
    const keypair = this.transport.usable(now);
    if (!keypair && !this.exchange.isEnabled) return 'noHandshake';
    if (keypair && this.transport.staged.length === 0) {
      if (this.endpoint) this.transport.send(slot, keypair, this.endpoint, now, out);
      this.#keepFreshAfterSending(keypair, now, now, out);
      return undefined;
    }
    if (!keypair) this.timers.replies.dataStaged(now);
    const hadRoom = this.transport.staged.push(slot.packet);
    this.#sendStaged(now, out);
    return hadRoom ? undefined : 'stagingFull';
  }

  /** Sends what is staged, or else an empty packet; without a keypair that begins a handshake. */
  sendKeepalive(now: Millis, out: Outputs): void {
    const keypair = this.transport.usable(now);
    if (!this.#context.isUp || !this.endpoint || (!keypair && !this.exchange.isEnabled)) return;
    if (keypair && this.transport.staged.length === 0) {
      this.transport.send(new PacketSlot(0), keypair, this.endpoint, now, out);
      this.#keepFreshAfterSending(keypair, now, now, out);
      return;
    }
    // Without room to stage an empty packet, the handshake itself shows that we are alive.
    if (this.transport.staged.length === 0) this.transport.staged.push(new Uint8Array(0));
    this.#sendStaged(now, out);
  }

  /** Sends a keepalive if there shall be persistent ones. */
  sendPersistentKeepalive(now: Millis, out: Outputs): void {
    if (this.timers.persistentKeepaliveSeconds > 0) this.sendKeepalive(now, out);
  }

  /** Sends what is staged, if anything is. */
  flush(now: Millis, out: Outputs): void {
    if (this.transport.staged.length > 0) this.#sendStaged(now, out);
  }

  /** Consumes an initiation that the device has opened, and answers it. */
  consumeInitiation(
    message: Uint8Array,
    opened: OpenedInitiation,
    from: Endpoint,
    now: Millis,
    out: Outputs,
  ): DropReason | undefined {
    const reason = this.exchange.consumeInitiation(message, opened, now);
    if (reason) return reason;
    this.#authenticated(message, from, now);
    const response = this.exchange.createResponse(now);
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
    const reason = this.exchange.consumeResponse(message);
    if (reason) return reason;
    this.#authenticated(message, from, now);
    this.#installKeypair(now);
    this.#handshakeCompleted(now);
    this.sendKeepalive(now, out);
    return undefined;
  }

  /** Consumes a cookie reply. It moves no timer, counts for nobody, and keeps the endpoint. */
  consumeCookieReply(message: Uint8Array, now: Millis): DropReason | undefined {
    const reason = this.exchange.consumeCookieReply(message, now);
    if (!reason) this.whereabouts.cookieReceived();
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
    const isConfirmation = this.transport.confirm(keypair);
    this.whereabouts.heardFrom(from);
    if (isConfirmation) this.#handshakeCompleted(now);
    this.timers.authenticatedPacketReceived(now);
    if (packet.length > 0) this.timers.dataReceived(now);
    if (isConfirmation) this.flush(now, out);
    this.#keepFreshAfterReceiving(now, now, out);
  }

  /** Does what the packets mean that the fast path has moved since the last call. */
  handleActivity(activity: Activity, now: Millis, out: Outputs): void {
    const { confirmedIndex, movedTo } = activity;
    const { hasSent, hasReceived } = this.transport.progress(activity);
    const from = movedTo ?? (hasReceived ? this.endpoint : undefined);
    if (from) this.whereabouts.heardFrom(from);
    const isConfirmation = this.transport.confirmIndex(confirmedIndex);
    if (isConfirmation) this.#handshakeCompleted(now);
    this.timers.fastPathActive(activity, hasSent || hasReceived);
    this.transport.follow(this.endpoint);
    if (isConfirmation) this.flush(now, out);
    const { current } = this.transport;
    if (hasSent && current) this.#keepFreshAfterSending(current, activity.lastSent, now, out);
    if (hasReceived) this.#keepFreshAfterReceiving(activity.lastReceived, now, out);
  }

  /** Does what is due. */
  handleTimeout(now: Millis, out: Outputs): void {
    for (let due = this.timers.takeDue(now); due; due = this.timers.takeDue(now)) {
      this.#expire(due, now, out);
    }
  }

  /** Wipes all that is in flight; the peer's configuration and its counters stay. */
  reset(): void {
    this.timers.clear();
    this.transport.clear();
    this.transport.answered();
    this.transport.replied();
    this.exchange.reset();
    this.#purgeStaged();
    this.#sentLastMinuteHandshake = false;
  }

  /** Wipes everything, and leaves the device. */
  remove(): void {
    this.reset();
    this.exchange.wipe();
    this.#context.deadlines.remove(this.#deadline);
  }

  #expire(timer: TimerName, now: Millis, out: Outputs): void {
    switch (timer) {
      case 'retransmitHandshake':
        if (this.timers.handshakeUnanswered(now)) {
          if (this.whereabouts.unanswered()) this.#countSilence();
          this.#sendInitiation(now, out);
        } else {
          this.transport.replied();
          this.#purgeStaged();
        }
        break;
      case 'newHandshake':
        this.transport.answered();
        this.whereabouts.silent();
        this.#countSilence();
        this.#wantInitiation(now, out);
        break;
      case 'sendKeepalive':
        this.transport.replied();
        this.sendKeepalive(now, out);
        break;
      case 'persistentKeepalive':
        this.sendKeepalive(now, out);
        break;
      case 'zeroKeyMaterial':
        this.transport.clear();
        this.exchange.clear();
        this.#purgeStaged();
        break;
    }
  }

  #sendStaged(now: Millis, out: Outputs): void {
    const keypair = this.transport.usable(now);
    if (!keypair) {
      this.#wantInitiation(now, out);
      return;
    }
    if (this.endpoint) this.transport.sendStaged(keypair, this.endpoint, now, out);
    this.#keepFreshAfterSending(keypair, now, now, out);
  }

  #keepFreshAfterSending(keypair: Keypair, sent: Millis, now: Millis, out: Outputs): void {
    if (keypair.wantsRekey(sent)) this.#wantInitiation(now, out);
  }

  /** Who only receives would let its keypair run out: one more handshake, shortly before. */
  #keepFreshAfterReceiving(received: Millis, now: Millis, out: Outputs): void {
    if (this.#sentLastMinuteHandshake || !this.transport.current?.isRunningOut(received)) return;
    this.#sentLastMinuteHandshake = true;
    this.#wantInitiation(now, out);
  }

  #wantInitiation(now: Millis, out: Outputs): void {
    this.timers.handshakeWanted();
    this.#sendInitiation(now, out);
  }

  /** However recent the last initiation is: it went elsewhere, or with a network that is gone. */
  #initiateAtOnce(now: Millis, out: Outputs): void {
    if (!this.#context.isUp) return;
    this.exchange.allowInitiation();
    this.#wantInitiation(now, out);
  }

  #sendInitiation(now: Millis, out: Outputs): void {
    if (!this.endpoint || !this.exchange.isEnabled) return;
    if (this.exchange.isTooSoon(now)) {
      this.timers.initiationSuppressed(this.exchange.lastSent);
      return;
    }
    const initiation = this.exchange.createInitiation(now);
    if (!initiation) return;
    this.timers.initiationSent(now);
    this.whereabouts.asked();
    this.#transmitHandshake(initiation, now, out);
  }

  #transmitHandshake(message: Uint8Array, now: Millis, out: Outputs): void {
    if (!this.endpoint) return;
    this.transport.sendHandshake(message, this.endpoint, now, out);
  }

  /** Does what every authentic handshake message means. */
  #authenticated(message: Uint8Array, from: Endpoint, now: Millis): void {
    this.whereabouts.heardFrom(from);
    this.transport.handshakeReceived(message, now);
  }

  #installKeypair(now: Millis): void {
    const keypair = this.exchange.deriveKeypair(now);
    if (!keypair) return;
    this.transport.install(keypair, now);
  }

  #handshakeCompleted(now: Millis): void {
    this.timers.handshakeCompleted(now);
    this.whereabouts.settled();
    this.#sentLastMinuteHandshake = false;
    this.lastHandshakeTime = this.#context.wallClock();
    this.#context.handshakesCompleted++;
  }

  #countSilence(): void {
    this.silences++;
    this.#context.silences++;
  }

  #purgeStaged(): void {
    this.#context.drops.handshakeGivenUp += this.transport.staged.purge();
  }
}
