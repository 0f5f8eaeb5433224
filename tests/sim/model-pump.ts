/**
 * A fast path as a model: obviously right, and made of the core's own parts. It does per packet what
 * the port promises, and complains about a core that breaks its side of the promise:
 *
 * - an index is installed once, and promoted or removed only while it is installed;
 * - nothing is sent before it is known on which keypair and where to;
 * - a peer is removed when neither keypairs nor prefixes of it are left.
 *
 * What it can't do it hands up at once, in the order in which it comes.
 */
import { PacketSlot, SLOT_HEADROOM_BYTES } from '../../src/slot.ts';
import { open, seal } from '../../src/wireguard/aead.ts';
import { AllowedIPs } from '../../src/wireguard/allowedips.ts';
import { REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME_MS } from '../../src/wireguard/constants.ts';
import type { DropReason } from '../../src/wireguard/drop-reason.ts';
import { createDropCounters, type DropCounters } from '../../src/wireguard/drop-reason.ts';
import { paddingLength } from '../../src/wireguard/keypair.ts';
import {
  encodeTransportHeader,
  receiverIndex,
  TRANSPORT,
  transportCounter,
} from '../../src/wireguard/messages.ts';
import {
  claimedLength,
  destinationAddress,
  hasHeader,
  ipVersion,
  outerEcn,
  sourceAddress,
} from '../../src/wireguard/packet.ts';
import type {
  Activity,
  Endpoint,
  FastKeypair,
  FastPath,
  FastPrefix,
  Outputs,
} from '../../src/wireguard/ports.ts';
import { ReplayWindow } from '../../src/wireguard/replay.ts';

const TAG_BYTES = 16;

interface ModelKeypair extends FastKeypair {
  readonly window: ReplayWindow;
  nextCounter: number;
  isConfirmed: boolean;
}

interface ModelPeer {
  endpoint: Endpoint | undefined;
  sending: ModelKeypair | undefined;
  movedTo: Endpoint | undefined;
  hasNotice: boolean;
  hasChanged: boolean;
  lastSent: number;
  lastReceived: number;
  unansweredSince: number;
  unrepliedSince: number;
  txBytes: number;
  rxBytes: number;
  sendingIndex: number;
  nextCounter: number;
  confirmedIndex: number;
}

/** Where the model's packets go, and what time it is. */
export interface ModelWorld extends Outputs {
  readonly now: number;
  readonly mtu: number;
  /** Takes note of what the core must not have done. */
  violation(text: string): void;
}

/** A fast path, and what a simulation asks of it: the model, or the pump itself. */
export interface SimPump extends FastPath {
  readonly drops: DropCounters;
  /** How many keypairs, and peers that are known by more than their number, there are. */
  readonly held: { readonly keypairs: number; readonly peers: number; readonly prefixes: number };
  /** Takes a packet of the tunnel interface; false if it is the core's to handle. */
  takePacket(packet: Uint8Array): boolean;
  /** Takes a datagram of transport data. */
  takeDatagram(datagram: Uint8Array, from: Endpoint): void;
  /** The peers that have something to tell, either at all or at once. */
  news(onlyNotices: boolean): readonly number[];
  /** What has been done for a peer. */
  read(number: number): Activity;
}

/** A fast path in memory. */
export class ModelPump implements SimPump {
  readonly drops: DropCounters = createDropCounters();
  readonly #world: ModelWorld;
  readonly #peers = new Map<number, ModelPeer>();
  readonly #keypairs = new Map<number, ModelKeypair>();
  #prefixes: readonly FastPrefix[] = [];
  #table = new AllowedIPs<number>();

  constructor(world: ModelWorld) {
    this.#world = world;
  }

  get held(): { readonly keypairs: number; readonly peers: number; readonly prefixes: number } {
    return {
      keypairs: this.#keypairs.size,
      peers: this.#peers.size,
      prefixes: this.#prefixes.length,
    };
  }

