/**
 * The pump: calls of libwgpump, and what comes back from it. pump/pump.h is the contract; offsets and
 * sizes here are those of its structs, all little-endian and without gaps, and `open` refuses a
 * library of another version.
 *
 * Control only: no packet passes here but those that the core itself sends and those that the pump
 * can't handle. Every buffer is as long as the struct or the array that the function reads or writes.
 */
import { readUint32LE } from '../bytes.ts';
import { addressFamily, formatAddress, UdpEndpoint, type Prefix } from '../ip.ts';
import { interfaceIndex, NativeLibrary, SystemCallError, type NativePointer } from './ffi.ts';
import { decodeActivity, PEER_WORDS, PeerWords, PUMP_HEADER_WORDS } from './pump-activity.ts';

const ABI = 2;
/** Peers are numbers below this. Memory is only used for those that there are. */
export const PUMP_PEERS: number = 65_536;

const CONFIG_BYTES = 64;
const ENDPOINT_BYTES = 48;
const KEYPAIR_BYTES = 88;
const PREFIX_BYTES = 24;
const MESSAGE_BYTES = 72;
/** PUMP_TAKE_BYTES, and room for some more. */
const TAKE_BYTES = 4 * (65_536 + 72 + 8);
const FROM = 16;

/** What the pump may be kept from using, by the bits of pump_config.without. */
export const WITHOUT_OFFLOAD = 1;

/** Where the pump works. */
export interface PumpOptions {
  readonly tun: number;
  /** -1 for a family that the host lacks. */
  readonly udp4: number;
  readonly udp6: number;
  readonly mtu: number;
  readonly reserved?: readonly number[] | undefined;
  /** Length of the virtio_net_hdr of the TUN. */
  readonly vnetHeaderBytes: number;
  readonly without?: number;
  /** Threads beside the one of each direction, 0 to `PUMP_WORKERS_MAX` of engine-configuration.ts. */
  readonly workers?: number;
}

/** What the pump can't do by itself, or wants to be known. */
export type PumpMessage =
  | { readonly kind: 'handshake'; readonly from: UdpEndpoint; readonly datagram: Uint8Array }
  /** A handshake message from a place where nothing can be sent. */
  | { readonly kind: 'portZero' }
  | { readonly kind: 'packet'; readonly peer: number; readonly packet: Uint8Array }
  | { readonly kind: 'news'; readonly peer: number }
  | { readonly kind: 'active' }
  | { readonly kind: 'gone'; readonly errno: number };

/** A keypair as the pump takes it. */
export interface PumpKeypair {
  readonly peer: number;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly isInitiator: boolean;
  /** CLOCK_BOOTTIME in milliseconds. */
  readonly birth: number;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

/** An endpoint that remembers at which address of this host its datagrams arrive. */
export class LocalEndpoint extends UdpEndpoint {
  readonly local: Uint8Array;

  constructor(remote: UdpEndpoint, local: Uint8Array) {
    super(remote.address, remote.port, remote.host);
    this.local = local;
  }

  override equals(other: unknown): boolean {
    const isRemote = other instanceof UdpEndpoint && super.equals(other);
    return isRemote && other instanceof LocalEndpoint && equalBytes(this.local, other.local);
  }

  /** The same place, sent to from whichever address the routes choose. */
  withoutLocalAddress(): UdpEndpoint {
    return new UdpEndpoint(this.address, this.port, this.host);
  }
}

/** One pump. */
export class Pump {
  readonly #library: NativeLibrary;
  readonly #pointer: NativePointer;
  /** Lent to the pump until `close`, so it must live as long. */
  readonly #words: BigUint64Array;
  readonly #taken = new Uint8Array(TAKE_BYTES);
  /** How much of it was filled, and where the next message in it begins. */
  #filled = 0;
  #next = 0;
  #isClosed = false;

  private constructor(library: NativeLibrary, pointer: NativePointer, words: BigUint64Array) {
    this.#library = library;
    this.#pointer = pointer;
    this.#words = words;
  }

