/**
 * What stands for a TUN where there is none: a pair of SOCK_SEQPACKET sockets. One end is the pump's or the
 * engine's, the other one the kernel's.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { NativeLibrary } from '../../src/linux/ffi.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET_NONBLOCK_CLOEXEC = 0o2004005;
const VNET_HEADER_BYTES = 10;
const MAX_PACKET_BYTES = 65_535;
/** A packet that is to be taken as it is. */
const PLAIN = new Uint8Array(VNET_HEADER_BYTES);

/** Both ends. */
export class TunPair {
  /** The one to be moved packets from and to. */
  readonly tun: number;
  readonly #kernel: number;
  readonly #buffer = new Uint8Array(VNET_HEADER_BYTES + MAX_PACKET_BYTES);

  constructor() {
    const pair = new Int32Array(2);
    const bytes = new Uint8Array(pair.buffer);
    const libc = new NativeLibrary('libc.so.6');
    libc.call('socketpair', AF_UNIX, SOCK_SEQPACKET_NONBLOCK_CLOEXEC, 0, bytes);
    [this.tun, this.#kernel] = pair;
  }

  /** A packet that a program has sent, with a virtio_net_hdr; false if there is no room. */
  write(packet: Uint8Array, header: Uint8Array = PLAIN): boolean {
    const frame = new Uint8Array(VNET_HEADER_BYTES + packet.length);
    frame.set(header);
    frame.set(packet, VNET_HEADER_BYTES);
    return unlessAgain(() => writeSync(this.#kernel, frame)) !== undefined;
  }

  /** The next packet for a program, if there is one. */
  read(): Uint8Array | undefined {
    const length = unlessAgain(() => readSync(this.#kernel, this.#buffer));
    return length === undefined ? undefined : this.#buffer.slice(VNET_HEADER_BYTES, length);
  }

  /** The device goes away. */
  remove(): void {
    closeSync(this.#kernel);
  }

  close(): void {
    closeSync(this.tun);
  }
}

function unlessAgain(action: () => number): number | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    throw error;
  }
}
