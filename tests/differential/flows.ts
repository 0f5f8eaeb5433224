/**
 * Flows of TCP and UDP as programs make them, for both directions: each packet follows the one before,
 * mostly in everything that allows them to become one super-packet, and now and then not.
 */
import { addressFamily, type Address } from '../../src/ip.ts';
import type { Random } from '../sim/random.ts';
import { complete, cut, leaveToOthers, TCP, UDP, VNET_BYTES, type Place } from './reference.ts';

const ACK = 0x10;
const PSH = 0x08;
const DONT_FRAGMENT = 0x40;
const TIMESTAMPS = Uint8Array.of(1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8);

/** One flow, and what its next packet has. */
export class Flow {
  readonly #random: Random;
  readonly #source: Address;
  readonly #destination: Address;
  readonly #protocol: typeof TCP | typeof UDP;
  readonly #port: number;
  readonly #options: Uint8Array;
  readonly #flags: number;
  readonly #ecn: number;
  #sequence: number;
  #id: number;

  constructor(random: Random, source: Address, destination: Address) {
    this.#random = random;
    this.#source = source;
    this.#destination = destination;
    this.#protocol = random.chance(0.5) ? TCP : UDP;
    this.#port = 1_000 + random.below(3);
    this.#options = this.#protocol === TCP && random.chance(0.5) ? TIMESTAMPS : new Uint8Array(0);
    this.#flags = random.chance(0.8) ? DONT_FRAGMENT : 0;
    this.#ecn = random.below(4);
    // Sometimes about to wrap.
    this.#sequence = random.chance(0.2) ? 2 ** 32 - random.below(5_000) : random.uint32();
    this.#id = random.chance(0.2) ? 0xffff - random.below(4) : random.below(0x10000);
  }