  /** Loads the library and makes a pump that doesn't run. Throws if this machine can't. */
  static open(path: string, options: PumpOptions): Pump {
    const library = new NativeLibrary(path);
    const abi = library.call('pump_abi');
    if (abi !== ABI) throw new Error(`the pump is of version ${abi}, not ${ABI}`);
    const words = new BigUint64Array(PUMP_HEADER_WORDS + PUMP_PEERS * PEER_WORDS);
    const activity = new Uint8Array(words.buffer);
    const failure = new Uint8Array(4);
    const config = encodeConfig(options);
    const pointer = library.make('pump_open', config, activity, activity.length, failure);
    if (!pointer) throw new SystemCallError('pump_open', readUint32LE(failure, 0));
    return new Pump(library, pointer, words);
  }

  /** The descriptor on which bytes announce messages; the caller's to close. */
  wakeDescriptor(): number {
    return this.call('pump_wake_fd');
  }

  start(): void {
    this.call('pump_start');
  }

  stop(): void {
    this.call('pump_stop');
  }

  /** Frees everything; nothing else may be called afterwards. */
  close(): void {
    this.#isClosed = true;
    this.call('pump_close');
  }

  /** Exchanges the sockets of a pump that doesn't run. */
  setSockets(udp4: number, udp6: number): void {
    this.call('pump_set_sockets', udp4, udp6);
  }

  setMtu(mtu: number): void {
    this.call('pump_set_mtu', mtu);
  }

  setAllowedIPs(table: readonly { readonly prefix: Prefix; readonly peer: number }[]): void {
    const bytes = new Uint8Array(Math.max(table.length, 1) * PREFIX_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [index, { prefix, peer }] of table.entries()) {
      const at = index * PREFIX_BYTES;
      view.setUint16(at, addressFamily(prefix.address), true);
      view.setUint16(at + 2, prefix.length, true);
      view.setUint32(at + 4, peer, true);
      bytes.set(prefix.address, at + 8);
    }
    this.call('pump_set_allowed_ips', bytes, table.length);
  }

  setEndpoint(peer: number, endpoint: UdpEndpoint | undefined): void {
    this.call('pump_peer_endpoint', peer, encodeEndpoint(endpoint));
  }

  /** Where the last authentic datagram from elsewhere came from. */
  movedTo(peer: number): UdpEndpoint | undefined {
    const bytes = new Uint8Array(ENDPOINT_BYTES);
    this.call('pump_peer_moved', peer, bytes);
    return decodeEndpoint(bytes, 0);
  }

  removePeer(peer: number): void {
    this.call('pump_peer_remove', peer);
  }

  /** Installs a keypair; the keys are copied, and the copy on the way is wiped. */
  install(keypair: PumpKeypair): void {
    const bytes = new Uint8Array(KEYPAIR_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, keypair.peer, true);
    view.setUint32(4, keypair.localIndex, true);
    view.setUint32(8, keypair.remoteIndex, true);
    view.setUint32(12, keypair.isInitiator ? 0 : 1, true);
    view.setBigUint64(16, BigInt(Math.ceil(keypair.birth)), true);
    bytes.set(keypair.sendKey, 24);
    bytes.set(keypair.receiveKey, 56);
    try {
      this.call('pump_install', bytes);
    } finally {
      bytes.fill(0);
    }
  }

  promote(localIndex: number): void {
    this.call('pump_promote', localIndex);
  }

  stopSending(peer: number): void {
    this.call('pump_stop_sending', peer);
  }

  remove(localIndex: number): void {
    this.call('pump_remove', localIndex);
  }

  /** Seals and sends a packet, or a keepalive. Throws if too many wait, which the pump counts. */
  send(peer: number, packet: Uint8Array): void {
    // Of an empty array there is no address to pass.
    const bytes = packet.length > 0 ? packet : new Uint8Array(1);
    this.call('pump_send', peer, bytes, packet.length);
  }

  /** Sends a datagram of the core's. Throws what the kernel says, which the pump counts. */
  sendDatagram(to: UdpEndpoint, tos: number, datagram: Uint8Array): void {
    this.call('pump_datagram', encodeEndpoint(to), tos, datagram, datagram.length);
  }

  /** Writes a packet of the core's to the TUN. */
  deliver(packet: Uint8Array): void {
    this.call('pump_deliver', packet, packet.length);
  }

  /** Asks for one `active` at the next packet either way. */
  watch(): void {
    this.call('pump_watch');
  }

