/**
 * The real pump in a simulation: pump/ between memory and memory, with the simulation's clock, in the
 * place of the model. What the simulations hold of the core and the model, they then hold of the core
 * and the pump, and whatever the two do differently fails one of them.
 *
 * `make differential` builds the library and runs the simulations so.
 */
import ffi from 'ffi-rs';
import { afterEach } from 'vitest';
import { createDropCounters, type DropCounters } from '../../src/wireguard/drop-reason.ts';
import type { Activity, Endpoint, FastKeypair, FastPrefix } from '../../src/wireguard/ports.ts';
import type { ModelWorld, SimPump } from './model-pump.ts';
import { SimEndpoint } from './sim-endpoint.ts';

const { DataType, isNullPointer, load, open } = ffi;

const LIBRARY = 'wgpump-ring';
const PEERS_MAX = 256;
/** Sizes and offsets of pump/pump.h and pump/ring.h. */
const VNET_BYTES = 10;
const ENDPOINT_BYTES = 48;
const OUTPUT_HEADER_BYTES = 72;
const MESSAGE_HEADER_BYTES = 72;
const TAKE_BYTES = 65_536 + 80;
const ACTIVITY_BYTES = 4_096;
const PEER_ACTIVITY_BYTES = 384;
const DROPS_AT = 16;
const MESSAGE_PACKET = 2;
const OUTPUT_DATAGRAMS = 1;

/** enum pump_drop. */
const DROPS = [
  'malformed',
  'unknownIndex',
  'expired',
  'counterExceeded',
  'unauthentic',
  'replayed',
  'notIp',
  'truncatedHeader',
  'wrongLength',
  'wrongSource',
  'outboundNotIp',
] as const;

/** Offsets in struct pump_peer_activity. */
const AT = {
  lastSent: 0,
  txBytes: 8,
  sendingIndex: 32,
  nextCounter: 40,
  lastReceived: 128,
  rxBytes: 136,
  confirmedIndex: 160,
  unansweredSince: 256,
  unrepliedSince: 264,
  notices: 272,
} as const;

type Argument = number | Uint8Array | object;

let isOpen = false;
const openPumps = new Set<RingPump>();

// A pump has descriptors, and a network in a simulation has no end of its own.
afterEach(() => {
  for (const pump of openPumps) pump.close();
});

