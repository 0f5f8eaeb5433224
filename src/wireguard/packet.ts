/**
 * What the core reads, and in one case changes, in the IP packets that it carries: addresses,
 * lengths, the ECN codepoint, and the Internet checksum.
 */
import { readUint16BE, writeUint16BE } from '../bytes.ts';
import type { Address } from '../ip.ts';

export const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;

const ECN_MASK = 0b11;
const ECN_ECT1 = 0b01;
const ECN_ECT0 = 0b10;
const ECN_CE = 0b11;
const IPV4_CHECKSUM = 10;

/** The IP version in the first byte of a packet: 4, 6, or 0 for anything else. */
export function ipVersion(packet: Uint8Array): 4 | 6 | 0 {
  const version = packet.length > 0 ? packet[0] >>> 4 : 0;
  return version === 4 || version === 6 ? version : 0;
}

/** Tells whether an IPv4 or IPv6 packet has its whole fixed header. */
export function hasHeader(packet: Uint8Array, version: 4 | 6): boolean {
  return packet.length >= (version === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);
}

/**
 * The length that a packet with a whole header claims. It may be less than its header or more than
 * the packet. An IPv6 packet can claim up to 65,575, more than 16 bits hold.
 */
export function claimedLength(packet: Uint8Array): number {
  return packet[0] >>> 4 === 4
    ? readUint16BE(packet, 2)
    : IPV6_HEADER_BYTES + readUint16BE(packet, 4);
}

/** The source address of a packet with a whole header: a view. */
export function sourceAddress(packet: Uint8Array): Address {
  return packet[0] >>> 4 === 4 ? packet.subarray(12, 16) : packet.subarray(8, 24);
}

/** The destination address of a packet with a whole header: a view. */
export function destinationAddress(packet: Uint8Array): Address {
  return packet[0] >>> 4 === 4 ? packet.subarray(16, 20) : packet.subarray(24, 40);
}

/**
 * The ECN codepoint for the outer header of a packet on its way out: the inner one, but ECT(0) for
 * CE, so that a mark from the inside isn't taken for one of the path (RFC 3168 9.1.1). A keepalive has
 * none.
 */
export function outerEcn(packet: Uint8Array): number {
  const codepoint = innerEcn(packet);
  return codepoint === ECN_CE ? ECN_ECT0 : codepoint;
}

/**
 * Applies the outer ECN codepoint to a packet with a whole header on its way in (RFC 6040 4.2). A
 * packet that isn't ECN-capable is left alone even under an outer CE, as Linux does.
 */
export function applyOuterEcn(packet: Uint8Array, outer: number): void {
  const inner = innerEcn(packet);
  if (inner === 0 || inner === ECN_CE || outer === inner) return;
  if (outer === ECN_CE || (outer === ECN_ECT1 && inner === ECN_ECT0)) setEcn(packet, outer);
}

/**
 * The Internet checksum of `bytes` (RFC 1071), begun with `sum`, a sum of 16-bit words. An odd byte
 * at the end counts as the upper half of a word.
 */
export function checksum(bytes: Uint8Array, sum: number = 0): number {
  const even = bytes.length & ~1;
  for (let i = 0; i < even; i += 2) sum += readUint16BE(bytes, i);
  if (even < bytes.length) sum += bytes[even] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function innerEcn(packet: Uint8Array): number {
  if (packet.length < 2) return 0;
  return packet[0] >>> 4 === 4 ? packet[1] & ECN_MASK : (packet[1] >>> 4) & ECN_MASK;
}

function setEcn(packet: Uint8Array, codepoint: number): void {
  if (packet[0] >>> 4 === 6) {
    packet[1] = (packet[1] & ~(ECN_MASK << 4)) | (codepoint << 4);
    return;
  }
  const before = readUint16BE(packet, 0);
  packet[1] = (packet[1] & ~ECN_MASK) | codepoint;
  const after = readUint16BE(packet, 0);
  // HC' = ~(~HC + ~m + m') (RFC 1624 3, equation 3).
  let sum = (~readUint16BE(packet, IPV4_CHECKSUM) & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  writeUint16BE(packet, IPV4_CHECKSUM, ~sum & 0xffff);
}
