/**
 * The device: its verbs, and the demultiplexing of packets and datagrams to peers.
 *
 * Three invariants hold for every verb. Outputs never call back into the device. No input makes a
 * verb throw: what isn't processed is one counted `DropReason`. After `handleTimeout(now)` the next
 * timeout is later than `now`.
 *
 * A verb first does what is due. After a suspend, a packet may come before the timer does, and keys
 * that are overdue for wiping must not take the handshake along that the packet has just begun.
 */
import type { PacketSlot } from '../slot.ts';
import { Admission } from './admission.ts';
import type { DeviceStatus, DeviceUpdate } from './configuration.ts';
import { checkUpdate } from './configuration.ts';
import { REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME_MS } from './constants.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { DropReason } from './drop-reason.ts';
import { createDropCounters } from './drop-reason.ts';
import { openInitiation } from './handshake.ts';
import { IndexTable } from './index-table.ts';
import {
  messageType,
  receiverIndex,
  transportCounter,
  TYPE_COOKIE_REPLY,
  TYPE_INITIATION,
  TYPE_RESPONSE,
  TYPE_TRANSPORT,
} from './messages.ts';
import {
  applyOuterEcn,
  claimedLength,
  destinationAddress,
  hasHeader,
  IPV4_HEADER_BYTES,
  ipVersion,
  sourceAddress,
} from './packet.ts';
import type { Peer, PeerContext } from './peer.ts';
import { PeerTable } from './peer-table.ts';
import type {
  Activity,
  Endpoint,
  Entropy,
  FastPath,
  Millis,
  Outputs,
  WallClock,
  X25519,
} from './ports.ts';
import { UnreachableAnswers } from './unreachable.ts';

export type {
  AllowedIPUpdate,
  DeviceStatus,
  DeviceUpdate,
  PeerStatus,
  PeerUpdate,
} from './configuration.ts';

/** What a device needs for its whole life. */
export interface DeviceOptions {
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  /** MTU of the tunnel device: padding never exceeds it. */
  readonly mtu: number;
  readonly x25519: X25519;
  /**
   * `Device.lastTimestamp` of a predecessor with the same private key, so that its peers accept our
   * initiations even if the wall clock was set back meanwhile.
   */
  readonly lastTimestamp?: Uint8Array;
}

/** A WireGuard interface without any input or output of its own. */
export class Device {
  readonly #context: PeerContext;
  readonly #peers: PeerTable;
  readonly #admission = new Admission();
  readonly #unreachable = new UnreachableAnswers();