  /**
   * Hands over what waits, in order, but at most so many messages; false if nothing is left. Only then does
   * the next message wake the caller. The bytes of a message are the listener's until it returns.
   */
  take(listener: (message: PumpMessage) => void, most: number = Infinity): boolean {
    for (let count = 0; count < most; count++) {
      if (!this.#hasMessage()) return false;
      const at = this.#next;
      // First, so that what a listener throws at is not told again.
      this.#next += readUint32LE(this.#taken, at);
      const message = decodeMessage(this.#taken, at);
      if (message) listener(message);
    }
    return true;
  }

  /** The words of one peer. */
  peer(number: number): PeerWords {
    return new PeerWords(this.#words, number);
  }

  /** What there is besides the peers. */
  get activity(): ReturnType<typeof decodeActivity> {
    return decodeActivity(this.#words);
  }

  /** Whether there is a message, taken or still to be taken. A listener may have closed the pump. */
  #hasMessage(): boolean {
    if (this.#isClosed) return false;
    if (this.#next < this.#filled) return true;
    this.#next = 0;
    this.#filled = this.call('pump_take', this.#taken, this.#taken.length);
    return this.#filled > 0;
  }

  /** Calls a function of the library on this pump; throws for a negative result. */
  call(name: string, ...args: readonly (number | Uint8Array)[]): number {
    return this.#library.call(name, this.#pointer, ...args);
  }
}

function encodeConfig(options: PumpOptions): Uint8Array {
  const bytes = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(bytes.buffer);
  const { tun, udp4, udp6, vnetHeaderBytes, mtu, without = 0, workers = 0 } = options;
  const words = [CONFIG_BYTES, tun, udp4, udp6, vnetHeaderBytes, mtu, PUMP_PEERS, without];
  for (const [index, word] of words.entries()) view.setInt32(4 * index, word, true);
  bytes.set(options.reserved ?? [], 32);
  view.setUint32(36, workers, true);
  return bytes;
}

/** An endpoint as the pump takes it (struct pump_endpoint); family 0 if there is none. */
export function encodeEndpoint(endpoint: UdpEndpoint | undefined): Uint8Array {
  const bytes = new Uint8Array(ENDPOINT_BYTES);
  if (!endpoint) return bytes;
  const view = new DataView(bytes.buffer);
  const { address, port, host } = endpoint;
  view.setUint16(0, addressFamily(address), true);
  view.setUint16(2, port, true);
  if (host.includes('%')) view.setUint32(4, scopeOf(host.slice(host.indexOf('%') + 1)), true);
  bytes.set(address, 8);
  if (endpoint instanceof LocalEndpoint) {
    bytes.set(endpoint.local, 24);
    view.setUint32(40, 1, true);
  }
  return bytes;
}

/** The number of a zone (RFC 4007 11.2): wg(8) gives its name, and a datagram came from its number. */
function scopeOf(zone: string): number {
  return /^\d{1,9}$/.test(zone) ? Number(zone) : interfaceIndex(zone);
}

function decodeEndpoint(bytes: Uint8Array, at: number): UdpEndpoint | undefined {
  const family = bytes[at];
  if (family === 0) return undefined;
  const port = readUint32LE(bytes, at) >>> 16;
  // Whoever forges a source port can choose 0, where nothing can be sent: the pump refuses it.
  if (port === 0) return undefined;
  const length = family === 4 ? 4 : 16;
  const address = bytes.slice(at + 8, at + 8 + length);
  const scope = readUint32LE(bytes, at + 4);
  const host = formatAddress(address) + (scope > 0 ? `%${scope}` : '');
  const remote = new UdpEndpoint(address, port, host);
  if (readUint32LE(bytes, at + 40) === 0) return remote;
  return new LocalEndpoint(remote, bytes.slice(at + 24, at + 24 + length));
}

function decodeMessage(bytes: Uint8Array, at: number): PumpMessage | undefined {
  const start = at + MESSAGE_BYTES;
  const payload = bytes.subarray(start, start + readUint32LE(bytes, at + 64));
  const peer = readUint32LE(bytes, at + 8);
  switch (readUint32LE(bytes, at + 4)) {
    case 1: {
      const from = decodeEndpoint(bytes, at + FROM);
      return from ? { kind: 'handshake', from, datagram: payload } : { kind: 'portZero' };
    }
    case 2:
      return { kind: 'packet', peer, packet: payload };
    case 3:
    case 4:
      return { kind: 'news', peer };
    case 5:
      return { kind: 'active' };
    case 6:
      return { kind: 'gone', errno: readUint32LE(bytes, at + 12) };
    default:
      return undefined;
  }
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
