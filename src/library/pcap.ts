/**
 * A capture of what passes inside the tunnel: a decorator around whatever takes packets, in the classic
 * file format that tcpdump and Wireshark read (pcap-savefile(5)).
 *
 *   file    magic 4 | version 2 + 2 | time zone 4 | accuracy 4 | snapshot length 4 | link type 4
 *   record  seconds 4 | nanoseconds 4 | bytes kept 4 | bytes there were 4 | packet
 *
 * Integers are little-endian here; the magic number tells a reader so, and that times are in
 * nanoseconds. Packets are recorded as they pass, so that the file has the order in which both
 * directions happened. What it holds is plaintext: keep it where only its owner reads.
 */
import { writeUint32LE } from '../bytes.ts';
import type { WallClock } from '../wireguard/ports.ts';

const MAGIC_NANOSECONDS = 0xa1b23c4d;
/** Version 2.4: the minor number is in the upper half of a little-endian word. */
const VERSION = 0x0004_0002;
/** Packets begin with an IPv4 or IPv6 header (LINKTYPE_RAW). */
const LINKTYPE_RAW = 101;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAX_PACKET_BYTES = 65_535;

/** Takes one packet. */
export type PacketSink = (packet: Uint8Array) => void;

/** Where a capture goes, and how much of it. */
export interface CaptureOptions {
  /** Takes the next bytes of the file, which are its own to keep. */
  readonly write: (bytes: Uint8Array) => void;
  readonly wallClock: WallClock;
  /** Size that the file doesn't exceed; at least 24, its header. */
  readonly maxBytes: number;
  /** Bytes kept of each packet, 1 to 65,535, which is the default. */
  readonly snapLength?: number;
}

/** One capture file. What finds no room in it passes unrecorded. */
export class PacketCapture {
  /** Packets in the file. */
  recordedPackets = 0;
  /** Packets that the file had no room for. */
  unrecordedPackets = 0;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #wallClock: WallClock;
  readonly #snapLength: number;
  #room: number;

  /** Writes the header. Throws RangeError for limits that no file can keep. */
  constructor({ write, wallClock, maxBytes, snapLength = MAX_PACKET_BYTES }: CaptureOptions) {
    if (!(maxBytes >= FILE_HEADER_BYTES)) throw new RangeError('a capture has at least 24 bytes');
    if (!Number.isInteger(snapLength) || snapLength < 1 || snapLength > MAX_PACKET_BYTES) {
      throw new RangeError('a snapshot length is 1 to 65535 bytes');
    }
    this.#write = write;
    this.#wallClock = wallClock;
    this.#snapLength = snapLength;
    this.#room = maxBytes - FILE_HEADER_BYTES;
    write(encodeFileHeader(snapLength));
  }

  /** `sink`, which gets each packet after it has been recorded. */
  wrap(sink: PacketSink): PacketSink {
    return (packet) => {
      this.record(packet);
      sink(packet);
    };
  }

  /** Records one packet. Once there is no room for one, the file is complete: it has no gaps. */
  record(packet: Uint8Array): void {
    const kept = packet.subarray(0, this.#snapLength);
    const record = new Uint8Array(RECORD_HEADER_BYTES + kept.length);
    if (record.length > this.#room) {
      this.#room = 0;
      this.unrecordedPackets++;
      return;
    }
    const { seconds, nanoseconds } = this.#wallClock();
    writeUint32LE(record, 0, seconds);
    writeUint32LE(record, 4, nanoseconds);
    writeUint32LE(record, 8, kept.length);
    writeUint32LE(record, 12, packet.length);
    record.set(kept, RECORD_HEADER_BYTES);
    this.#room -= record.length;
    this.recordedPackets++;
    this.#write(record);
  }
}

function encodeFileHeader(snapLength: number): Uint8Array {
  const header = new Uint8Array(FILE_HEADER_BYTES);
  writeUint32LE(header, 0, MAGIC_NANOSECONDS);
  writeUint32LE(header, 4, VERSION);
  // Time zone and accuracy are zero in every file (pcap-savefile(5)).
  writeUint32LE(header, 16, snapLength);
  writeUint32LE(header, 20, LINKTYPE_RAW);
  return header;
}
