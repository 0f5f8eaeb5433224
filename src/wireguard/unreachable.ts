/**
 * The answers to packets that no peer can take: ICMP host unreachable (RFC 792, type 3 code 1) and
 * ICMPv6 address unreachable (RFC 4443 3.1, type 1 code 3), so that programs fail at once with
 * EHOSTUNREACH where they would otherwise wait.
 *
 * The answer's source is the packet's original destination. With an address of the interface itself
 * Linux takes the IPv4 one for a martian and drops it, and `connect` hangs.
 *
 * There is no answer to what RFC 1122 3.2.2 and RFC 4443 2.4 (e) exempt: ICMP errors, broadcast and
 * multicast destinations, sources that name no single host, and fragments other than the first.
 */
import { writeUint16BE } from '../bytes.ts';
import { UNREACHABLE_PER_SECOND } from './constants.ts';
import {
  checksum,
  destinationAddress,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  sourceAddress,
} from './packet.ts';
import type { Millis } from './ports.ts';

const ICMP_HEADER_BYTES = 8;
const ICMPV6_ANSWER_BYTES = 1_280;
const HOP_LIMIT = 64;
const PROTOCOL_ICMP = 1;
const PROTOCOL_ICMPV6 = 58;
// Internetwork control, as routers send their errors (RFC 1812 4.3.2.5).
const TOS_CONTROL = 0xc0;
const IPV4_DONT_FRAGMENT = 0x4000;
const FRAGMENT_HEADER = 44;
// Destination unreachable, source quench, redirect, time exceeded, parameter problem.
const ICMP_ERRORS: readonly number[] = [3, 4, 5, 11, 12];
const ICMPV6_FIRST_INFORMATIONAL = 128;
// Hop-by-hop options, routing, destination options: the next header, then a length in 8 bytes.
const SKIPPED_HEADERS: readonly number[] = [0, 43, 60];

/** Makes answers, at most 20 a second. */
export class UnreachableAnswers {
  #tokens = UNREACHABLE_PER_SECOND;
  #updated: Millis = -Infinity;

  /** The answer to a packet with a whole header; undefined if there shall be none. */
  create(packet: Uint8Array, now: Millis): Uint8Array | undefined {
    const answer = createUnreachable(packet);
    return answer && this.#takeToken(now) ? answer : undefined;
  }

  #takeToken(now: Millis): boolean {
    const gained = ((now - this.#updated) * UNREACHABLE_PER_SECOND) / 1_000;
    this.#tokens = Math.min(UNREACHABLE_PER_SECOND, this.#tokens + gained);
    this.#updated = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** The answer to a packet with a whole header, whatever the rate. */
export function createUnreachable(packet: Uint8Array): Uint8Array | undefined {
  if (packet[0] >>> 4 === 4) return mayAnswerIPv4(packet) ? createIPv4(packet) : undefined;
  return mayAnswerIPv6(packet) ? createIPv6(packet) : undefined;
}

function ipv4HeaderLength(packet: Uint8Array): number {
  return (packet[0] & 0x0f) * 4;
}

function mayAnswerIPv4(packet: Uint8Array): boolean {
  const headerLength = ipv4HeaderLength(packet);
  if (headerLength < IPV4_HEADER_BYTES || headerLength > packet.length) return false;
  const isLaterFragment = (packet[6] & 0x1f) !== 0 || packet[7] !== 0;
  // From 224 on: multicast, reserved, and 255.255.255.255.
  if (isLaterFragment || packet[12] === 0 || packet[12] >= 224 || packet[16] >= 224) return false;
  if (packet[9] !== PROTOCOL_ICMP) return true;
  return packet.length > headerLength && !ICMP_ERRORS.includes(packet[headerLength]);
}

function createIPv4(packet: Uint8Array): Uint8Array {
  const quoted = packet.subarray(0, ipv4HeaderLength(packet) + 8);
  const answer = new Uint8Array(IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted.length);
  answer[0] = 0x45;
  answer[1] = TOS_CONTROL;
  writeUint16BE(answer, 2, answer.length);
  writeUint16BE(answer, 6, IPV4_DONT_FRAGMENT);
  answer[8] = HOP_LIMIT;
  answer[9] = PROTOCOL_ICMP;
  answer.set(destinationAddress(packet), 12);
  answer.set(sourceAddress(packet), 16);
  writeUint16BE(answer, 10, checksum(answer.subarray(0, IPV4_HEADER_BYTES)));
  const icmp = answer.subarray(IPV4_HEADER_BYTES);
  icmp[0] = 3;
  icmp[1] = 1;
  icmp.set(quoted, ICMP_HEADER_BYTES);
  writeUint16BE(icmp, 2, checksum(icmp));
  return answer;
}

function mayAnswerIPv6(packet: Uint8Array): boolean {
  const isUnspecified = sourceAddress(packet).every((byte) => byte === 0);
  if (isUnspecified || packet[8] === 0xff || packet[24] === 0xff) return false;
  let header = packet[6];
  let offset = IPV6_HEADER_BYTES;
  while (SKIPPED_HEADERS.includes(header) || header === FRAGMENT_HEADER) {
    if (offset + 8 > packet.length) return false;
    const isFragment = header === FRAGMENT_HEADER;
    if (isFragment && (packet[offset + 2] !== 0 || packet[offset + 3] >>> 3 !== 0)) return false;
    header = packet[offset];
    offset += isFragment ? 8 : 8 + packet[offset + 1] * 8;
  }
  if (header !== PROTOCOL_ICMPV6) return true;
  return packet.length > offset && packet[offset] >= ICMPV6_FIRST_INFORMATIONAL;
}

function createIPv6(packet: Uint8Array): Uint8Array {
  const headers = IPV6_HEADER_BYTES + ICMP_HEADER_BYTES;
  const quoted = packet.subarray(0, ICMPV6_ANSWER_BYTES - headers);
  const answer = new Uint8Array(headers + quoted.length);
  answer[0] = 0x60;
  writeUint16BE(answer, 4, ICMP_HEADER_BYTES + quoted.length);
  answer[6] = PROTOCOL_ICMPV6;
  answer[7] = HOP_LIMIT;
  answer.set(destinationAddress(packet), 8);
  answer.set(sourceAddress(packet), 24);
  const icmp = answer.subarray(IPV6_HEADER_BYTES);
  icmp[0] = 1;
  icmp[1] = 3;
  icmp.set(quoted, ICMP_HEADER_BYTES);
  // The pseudo-header's words (RFC 8200 8.1): both addresses, the length, the next header. The sum
  // over the addresses comes back from the complement that `checksum` gives.
  const addresses = ~checksum(answer.subarray(8, IPV6_HEADER_BYTES)) & 0xffff;
  writeUint16BE(icmp, 2, checksum(icmp, addresses + icmp.length + PROTOCOL_ICMPV6));
  return answer;
}