  /** Makes a device that is down, without a key or peers. */
  constructor(options: DeviceOptions) {
    this.#context = {
      entropy: options.entropy,
      wallClock: options.wallClock,
      x25519: options.x25519,
      indices: new IndexTable<Peer>(options.entropy),
      deadlines: new DeadlineQueue<Peer>(),
      staging: { used: 0 },
      drops: createDropCounters(),
      mtu: options.mtu,
      fastPath: undefined,
      isUp: false,
      handshakesCompleted: 0,
      silences: 0,
      unopenedResponse: undefined,
      lastTimestamp: options.lastTimestamp && Uint8Array.from(options.lastTimestamp),
    };
    this.#peers = new PeerTable(this.#context);
  }

  /** Begins to send and to receive. */
  up(now: Millis, out: Outputs): void {
    if (this.#context.isUp) return;
    this.#context.isUp = true;
    for (const peer of this.#peers.values()) peer.sendPersistentKeepalive(now, out);
  }

  /** Stops, and wipes all that is in flight: keypairs, handshakes, staged packets, deadlines. */
  down(now: Millis): void {
    this.#context.isUp = false;
    for (const peer of this.#peers.values()) peer.reset();
    this.#admission.forget(now);
  }

  /** Sends one keepalive to every peer with an endpoint, and thereby begins a handshake. */
  connect(now: Millis, out: Outputs): void {
    this.#expire(now, out);
    for (const peer of this.#peers.values()) peer.sendKeepalive(now, out);
  }

  /**
   * Begins a handshake at once with every peer that has an endpoint and has been in use: the host has
   * slept, or is on another network.
   */
  wake(now: Millis, out: Outputs): void {
    this.#expire(now, out);
    for (const peer of this.#peers.values()) peer.wake(now, out);
  }

  /**
   * Takes one IP packet from the tunnel device. The slot is the caller's again when this returns, its
   * content overwritten.
   */
  handleTunPacket(slot: PacketSlot, now: Millis, out: Outputs): void {
    this.#expire(now, out);
    const { isUp } = this.#context;
    const reason = isUp ? this.#sendPacket(slot, now, out) : 'deviceDown';
    if (reason) this.#context.drops[reason]++;
  }

  /**
   * Takes one datagram. Its bytes are the device's until this returns, and are decrypted in place.
   * `ecn` is the ECN codepoint of the outer header, 0 to 3.
   */
  handleDatagram(
    datagram: Uint8Array,
    from: Endpoint,
    now: Millis,
    out: Outputs,
    ecn: number = 0,
  ): void {
    this.#expire(now, out);
    const { isUp } = this.#context;
    const reason = isUp ? this.#consume(datagram, from, now, out, ecn) : 'deviceDown';
    if (reason) this.#context.drops[reason]++;
  }

  /** Has `fastPath` move transport data, or the device again: all keypairs end with the change. */
  useFastPath(fastPath: FastPath | undefined): void {
    this.#peers.useFastPath(fastPath);
  }

  /** Takes note of what the fast path has done for a peer, if there is one of that number. */
  handleActivity(peer: number, activity: Activity, now: Millis, out: Outputs): void {
    this.#peers.withNumber(peer)?.handleActivity(activity, now, out);
    this.#expire(now, out);
  }

  /** Does what is due at `now`. */
  handleTimeout(now: Millis, out: Outputs): void {
    this.#expire(now, out);
    this.#admission.forget(now);
  }

  /** When `handleTimeout` is next due; undefined if nothing waits. */
  nextTimeout(): Millis | undefined {
    const deadline = this.#context.deadlines.earliest?.deadline ?? Infinity;
    return deadline === Infinity ? undefined : deadline;
  }

  /** The device and its peers as they are: a copy, and with it the preshared keys. */
  status(now: Millis): DeviceStatus {
    const { identity } = this.#peers;
    return {
      ...(identity && { publicKey: identity.staticPublic.slice() }),
      mtu: this.#context.mtu,
      peers: this.#peers.status(),
      drops: { ...this.#context.drops },
      underLoad: this.#admission.underLoad(now),
    };
  }

  /** Handshakes completed with all peers, ever. */
  get handshakesCompleted(): number {
    return this.#context.handshakesCompleted;
  }

  /** Initiations sent to all peers because nothing had come back, ever; `status` tells whose. */
  get silences(): number {
    return this.#context.silences;
  }

  /** A peer whose response did not open, as after preshared keys that differ: told once for each. */
  takeUnopenedResponse(): Uint8Array | undefined {
    const { unopenedResponse } = this.#context;
    this.#context.unopenedResponse = undefined;
    return unopenedResponse?.slice();
  }

  /** The greatest timestamp sent; for `DeviceOptions.lastTimestamp` of a successor. No secret. */
  get lastTimestamp(): Uint8Array | undefined {
    return this.#context.lastTimestamp?.slice();
  }

  /** Changes the MTU of the tunnel device. */
  setMtu(mtu: number): void {
    this.#context.mtu = mtu;
  }

  /**
   * Applies an update, as a `set` of the configuration protocol does. Content is never refused: our
   * own public key as a peer is left out, and so are peers beyond the 65,536th. Throws RangeError for
   * bytes of a wrong length, before anything has changed. All bytes are copied.
   */
  configure(update: DeviceUpdate, now: Millis, out: Outputs): void {
    checkUpdate(update);
    this.#expire(now, out);
    this.#peers.configure(update, now, out);
  }

  /** Lets every verb see the device as it should be at `now`, whether or not a timer has fired. */
  #expire(now: Millis, out: Outputs): void {
    const { deadlines } = this.#context;
    for (let due = deadlines.earliest; due && due.deadline <= now; due = deadlines.earliest) {
      due.owner.handleTimeout(now, out);
    }
  }

  #sendPacket(slot: PacketSlot, now: Millis, out: Outputs): DropReason | undefined {
    const { packet } = slot;
    const version = ipVersion(packet);
    if (version === 0 || !hasHeader(packet, version)) return 'outboundNotIp';
    const peer = this.#peers.lookup(destinationAddress(packet));
    if (peer?.endpoint) return peer.send(slot, now, out);
    const answer = this.#unreachable.create(packet, now);
    if (answer) out.deliver(answer);
    return peer ? 'noEndpoint' : 'noPeer';
  }

  #consume(
    datagram: Uint8Array,
    from: Endpoint,
    now: Millis,
    out: Outputs,
    ecn: number,
  ): DropReason | undefined {
    switch (messageType(datagram)) {
      case TYPE_TRANSPORT:
        return this.#consumeTransport(datagram, from, now, out, ecn);
      case TYPE_INITIATION:
        return this.#consumeInitiation(datagram, from, now, out);
      case TYPE_RESPONSE:
        return this.#consumeResponse(datagram, from, now, out);
      case TYPE_COOKIE_REPLY: {
        const entry = this.#context.indices.lookup(receiverIndex(datagram));
        return entry ? entry.owner.consumeCookieReply(datagram, now) : 'unknownIndex';
      }
      default:
        return 'malformed';
    }
  }

  #consumeInitiation(
    message: Uint8Array,
    from: Endpoint,
    now: Millis,
    out: Outputs,
  ): DropReason | undefined {
    const { identity } = this.#peers;
    if (!identity) return 'noPrivateKey';
    const refusal = this.#admission.admit(identity.cookies, message, from, now, out);
    if (refusal) return refusal;
    const opened = openInitiation(message, identity, this.#context.x25519);
    if (typeof opened === 'string') return opened;
    const peer = this.#peers.find(opened.remoteStatic);
    if (peer) return peer.consumeInitiation(message, opened, from, now, out);
    opened.transcript.wipe();
    return 'unknownPeer';
  }

  #consumeResponse(
    message: Uint8Array,
    from: Endpoint,
    now: Millis,
    out: Outputs,
  ): DropReason | undefined {
    const { identity } = this.#peers;
    if (!identity) return 'noPrivateKey';
    const refusal = this.#admission.admit(identity.cookies, message, from, now, out);
    if (refusal) return refusal;
    const entry = this.#context.indices.lookup(receiverIndex(message));
    if (!entry) return 'unknownIndex';
    if (entry.keypair) return 'unexpectedResponse';
    return entry.owner.consumeResponse(message, from, now, out);
  }

  #consumeTransport(
    datagram: Uint8Array,
    from: Endpoint,
    now: Millis,
    out: Outputs,
    ecn: number,
  ): DropReason | undefined {
    const entry = this.#context.indices.lookup(receiverIndex(datagram));
    if (!entry?.keypair) return 'unknownIndex';
    const { owner: peer, keypair } = entry;
    if (keypair.hasAge(REJECT_AFTER_TIME_MS, now)) return 'expired';
    const counter = transportCounter(datagram);
    if (counter >= REJECT_AFTER_MESSAGES) return 'counterExceeded';
    const packet = keypair.open(datagram, counter);
    if (!packet) return 'unauthentic';
    // Only an authentic packet may move the window: a forged counter near the limit would lock the
    // peer out.
    if (!keypair.acceptCounter(counter)) return 'replayed';
    peer.consumeTransport(keypair, packet, from, now, out);
    const reason = packet.length > 0 ? this.#deliver(packet, peer, out, ecn) : undefined;
    if (reason) return reason;
    peer.transport.traffic.rxBytes += datagram.length;
    return undefined;
  }

  /** Trims the padding, and delivers what comes from an address of this very peer. */
  #deliver(padded: Uint8Array, peer: Peer, out: Outputs, ecn: number): DropReason | undefined {
    const version = ipVersion(padded);
    if (version === 0) return 'notIp';
    if (!hasHeader(padded, version)) return 'truncatedHeader';
    const length = claimedLength(padded);
    if (length < IPV4_HEADER_BYTES || length > padded.length) return 'wrongLength';
    const packet = padded.subarray(0, length);
    if (this.#peers.lookup(sourceAddress(packet)) !== peer) return 'wrongSource';
    applyOuterEcn(packet, ecn);
    out.deliver(packet);
    return undefined;
  }
}