  install(keypair: FastKeypair): void {
    if (this.#keypairs.has(keypair.localIndex)) this.#world.violation('installed twice');
    if (!keypair.sendKey.some((byte) => byte !== 0))
      this.#world.violation('installed without keys');
    this.#keypairs.set(keypair.localIndex, {
      ...keypair,
      sendKey: keypair.sendKey.slice(),
      receiveKey: keypair.receiveKey.slice(),
      window: new ReplayWindow(),
      nextCounter: 0,
      isConfirmed: keypair.isInitiator,
    });
  }

  promote(localIndex: number): void {
    const keypair = this.#keypairs.get(localIndex);
    if (!keypair?.isConfirmed) {
      this.#world.violation('promoted what is not installed, or not confirmed');
      return;
    }
    this.#peer(keypair.peer).sending = keypair;
  }

  stopSending(peer: number): void {
    this.#peer(peer).sending = undefined;
  }

  remove(localIndex: number): void {
    const keypair = this.#keypairs.get(localIndex);
    if (!keypair) {
      this.#world.violation('removed what is not installed');
      return;
    }
    this.#keypairs.delete(localIndex);
    const peer = this.#peer(keypair.peer);
    if (peer.sending === keypair) peer.sending = undefined;
  }

  setEndpoint(peer: number, endpoint: Endpoint | undefined): void {
    this.#peer(peer).endpoint = endpoint;
    this.#peer(peer).movedTo = undefined;
  }

  setAllowedIPs(table: readonly FastPrefix[]): void {
    this.#prefixes = table;
    this.#table = new AllowedIPs();
    for (const { prefix, peer } of table) this.#table.insert(prefix, peer);
  }

  removePeer(peer: number): void {
    const keypairs = [...this.#keypairs.values()].some((keypair) => keypair.peer === peer);
    const prefixes = this.#prefixes.some((prefix) => prefix.peer === peer);
    if (keypairs || prefixes) this.#world.violation('removed a peer that is still in use');
    this.#peers.delete(peer);
  }

  send(number: number, packet: Uint8Array): void {
    const peer = this.#peer(number);
    if (!this.#seal(peer, packet)) this.#world.violation('sent without a usable keypair');
  }

  answered(peer: number): void {
    this.#peer(peer).unansweredSince = 0;
  }

  replied(peer: number): void {
    this.#peer(peer).unrepliedSince = 0;
  }

  takePacket(packet: Uint8Array): boolean {
    const version = ipVersion(packet);
    if (version === 0 || !hasHeader(packet, version)) {
      this.drops.outboundNotIp++;
      return true;
    }
    const number = this.#table.lookup(destinationAddress(packet));
    return number !== undefined && this.#seal(this.#peer(number), packet);
  }

  takeDatagram(datagram: Uint8Array, from: Endpoint): void {
    const reason = this.#open(datagram, from);
    if (reason) this.drops[reason]++;
  }

  news(onlyNotices: boolean): readonly number[] {
    return [...this.#peers]
      .filter(([, peer]) => (onlyNotices ? peer.hasNotice : peer.hasChanged))
      .map(([number]) => number);
  }

  read(number: number): Activity {
    const peer = this.#peer(number);
    peer.hasNotice = peer.hasChanged = false;
    return { ...peer };
  }

  #seal(peer: ModelPeer, packet: Uint8Array): boolean {
    const { sending: keypair, endpoint } = peer;
    const { now, mtu } = this.#world;
    if (!keypair || !endpoint || now - keypair.birth >= REJECT_AFTER_TIME_MS) return false;
    if (keypair.nextCounter >= REJECT_AFTER_MESSAGES) return false;
    const counter = keypair.nextCounter++;
    const slot = PacketSlot.of(packet);
    const end = SLOT_HEADROOM_BYTES + packet.length + paddingLength(packet.length, mtu);
    const datagram = slot.buffer.subarray(0, end + TAG_BYTES);
    encodeTransportHeader(datagram, keypair.remoteIndex, counter);
    seal(keypair.sendKey, counter, datagram.subarray(SLOT_HEADROOM_BYTES));
    peer.lastSent = now;
    peer.unrepliedSince = 0;
    if (packet.length > 0 && peer.unansweredSince === 0) peer.unansweredSince = now;
    peer.txBytes += datagram.length;
    peer.sendingIndex = keypair.localIndex;
    peer.nextCounter = keypair.nextCounter;
    peer.hasChanged = true;
    this.#world.transmit(endpoint, datagram, outerEcn(packet));
    return true;
  }

  #open(datagram: Uint8Array, from: Endpoint): DropReason | undefined {
    const keypair = this.#keypairs.get(receiverIndex(datagram));
    if (!keypair) return 'unknownIndex';
    if (this.#world.now - keypair.birth >= REJECT_AFTER_TIME_MS) return 'expired';
    const counter = transportCounter(datagram);
    if (counter >= REJECT_AFTER_MESSAGES) return 'counterExceeded';
    const sealed = datagram.slice(TRANSPORT.packet);
    if (!open(keypair.receiveKey, counter, sealed)) return 'unauthentic';
    if (!keypair.window.accept(counter)) return 'replayed';
    const packet = sealed.subarray(0, sealed.length - TAG_BYTES);
    const peer = this.#peer(keypair.peer);
    this.#authentic(peer, keypair, packet.length, from);
    const reason = packet.length > 0 ? this.#deliver(packet, keypair.peer) : undefined;
    if (!reason) peer.rxBytes += datagram.length;
    return reason;
  }

  #authentic(peer: ModelPeer, keypair: ModelKeypair, length: number, from: Endpoint): void {
    const { now } = this.#world;
    if (!keypair.isConfirmed) {
      keypair.isConfirmed = peer.hasNotice = true;
      peer.confirmedIndex = keypair.localIndex;
    }
    if (!peer.endpoint?.equals(from)) {
      peer.movedTo = from;
      peer.hasNotice = true;
    }
    peer.lastReceived = now;
    peer.unansweredSince = 0;
    if (length > 0 && peer.unrepliedSince === 0) peer.unrepliedSince = now;
    peer.hasChanged = true;
  }

  #deliver(padded: Uint8Array, number: number): DropReason | undefined {
    const version = ipVersion(padded);
    if (version === 0) return 'notIp';
    if (!hasHeader(padded, version)) return 'truncatedHeader';
    const length = claimedLength(padded);
    if (length < 20 || length > padded.length) return 'wrongLength';
    const packet = padded.subarray(0, length);
    if (this.#table.lookup(sourceAddress(packet)) !== number) return 'wrongSource';
    this.#world.deliver(packet);
    return undefined;
  }

  #peer(number: number): ModelPeer {
    const found = this.#peers.get(number);
    if (found) return found;
    const peer: ModelPeer = {
      endpoint: undefined,
      sending: undefined,
      movedTo: undefined,
      hasNotice: false,
      hasChanged: false,
      lastSent: 0,
      lastReceived: 0,
      unansweredSince: 0,
      unrepliedSince: 0,
      txBytes: 0,
      rxBytes: 0,
      sendingIndex: 0,
      nextCounter: 0,
      confirmedIndex: 0,
    };
    this.#peers.set(number, peer);
    return peer;
  }
}