/** The pump of this repository, in memory. */
export class RingPump implements SimPump {
  readonly #world: ModelWorld;
  readonly #handle: object;
  readonly #activity = Buffer.allocUnsafeSlow(
    ACTIVITY_BYTES + PEERS_MAX * PEER_ACTIVITY_BYTES,
  ).fill(0);
  readonly #taken = Buffer.allocUnsafeSlow(TAKE_BYTES);
  readonly #keypairs = new Set<number>();
  readonly #seen = new Map<number, Buffer>();
  #prefixes: readonly FastPrefix[] = [];

  constructor(world: ModelWorld) {
    this.#world = world;
    const config = Buffer.alloc(64);
    config.writeUInt32LE(config.length, 0);
    for (const at of [4, 8, 12]) config.writeInt32LE(-1, at);
    config.writeUInt32LE(VNET_BYTES, 16);
    config.writeUInt32LE(world.mtu, 20);
    config.writeUInt32LE(PEERS_MAX, 24);
    const failure = Buffer.alloc(4);
    this.#handle = openPump(config, this.#activity, failure);
    if (isNullPointer(this.#handle as never))
      throw new Error(`pump_open: errno ${failure.readInt32LE()}`);
    this.#call('ring_attach');
    openPumps.add(this);
  }

  get held(): { readonly keypairs: number; readonly peers: number; readonly prefixes: number } {
    return {
      keypairs: this.#keypairs.size,
      peers: this.#seen.size,
      prefixes: this.#prefixes.length,
    };
  }

  get drops(): DropCounters {
    const drops = createDropCounters();
    DROPS.forEach((reason, index) => {
      drops[reason] = this.#word(DROPS_AT + 8 * index);
    });
    return drops;
  }

  install(keypair: FastKeypair): void {
    const bytes = Buffer.alloc(88);
    bytes.writeUInt32LE(keypair.peer, 0);
    bytes.writeUInt32LE(keypair.localIndex, 4);
    bytes.writeUInt32LE(keypair.remoteIndex, 8);
    bytes.writeUInt32LE(keypair.isInitiator ? 0 : 1, 12);
    bytes.writeBigUInt64LE(BigInt(Math.floor(keypair.birth)), 16);
    bytes.set(keypair.sendKey, 24);
    bytes.set(keypair.receiveKey, 56);
    this.#know(keypair.peer);
    this.#keypairs.add(keypair.localIndex);
    this.#must('pump_install', bytes);
  }

  promote(localIndex: number): void {
    this.#must('pump_promote', localIndex);
    this.#step();
  }

  stopSending(peer: number): void {
    this.#know(peer);
    this.#must('pump_stop_sending', peer);
  }

  remove(localIndex: number): void {
    this.#keypairs.delete(localIndex);
    this.#must('pump_remove', localIndex);
  }

  setEndpoint(peer: number, endpoint: Endpoint | undefined): void {
    this.#know(peer);
    this.#must('pump_peer_endpoint', peer, encodeEndpoint(endpoint));
  }

  setAllowedIPs(table: readonly FastPrefix[]): void {
    this.#prefixes = table;
    const bytes = Buffer.alloc(24 * Math.max(1, table.length));
    table.forEach(({ prefix, peer }, index) => {
      const at = 24 * index;
      bytes.writeUInt16LE(prefix.address.length === 4 ? 4 : 6, at);
      bytes.writeUInt16LE(prefix.length, at + 2);
      bytes.writeUInt32LE(peer, at + 4);
      bytes.set(prefix.address, at + 8);
    });
    this.#must('pump_set_allowed_ips', bytes, table.length);
  }

  removePeer(peer: number): void {
    this.#seen.delete(peer);
    this.#must('pump_peer_remove', peer);
  }

  send(peer: number, packet: Uint8Array): void {
    this.#must('pump_send', peer, packet.length > 0 ? packet : Buffer.alloc(1), packet.length);
    if (this.#step()) this.#world.violation('sent without a usable keypair');
  }

  answered(peer: number): void {
    this.#activity.writeBigUInt64LE(0n, this.#peerAt(peer) + AT.unansweredSince);
  }

  replied(peer: number): void {
    this.#activity.writeBigUInt64LE(0n, this.#peerAt(peer) + AT.unrepliedSince);
  }

  takePacket(packet: Uint8Array): boolean {
    const frame = Buffer.alloc(VNET_BYTES + packet.length);
    frame.set(packet, VNET_BYTES);
    this.#must('ring_give_packet', frame, frame.length);
    return !this.#step();
  }

  takeDatagram(datagram: Uint8Array, from: Endpoint): void {
    this.#must(
      'ring_give_datagrams',
      encodeEndpoint(from),
      0,
      datagram.length,
      datagram,
      datagram.length,
    );
    this.#step();
  }

  news(onlyNotices: boolean): readonly number[] {
    return [...this.#seen]
      .filter(([peer, seen]) =>
        onlyNotices
          ? this.#word(this.#peerAt(peer) + AT.notices) !== 0
          : !seen.equals(this.#peerBytes(peer)),
      )
      .map(([peer]) => peer);
  }

  read(peer: number): Activity {
    const at = this.#peerAt(peer);
    this.#activity.writeBigUInt64LE(0n, at + AT.notices);
    this.#seen.set(peer, Buffer.from(this.#peerBytes(peer)));
    const moved = Buffer.alloc(ENDPOINT_BYTES);
    this.#must('pump_peer_moved', peer, moved);
    return {
      lastSent: this.#word(at + AT.lastSent),
      lastReceived: this.#word(at + AT.lastReceived),
      unansweredSince: this.#word(at + AT.unansweredSince),
      unrepliedSince: this.#word(at + AT.unrepliedSince),
      txBytes: this.#word(at + AT.txBytes),
      rxBytes: this.#word(at + AT.rxBytes),
      sendingIndex: this.#word(at + AT.sendingIndex),
      nextCounter: this.#word(at + AT.nextCounter),
      confirmedIndex: this.#word(at + AT.confirmedIndex),
      movedTo: decodeEndpoint(moved),
    };
  }

  close(): void {
    if (!openPumps.delete(this)) return;
    closeWakeSocket(this.#call('pump_wake_fd'));
    this.#call('ring_detach');
    this.#call('pump_close');
  }

  /** Does what waits, at the time that it is; true if a packet came up. */
  #step(): boolean {
    this.#must('ring_set_clock', Math.floor(this.#world.now));
    this.#must('ring_step');
    while (this.#call('ring_take', this.#taken, TAKE_BYTES) > 0) this.#output();
    let hasPacket = false;
    for (;;) {
      const length = this.#call('pump_take', this.#taken, TAKE_BYTES);
      if (length <= 0) return hasPacket;
      for (let at = 0; at < length; at += this.#taken.readUInt32LE(at)) {
        if (this.#taken.readUInt32LE(at + 4) !== MESSAGE_PACKET) continue;
        // A keepalive doesn't come up again, and an IP packet isn't empty.
        hasPacket ||= this.#taken.readUInt32LE(at + MESSAGE_HEADER_BYTES - 8) > 0;
      }
    }
  }

  #output(): void {
    const kind = this.#taken.readUInt32LE(4);
    const length = this.#taken.readUInt32LE(OUTPUT_HEADER_BYTES - 8);
    const payload = this.#taken.subarray(OUTPUT_HEADER_BYTES, OUTPUT_HEADER_BYTES + length);
    if (kind !== OUTPUT_DATAGRAMS) {
      this.#world.deliver(Uint8Array.from(payload.subarray(VNET_BYTES)));
      return;
    }
    const to = decodeEndpoint(this.#taken.subarray(8, 8 + ENDPOINT_BYTES));
    const tos = this.#taken.readUInt32LE(8 + ENDPOINT_BYTES);
    if (to) this.#world.transmit(to, Uint8Array.from(payload), tos);
  }

  #know(peer: number): void {
    if (!this.#seen.has(peer)) this.#seen.set(peer, Buffer.from(this.#peerBytes(peer)));
  }

  #peerAt(peer: number): number {
    return ACTIVITY_BYTES + PEER_ACTIVITY_BYTES * peer;
  }

  #peerBytes(peer: number): Buffer {
    const at = this.#peerAt(peer);
    return this.#activity.subarray(at, at + PEER_ACTIVITY_BYTES);
  }

  #word(at: number): number {
    return Number(this.#activity.readBigUInt64LE(at));
  }

  #must(name: string, ...args: readonly Argument[]): void {
    const result = this.#call(name, ...args);
    if (result < 0) this.#world.violation(`${name}: errno ${-result}`);
  }

  #call(name: string, ...args: readonly Argument[]): number {
    return call(name, [this.#handle, ...args]);
  }
}

function openPump(config: Buffer, activity: Buffer, failure: Buffer): object {
  if (!isOpen) {
    const path = new URL('../../build/libwgpump-ring.so', import.meta.url).pathname;
    open({ library: LIBRARY, path });
    isOpen = true;
  }
  return load({
    library: LIBRARY,
    funcName: 'pump_open',
    retType: DataType.External,
    paramsType: [DataType.U8Array, DataType.U8Array, DataType.U32, DataType.U8Array],
    paramsValue: [config, activity, activity.length, failure],
  });
}

function call(name: string, args: readonly Argument[]): number {
  return load({
    library: LIBRARY,
    funcName: name,
    retType: DataType.I32,
    // A number is passed in a register, whether 32 bits are wanted or, as by the clock, 64.
    paramsType: args.map((arg) => {
      if (typeof arg === 'number') return DataType.I64;
      return arg instanceof Uint8Array ? DataType.U8Array : DataType.External;
    }),
    paramsValue: args.map((arg) =>
      arg instanceof Uint8Array ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength) : arg,
    ),
  });
}

function closeWakeSocket(fd: number): void {
  call('close', [fd]);
}

function encodeEndpoint(endpoint: Endpoint | undefined): Buffer {
  const bytes = Buffer.alloc(ENDPOINT_BYTES);
  if (!(endpoint instanceof SimEndpoint)) return bytes;
  bytes.writeUInt16LE(endpoint.address.length === 4 ? 4 : 6, 0);
  bytes.writeUInt16LE(endpoint.port, 2);
  bytes.set(endpoint.address, 8);
  return bytes;
}

function decodeEndpoint(bytes: Buffer): SimEndpoint | undefined {
  const family = bytes.readUInt16LE(0);
  if (family === 0) return undefined;
  const address = Uint8Array.from(bytes.subarray(8, family === 4 ? 12 : 24));
  return new SimEndpoint(address, bytes.readUInt16LE(2));
}
