/**
 * The engine's UDP: two bound sockets, inherited or its own, read and written through Node's dgram.
 *
 * The slow path's half of the data path. Datagrams to send are copied into a fixed ring, because
 * dgram keeps the bytes until the kernel has taken them; when the ring is full the datagram is
 * dropped and counted, as a full socket buffer would have done.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { closeSync, fstatSync } from 'node:fs';
import { addressFamily, formatAddress, parseAddress, UdpEndpoint } from '../ip.ts';
import { endGrouping } from './offload.ts';
import { setTrafficClass } from './traffic-class.ts';

/** Datagrams in flight towards the kernel, both families together. */
const RING_SLOTS = 512;
const DATAGRAM_BYTES = 65_535;
/** What a slot holds without asking for more: an Ethernet frame's worth. */
const SLOT_BYTES = 2048;

/** Takes one datagram. The bytes are the receiver's. */
export type DatagramListener = (datagram: Uint8Array, from: UdpEndpoint) => void;

/** Counters of what was lost. They may be those of several pairs of sockets, one after the other. */
export interface UdpCounters {
  /** Datagrams dropped because there was no socket. */
  closed: number;
  /** Datagrams dropped because too many were on their way to the kernel. */
  queueFull: number;
  /** Datagrams dropped because they came from UDP port 0, where no answer can go. */
  portZero: number;
  /** Datagrams that the kernel refused, by the name of errno. */
  readonly sendErrors: Map<string, number>;
  /** Errors that the kernel reported on receiving, by the name of errno. */
  readonly receiveErrors: Map<string, number>;
}

/** Counters that all stand at zero. */
export function createUdpCounters(): UdpCounters {
  return { closed: 0, queueFull: 0, portZero: 0, sendErrors: new Map(), receiveErrors: new Map() };
}

interface AdoptedSocket {
  readonly socket: Socket;
  readonly fd: number;
  readonly family: 4 | 6;
  /** As it was set; who had the descriptor before may have left another one. */
  tos: number | undefined;
}

/** Two UDP sockets, of which either may be missing. */
export class UdpSockets {
  readonly counters: UdpCounters;
  readonly #sockets = new Map<4 | 6, AdoptedSocket>();
  readonly #free: Buffer[] = [];
  readonly #listener: DatagramListener;

  private constructor(listener: DatagramListener, counters: UdpCounters) {
    this.#listener = listener;
    this.counters = counters;
    const ring = Buffer.allocUnsafeSlow(RING_SLOTS * SLOT_BYTES);
    for (let i = 0; i < RING_SLOTS; i++) {
      this.#free.push(ring.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES));
    }
  }

  /**
   * Adopts bound descriptors, which are closed with the result; one that is no socket, or -1,
   * stands for a family the host lacks. What is lost adds to `counters`.
   */
  static adopt(
    udp4: number,
    udp6: number,
    listener: DatagramListener,
    counters: UdpCounters = createUdpCounters(),
  ): UdpSockets {
    const sockets = new UdpSockets(listener, counters);
    sockets.#adopt(4, udp4);
    sockets.#adopt(6, udp6);
    return sockets;
  }

  /**
   * Sends a copy of `datagram` with `tos` as its IPv4 TOS or IPv6 traffic class; errors are counted,
   * never thrown. A datagram that finds the kernel's buffer full is sent later, with the class of
   * that moment.
   */
  send(to: UdpEndpoint, datagram: Uint8Array, tos: number): void {
    const adopted = this.#sockets.get(addressFamily(to.address));
    if (!adopted) {
      count(this.counters.sendErrors, 'EAFNOSUPPORT');
      return;
    }
    const slot = this.#free.pop();
    if (!slot) {
      this.counters.queueFull++;
      return;
    }
    this.#setClass(adopted, tos);
    const bytes = datagram.length <= slot.length ? slot : Buffer.allocUnsafe(DATAGRAM_BYTES);
    bytes.set(datagram);
    const onSent = (error: Error | null): void => {
      this.#free.push(slot);
      if (error) count(this.counters.sendErrors, errorCode(error));
    };
    try {
      adopted.socket.send(bytes, 0, datagram.length, to.port, to.host, onSent);
    } catch (error) {
      // What dgram refuses to try it throws, and calls nobody back.
      if (!(error instanceof Error)) throw error;
      onSent(error);
    }
  }

  /** Stops reading and closes the sockets. */
  close(): void {
    for (const { socket } of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** A call into the kernel, so only where the class changes: at handshakes, and at marks of ECN. */
  #setClass(adopted: AdoptedSocket, tos: number): void {
    if (adopted.tos === tos) return;
    adopted.tos = tos;
    try {
      setTrafficClass(adopted.fd, adopted.family, tos);
    } catch (error) {
      // Whatever the class, the datagram goes out.
      count(this.counters.sendErrors, error instanceof Error ? errorCode(error) : 'unknown');
    }
  }

  #adopt(family: 4 | 6, fd: number): void {
    if (fd < 0) return;
    if (!fstatSync(fd).isSocket()) {
      closeSync(fd);
      return;
    }
    const socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      // Endpoints are numeric: without this each send would ask the resolver of this namespace.
      lookup: (host, _options, callback) => {
        callback(null, host, family);
      },
    });
    socket.on('message', (datagram, info) => {
      if (info.port === 0) this.counters.portZero++;
      const from = endpointOf(info);
      // Not as a Buffer, whose slice() is a view where Uint8Array's is a copy.
      const bytes = new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length);
      if (from) this.#listener(bytes, from);
    });
    socket.on('error', (error) => {
      count(this.counters.receiveErrors, errorCode(error));
    });
    // An engine with a pump may have had it before.
    endGrouping(fd);
    // Nothing has to be waited for: the descriptor is bound, and what is sent too early is queued.
    socket.bind({ fd });
    this.#sockets.set(family, { socket, fd, family, tos: undefined });
  }
}

function endpointOf(info: RemoteInfo): UdpEndpoint | undefined {
  // Whoever forges a source port can choose 0, where nothing can be sent: dgram throws at it.
  if (info.port === 0) return undefined;
  const zone = info.address.indexOf('%');
  const address = parseAddress(zone < 0 ? info.address : info.address.slice(0, zone));
  if (!address) return undefined;
  return new UdpEndpoint(address, info.port, zone < 0 ? formatAddress(address) : info.address);
}

function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function count(counters: Map<string, number>, code: string): void {
  counters.set(code, (counters.get(code) ?? 0) + 1);
}
