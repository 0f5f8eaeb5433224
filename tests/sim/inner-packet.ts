/**
 * The packets that travel inside the tunnel of a simulation. Each has a number of its own and a
 * marker text, so that one can tell which packet came out where, and that none is seen on the wire.
 *
 *   | IPv4 header, 20, or IPv6 header, 40 | number, 4 | marker, again and again |
 */
import { addressFamily, type Address } from '../../src/ip.ts';
import { readUint32BE, writeUint16BE, writeUint32BE } from '../../src/bytes.ts';

/** The text that no datagram may show. */
export const MARKER = 'plaintext marker';

/** The smallest inner packet that has room for its number: over IPv4, and over IPv6. */
export const SMALLEST_PACKET_BYTES = { 4: 24, 6: 44 } as const;

const EXPERIMENTAL_PROTOCOL = 253;
const MARKER_BYTES = new TextEncoder().encode(MARKER);

/** Makes the inner packet `id` with `size` bytes in all, of the family of its addresses. */
export function makeInnerPacket(
  id: number,
  source: Address,
  destination: Address,
  size: number,
): Uint8Array {
  const packet = new Uint8Array(size);
  const isIPv4 = addressFamily(source) === 4;
  if (isIPv4) writeIPv4Header(packet, source, destination);
  else writeIPv6Header(packet, source, destination);
  const headerBytes = isIPv4 ? 20 : 40;
  writeUint32BE(packet, headerBytes, id);
  for (let i = headerBytes + 4; i < size; i++) {
    packet[i] = MARKER_BYTES[(i - headerBytes - 4) % MARKER_BYTES.length];
  }
  return packet;
}

/** The number of an inner packet; undefined for any other packet. */
export function readInnerPacketId(packet: Uint8Array): number | undefined {
  const isIPv4 = packet[0] >>> 4 === 4;
  const protocol = isIPv4 ? packet[9] : packet[6];
  const headerBytes = isIPv4 ? 20 : 40;
  if (protocol !== EXPERIMENTAL_PROTOCOL || packet.length < headerBytes + 4) return undefined;
  return readUint32BE(packet, headerBytes);
}

/** Tells whether a packet is the answer of the device itself: destination unreachable. */
export function isUnreachable(packet: Uint8Array): boolean {
  if (packet[0] >>> 4 === 4) return packet[9] === 1 && packet[20] === 3 && packet[21] === 1;
  return packet[6] === 58 && packet[40] === 1 && packet[41] === 3;
}

function writeIPv4Header(packet: Uint8Array, source: Address, destination: Address): void {
  packet[0] = 0x45;
  writeUint16BE(packet, 2, packet.length);
  packet[8] = 64;
  packet[9] = EXPERIMENTAL_PROTOCOL;
  packet.set(source, 12);
  packet.set(destination, 16);
}

function writeIPv6Header(packet: Uint8Array, source: Address, destination: Address): void {
  packet[0] = 0x60;
  writeUint16BE(packet, 4, packet.length - 40);
  packet[6] = EXPERIMENTAL_PROTOCOL;
  packet[7] = 64;
  packet.set(source, 8);
  packet.set(destination, 24);
}