  /** The next packet with so much payload, whose lengths and checksums are right. */
  next(payloadBytes: number, tcpFlags: number = ACK, extensionBytes: number = 0): Uint8Array {
    const place = this.#place(extensionBytes);
    const headerBytes = place.start + this.#transportBytes();
    const packet = new Uint8Array(headerBytes + payloadBytes);
    this.#writeIp(packet, place);
    const view = new DataView(packet.buffer);
    view.setUint16(place.start, this.#port);
    view.setUint16(place.start + 2, 443);
    if (this.#protocol === TCP) this.#writeTcp(view, place.start, tcpFlags);
    packet.set(this.#options, headerBytes - this.#options.length);
    packet.set(this.#random.bytes(Math.min(payloadBytes, 64)), headerBytes);
    complete(packet, place);
    this.#sequence += payloadBytes;
    this.#id++;
    return packet;
  }

  /** What a TUN gives: a packet with its checksum to be computed, or a super-packet. */
  frame(payloadBytes: number, size: number): Uint8Array {
    const random = this.#random;
    const extensionBytes = random.chance(0.2) ? 8 : 0;
    const tcpFlags = random.chance(0.5) ? ACK : ACK | random.below(0x100);
    const packet = this.next(payloadBytes, tcpFlags, extensionBytes);
    if (size > 0) this.#id += Math.ceil(payloadBytes / size);
    const frame = leaveToOthers(packet, this.#place(extensionBytes), size);
    const isSpecial = this.#protocol === UDP && random.chance(0.2);
    if (isSpecial) makeSumsZero(frame, this.#place(extensionBytes), size);
    return frame;
  }

  /** A packet that doesn't quite follow, as a change of `next`. */
  odd(payloadBytes: number): Uint8Array {
    const random = this.#random;
    const isIPv4 = addressFamily(this.#source) === 4;
    if (random.chance(0.2)) this.#sequence += random.below(3);
    if (random.chance(0.2)) this.#id += random.below(3);
    const tcpFlags = random.chance(0.5) ? ACK | PSH : random.below(0x100);
    const packet = this.next(payloadBytes, tcpFlags);
    const { start } = this.#place(0);
    switch (random.below(7)) {
      case 0: // Time to live.
        packet[isIPv4 ? 8 : 7]--;
        break;
      case 1: // Traffic class, with the codepoint of ECN.
        packet[1] ^= isIPv4 ? random.below(256) : random.below(16) << 4;
        break;
      case 2: // A fragment; or the flow label.
        packet[isIPv4 ? 6 : 2] ^= isIPv4 ? 0x20 : 1;
        break;
      case 3: // TCP: acknowledgement; UDP: length or checksum.
        packet[start + 4 + random.below(4)] ^= 1;
        break;
      case 4: // TCP: header length or window.
        if (this.#protocol === TCP) packet[start + 12 + random.below(4)] ^= 0x10;
        break;
      case 5: // UDP without a checksum.
        if (this.#protocol === UDP) packet.fill(0, start + 6, start + 8);
        break;
      default:
        return packet;
    }
    return packet;
  }

  #place(extensionBytes: number): Place {
    const ipBytes = addressFamily(this.#source) === 4 ? 20 : 40;
    return { start: ipBytes + extensionBytes, protocol: this.#protocol };
  }

  #transportBytes(): number {
    return this.#protocol === UDP ? 8 : 20 + this.#options.length;
  }

  #writeIp(packet: Uint8Array, { start, protocol }: Place): void {
    if (addressFamily(this.#source) === 4) {
      packet.set([
        0x40 | (start / 4),
        this.#ecn,
        0,
        0,
        this.#id >>> 8,
        this.#id,
        this.#flags,
        0,
        64,
      ]);
      packet[9] = protocol;
      packet.set(this.#source, 12);
      packet.set(this.#destination, 16);
      // No operation, as often as there is room.
      packet.fill(1, 20, start);
      return;
    }
    packet.set([0x60, this.#ecn << 4, 0, 0, 0, 0, protocol, 64]);
    packet.set(this.#source, 8);
    packet.set(this.#destination, 24);
    if (start === 40) return;
    // Options for the destination, and as many bytes of padding.
    packet[6] = 60;
    packet.set([protocol, 0, 1, start - 44], 40);
  }

  #writeTcp(view: DataView, start: number, tcpFlags: number): void {
    view.setUint32(start + 4, this.#sequence);
    view.setUint32(start + 8, 77);
    view.setUint8(start + 12, ((20 + this.#options.length) / 4) << 4);
    view.setUint8(start + 13, tcpFlags);
    view.setUint16(start + 14, 500);
  }
}

/** Changes payloads so that their checksums are 0, which UDP has to send as its complement. */
function makeSumsZero(frame: Uint8Array, { start }: Place, size: number): void {
  const payloadAt = VNET_BYTES + start + 8;
  const step = size || frame.length;
  if (step < 2) return;
  for (let at = payloadAt; at + 2 <= frame.length; at += step) frame.fill(0, at, at + 2);
  for (const [index, segment] of cut(frame).packets.entries()) {
    const at = payloadAt + index * step;
    // What would have been the checksum makes the sum complete.
    if (at + 2 <= frame.length) frame.set(segment.subarray(start + 6, start + 8), at);
  }
}

/** A frame of an IP packet whose virtio_net_hdr is about another one. */
export function wrongFrame(frame: Uint8Array, random: Random): Uint8Array {
  const wrong = frame.slice();
  const header = new DataView(wrong.buffer);
  const length = wrong.length - VNET_BYTES;
  wrong[0] = 1;
  wrong[1] = [1, 4, 5][random.below(3)];
  header.setUint16(4, 1_000, true);
  switch (random.below(5)) {
    case 0: // Of no such type.
      wrong[1] = [2, 3, 6, 127][random.below(4)];
      break;
    case 1: // Nothing in a segment.
      header.setUint16(4, 0, true);
      break;
    case 2: // Headers longer than the packet.
      header.setUint16(6, length + 2 * random.below(10), true);
      break;
    case 3: // No checksum to compute.
      wrong[0] = 0;
      break;
    default: // Whole, with a checksum beyond its end.
      wrong[1] = 0;
      header.setUint16(6, (length & ~1) + 2 * random.below(10), true);
  }
  return wrong;
}
