/**
 * The core's ports for unit tests: an endpoint that is a name, outputs that remember, and entropy that
 * repeats.
 */
import { formatHex, parseHex } from '../../../src/bytes.ts';
import { x25519 } from '../../../src/linux/x25519.ts';
import type { Endpoint, Entropy, Outputs, WallClock } from '../../../src/wireguard/ports.ts';

/** Bytes from hexadecimal text; blanks and line ends don't matter. */
export function hex(text: string): Uint8Array {
  const bytes = parseHex(text.replace(/\s/g, ''));
  if (!bytes) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}

/** `count` bytes, each one more than the last. */
export function sequence(first: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => first + i);
}

/** Bytes from ASCII text. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** An endpoint with a name for an address. */
export class NamedEndpoint implements Endpoint {
  readonly name: string;
  readonly rateLimitKey: string;
  readonly cookieBytes: Uint8Array;

  constructor(name: string) {
    this.name = name;
    this.rateLimitKey = name;
    this.cookieBytes = ascii(name);
  }

  equals(other: Endpoint): boolean {
    return other.toString() === this.name;
  }

  toString(): string {
    return this.name;
  }
}

/** One datagram that a device has sent. */
export interface Sent {
  readonly to: string;
  readonly datagram: Uint8Array;
  readonly tos: number;
}

/** Outputs that keep copies. */
export class Recorder implements Outputs {
  sent: Sent[] = [];
  delivered: Uint8Array[] = [];

  transmit(to: Endpoint, datagram: Uint8Array, tos: number): void {
    this.sent.push({ to: to.toString(), datagram: datagram.slice(), tos });
  }

  deliver(packet: Uint8Array): void {
    this.delivered.push(packet.slice());
  }

  /** The datagrams since the last call, as hexadecimal text. */
  takeSent(): Uint8Array[] {
    const { sent } = this;
    this.sent = [];
    return sent.map(({ datagram }) => datagram);
  }

  /** The packets since the last call. */
  takeDelivered(): string[] {
    const { delivered } = this;
    this.delivered = [];
    return delivered.map(formatHex);
  }
}

/** Bytes that never repeat within a test, and are the same in each run. */
export class CountingEntropy implements Entropy {
  #count = 0;

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      this.#count = (Math.imul(this.#count, 1_664_525) + 1_013_904_223) >>> 0;
      bytes[i] = this.#count >>> 24;
    }
  }
}

/** A wall clock that stands still. */
export const stoppedClock: WallClock = () => ({ seconds: 1_700_000_000, nanoseconds: 0 });

/** A key pair of a private key that is one byte, repeated. */
export function staticKeys(byte: number): {
  readonly staticPrivate: Uint8Array;
  readonly staticPublic: Uint8Array;
} {
  const staticPrivate = new Uint8Array(32).fill(byte);
  return { staticPrivate, staticPublic: x25519.publicKey(staticPrivate) };
}

/** An IPv4 packet with a payload of zeros; its checksum isn't filled in. */
export function ipv4Packet(
  source: readonly number[],
  destination: readonly number[],
  length: number,
): Uint8Array {
  const packet = new Uint8Array(length);
  packet[0] = 0x45;
  packet[2] = length >>> 8;
  packet[3] = length;
  packet[8] = 64;
  packet[9] = 17;
  packet.set(source, 12);
  packet.set(destination, 16);
  return packet;
}

/** An IPv6 packet with a payload of zeros. */
export function ipv6Packet(
  source: Uint8Array,
  destination: Uint8Array,
  length: number,
): Uint8Array {
  const packet = new Uint8Array(length);
  packet[0] = 0x60;
  packet[4] = (length - 40) >>> 8;
  packet[5] = length - 40;
  packet[6] = 17;
  packet[7] = 64;
  packet.set(source, 8);
  packet.set(destination, 24);
  return packet;
}
