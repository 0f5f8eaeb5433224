/**
 * The TUN for the slow path: packets in and out of an inherited descriptor, through `fs`.
 *
 * Node can't poll a TUN, and a blocking read in its thread pool can't be cancelled. So the kernel
 * says with a signal when a packet has come (fcntl(2), O_ASYNC; the launcher asked for SIGURG, which
 * is ignored until there is a handler), and the descriptor is then read until it is empty. A signal
 * that arrives while reading only causes one more look.
 *
 * Each packet has a virtio_net_hdr in front, 10 bytes, because the device was made with
 * IFF_VNET_HDR. Offloads are off on this path, so it is all zero and checksums are complete. A packet
 * with another header was queued while an earlier engine had offloads on: it is dropped.
 */
import { readSync, writeSync } from 'node:fs';
import { PacketSlot, SLOT_HEADROOM_BYTES } from '../slot.ts';

const VNET_HEADER_BYTES = 10;
const MAX_PACKET_BYTES = 65_535;
/** Packets read before other events get their turn. */
const BATCH = 64;

/** Counters of one TUN. */
export interface TunCounters {
  /** Super-packets, which this path can't split. */
  offloaded: number;
  /** Packets that the kernel did not take, by the name of errno. */
  readonly writeErrors: Map<string, number>;
}

/** Takes a batch: one call for each packet, then `onBatchEnd`. */
export interface PacketListener {
  onPacket(slot: PacketSlot): void;
  onBatchEnd(): void;
  /** The device is gone. Nothing will be read any more. */
  onGone(error: Error): void;
}

/** One queue of a TUN device. */
export class Tun {
  readonly counters: TunCounters = { offloaded: 0, writeErrors: new Map() };
  readonly #fd: number;
  readonly #listener: PacketListener;
  readonly #slot = new PacketSlot(MAX_PACKET_BYTES);
  readonly #outgoing = new Uint8Array(VNET_HEADER_BYTES + MAX_PACKET_BYTES);
  #isDraining = false;
  #isClosed = false;
  readonly #onSignal = (): void => {
    this.#drain();
  };

  constructor(fd: number, listener: PacketListener) {
    this.#fd = fd;
    this.#listener = listener;
  }

  /** Starts reading; what waits already is read at once. */
  start(): void {
    this.#isClosed = false;
    process.on('SIGURG', this.#onSignal);
    this.#drain();
  }

  /** Stops reading, until it is started again. The descriptor stays open: it is the pin's too. */
  stop(): void {
    this.#isClosed = true;
    process.off('SIGURG', this.#onSignal);
  }

  /** Writes one packet; what the kernel refuses is counted, as any device drops. */
  write(packet: Uint8Array): void {
    if (packet.length > MAX_PACKET_BYTES) return;
    this.#outgoing.set(packet, VNET_HEADER_BYTES);
    try {
      writeSync(this.#fd, this.#outgoing, 0, VNET_HEADER_BYTES + packet.length);
    } catch (error) {
      const code = errorCode(error);
      this.counters.writeErrors.set(code, (this.counters.writeErrors.get(code) ?? 0) + 1);
    }
  }

  #drain(): void {
    if (this.#isDraining || this.#isClosed) return;
    this.#isDraining = true;
    for (let i = 0; i < BATCH; i++) {
      if (!this.#readOne()) {
        this.#isDraining = false;
        break;
      }
    }
    this.#listener.onBatchEnd();
    if (!this.#isDraining) return;
    // Still marked as draining: a signal in between must not start a second round.
    setImmediate(() => {
      this.#isDraining = false;
      this.#drain();
    });
  }

  /** Reads and hands on one packet; false if there is none. */
  #readOne(): boolean {
    // The header goes where the slot's headroom ends, so that the packet lies at its place.
    const start = SLOT_HEADROOM_BYTES - VNET_HEADER_BYTES;
    const buffer = this.#slot.buffer;
    let length: number;
    try {
      length = readSync(this.#fd, buffer, start, VNET_HEADER_BYTES + MAX_PACKET_BYTES, null);
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'EAGAIN' && code !== 'EINTR') {
        this.stop();
        this.#listener.onGone(error instanceof Error ? error : new Error(code));
      }
      return code === 'EINTR';
    }
    if (isPlain(buffer, start)) {
      this.#slot.length = length - VNET_HEADER_BYTES;
      this.#listener.onPacket(this.#slot);
    } else {
      this.counters.offloaded++;
    }
    return true;
  }
}

/** Tells whether the virtio_net_hdr asks for nothing: no checksum to fill in, no segmentation. */
function isPlain(buffer: Uint8Array, start: number): boolean {
  return (buffer[start] & 1) === 0 && buffer[start + 1] === 0;
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
