/**
 * What the kernel and network cards make of super-packets and of checksums that are left to them, slow
 * and obvious: for what the pump is given, and for what it puts out. Nothing of src/ or pump/ is in it.
 *
 * A frame is what a TUN with IFF_VNET_HDR reads and writes: a virtio_net_hdr of 10 bytes (Virtual I/O
 * Device 1.2, 5.1.6), little-endian, and a packet.
 *
 *   flags, 1 | gso_type, 1 | hdr_len, 2 | gso_size, 2 | csum_start, 2 | csum_offset, 2
 */

/** Length of the virtio_net_hdr. */
export const VNET_BYTES = 10;
export const TCP = 6;
export const UDP = 17;

const NEEDS_CSUM = 1;
const GSO_ECN = 0x80;
const TCPV4 = 1;
const TCPV6 = 4;
const UDP_L4 = 5;
const FIN_AND_PSH = 0x09;
const CWR = 0x80;

/** A frame as its packets. */
export interface Cut {
  /** Whether it was a super-packet, so that headers and checksums are the cutter's work. */
  readonly isSuper: boolean;
  readonly packets: readonly Uint8Array[];
}

/** Where TCP or UDP begins in a packet, and which it is. */
export interface Place {
  readonly start: number;
  readonly protocol: typeof TCP | typeof UDP;
}

/** Cuts a frame, and computes what was left to compute. Throws if the header isn't a right one. */
export function cut(frame: Uint8Array): Cut {
  const header = new DataView(frame.buffer, frame.byteOffset, VNET_BYTES);
  const [flags, type] = [frame[0], frame[1] & ~GSO_ECN];
  const [headerLength, size] = [header.getUint16(2, true), header.getUint16(4, true)];
  const packet = frame.slice(VNET_BYTES);
  if (flags !== NEEDS_CSUM) {
    must(flags === 0 && frame.subarray(0, VNET_BYTES).every((byte) => byte === 0), 'no zeros');
    return { isSuper: false, packets: [packet] };
  }
  const start = header.getUint16(6, true);
  const protocol = header.getUint16(8, true) === 6 ? UDP : TCP;
  const place: Place = { start, protocol };
  must(header.getUint16(8, true) === fieldOf(protocol), 'csum_offset');
  must(
    get16(packet, start + fieldOf(protocol)) === pseudoSum(packet, place),
    'the partial checksum',
  );
  if (type === 0) {
    complete(packet, place);
    return { isSuper: false, packets: [packet] };
  }
  const tcpType = packet[0] >>> 4 === 4 ? TCPV4 : TCPV6;
  must(type === (protocol === UDP ? UDP_L4 : tcpType), 'gso_type');
  must(headerLength === start + transportHeader(packet, place), 'hdr_len');
  must(size > 0 && packet.length > headerLength, 'gso_size');
  return { isSuper: true, packets: segments(packet, place, headerLength, size) };
}

/** Makes a frame of a right packet: of one piece, or of segments with `size` bytes of payload. */
export function leaveToOthers(packet: Uint8Array, place: Place, size: number): Uint8Array {
  const frame = new Uint8Array(VNET_BYTES + packet.length);
  const { start, protocol } = place;
  const header = new DataView(frame.buffer);
  const tcpType = packet[0] >>> 4 === 4 ? TCPV4 : TCPV6;
  frame[0] = NEEDS_CSUM;
  frame[1] = size === 0 ? 0 : protocol === UDP ? UDP_L4 : tcpType;
  header.setUint16(2, start + transportHeader(packet, place), true);
  header.setUint16(4, size, true);
  header.setUint16(6, start, true);
  header.setUint16(8, fieldOf(protocol), true);
  frame.set(packet, VNET_BYTES);
  put16(frame, VNET_BYTES + start + fieldOf(protocol), pseudoSum(packet, place));
  return frame;
}

/** Makes lengths and checksums of a packet right. */
export function complete(packet: Uint8Array, place: Place): void {
  const { start, protocol } = place;
  if (packet[0] >>> 4 === 4) {
    const headerBytes = (packet[0] & 15) * 4;
    put16(packet, 2, packet.length);
    put16(packet, 10, 0);
    put16(packet, 10, ~sum(packet.subarray(0, headerBytes)));
  } else {
    put16(packet, 4, packet.length - 40);
  }
  if (protocol === UDP) put16(packet, start + 4, packet.length - start);
  const field = start + fieldOf(protocol);
  put16(packet, field, 0);
  const checksum = ~sum(packet.subarray(start), pseudoSum(packet, place)) & 0xffff;
  // In UDP a checksum of 0 means that there is none.
  put16(packet, field, protocol === UDP && checksum === 0 ? 0xffff : checksum);
}

function segments(packet: Uint8Array, place: Place, headers: number, size: number): Uint8Array[] {
  const { start, protocol } = place;
  const cuts: Uint8Array[] = [];
  for (let at = headers; at < packet.length; at += size) {
    const payload = packet.subarray(at, at + size);
    const segment = new Uint8Array(headers + payload.length);
    segment.set(packet.subarray(0, headers));
    segment.set(payload, headers);
    if (segment[0] >>> 4 === 4) put16(segment, 4, get16(packet, 4) + cuts.length);
    if (protocol === TCP) {
      const sequence = new DataView(segment.buffer);
      sequence.setUint32(start + 4, sequence.getUint32(start + 4) + (at - headers));
      if (at > headers) segment[start + 13] &= ~CWR;
      if (at + size < packet.length) segment[start + 13] &= ~FIN_AND_PSH;
    }
    complete(segment, place);
    cuts.push(segment);
  }
  return cuts;
}

function fieldOf(protocol: number): number {
  return protocol === UDP ? 6 : 16;
}

function transportHeader(packet: Uint8Array, { start, protocol }: Place): number {
  return protocol === UDP ? 8 : (packet[start + 12] >>> 4) * 4;
}

/** Addresses, protocol, and length from TCP or UDP on. */
function pseudoSum(packet: Uint8Array, { start, protocol }: Place): number {
  const addresses = packet[0] >>> 4 === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  return sum(addresses, packet.length - start + protocol);
}

/** RFC 1071, before its complement is taken. */
function sum(bytes: Uint8Array, total: number = 0): number {
  for (const [at, byte] of bytes.entries()) total += at % 2 === 0 ? byte << 8 : byte;
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

function get16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >>> 8) & 0xff;
  bytes[at + 1] = value & 0xff;
}

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`a frame of which ${what} is wrong`);
}
