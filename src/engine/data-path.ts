/**
 * Which way packets take between the TUN and the host's sockets.
 *
 *   pump         TUN ⇄ pump ⇄ UDP, on threads of its own; the core gets what the pump hands up
 *   typescript   TUN ⇄ core ⇄ UDP, one packet at a time
 *
 * The loop is told of packets and datagrams alike. A pump that fails is replaced by the other way,
 * which takes over the descriptors; the core drops the keypairs that the pump had.
 */
import { closeSync, fstatSync } from 'node:fs';
import type { UdpEndpoint } from '../ip.ts';
import { endOffloads } from '../linux/offload.ts';
import { Tun, type PacketListener, type TunCounters } from '../linux/tun.ts';
import { createUdpCounters, UdpSockets, type UdpCounters } from '../linux/udp.ts';
import type { DatagramListener } from '../linux/udp.ts';
import { PumpPath, type PumpListener } from './fast-path.ts';
import { addErrors, addPumpCounts, NO_PUMP_COUNTS, type PumpCounts } from './pump-counts.ts';

const NO_SOCKET = -1;
/** Length of the virtio_net_hdr of a tunnel's TUN (docs/architecture.md). */
const VNET_HEADER_BYTES = 10;

/** What the pump has to know. */
export interface PumpChoice {
  /** The library. */
  readonly path: string;
  readonly mtu: number;
  readonly reserved: readonly number[] | undefined;
  readonly workers: number;
}

/** The descriptors of one tunnel, and who moves packets between them. */
export class DataPath {
  readonly #tunDescriptor: number;
  readonly #tun: Tun;
  readonly #onDatagram: DatagramListener;
  readonly #udpCounters = createUdpCounters();
  #sockets: UdpSockets | undefined;
  #pump: PumpPath | undefined;
  /** Counters of pumps that have failed. */
  #past: PumpCounts = NO_PUMP_COUNTS;
  /** The pump's sockets: IPv4, IPv6. */
  #descriptors: readonly [number, number] = [NO_SOCKET, NO_SOCKET];
  #isStarted = false;

  constructor(tun: number, onPacket: PacketListener, onDatagram: DatagramListener) {
    this.#tunDescriptor = tun;
    this.#tun = new Tun(tun, onPacket);
    this.#onDatagram = onDatagram;
  }

  /** Has a pump move packets, once it is started. Throws where there can't be one. */
  usePump(
    { path, mtu, reserved, workers }: PumpChoice,
    listener: Omit<PumpListener, 'onPortZero'>,
  ): PumpPath {
    const [udp4, udp6] = this.#descriptors;
    const tun = this.#tunDescriptor;
    const options = { tun, udp4, udp6, mtu, reserved, vnetHeaderBytes: VNET_HEADER_BYTES, workers };
    const onPortZero = (): void => {
      this.#udpCounters.portZero++;
    };
    this.#pump = new PumpPath(path, options, { ...listener, onPortZero });
    return this.#pump;
  }

  /** The pump, while there is one. */
  get pump(): PumpPath | undefined {
    return this.#pump;
  }

  /** Sends and receives with these bound descriptors, which become its own, and with no others. */
  useSockets(udp4: number, udp6: number): void {
    this.closeSockets();
    if (!this.#pump) {
      this.#adopt(udp4, udp6);
      return;
    }
    this.#descriptors = [socketOrNone(udp4), socketOrNone(udp6)];
    this.#pump.setSockets(...this.#descriptors);
    if (this.#isStarted) this.#pump.start();
  }

  /** Closes the sockets; until there are others nothing is sent or received. */
  closeSockets(): void {
    this.#sockets?.close();
    this.#sockets = undefined;
    if (!this.#pump) return;
    this.#pump.stop();
    this.#pump.setSockets(NO_SOCKET, NO_SOCKET);
    for (const fd of this.#descriptors) if (fd !== NO_SOCKET) closeSync(fd);
    this.#descriptors = [NO_SOCKET, NO_SOCKET];
  }

  /** Begins to read; what waits already is read at once. Throws if a pump can't begin. */
  start(): void {
    this.#isStarted = true;
    if (this.#pump) {
      this.#pump.start();
      return;
    }
    // An engine that died may have left them on.
    endOffloads(this.#tunDescriptor);
    this.#tun.start();
  }

  /** Stops reading. */
  stop(): void {
    this.#isStarted = false;
    this.#pump?.stop();
    this.#tun.stop();
  }

  /** Goes on without the pump. The core must have been told before. */
  endPump(): void {
    this.#closePump();
    this.#adopt(...this.#descriptors);
    this.#descriptors = [NO_SOCKET, NO_SOCKET];
    if (this.#isStarted) this.start();
  }

  /** Wipes what the pump holds. */
  close(): void {
    this.stop();
    this.closeSockets();
    this.#closePump();
  }

  transmit(to: UdpEndpoint, datagram: Uint8Array, tos: number): void {
    if (this.#pump) this.#pump.transmit(to, datagram, tos);
    else if (this.#sockets) this.#sockets.send(to, datagram, tos);
    else this.#udpCounters.closed++;
  }

  deliver(packet: Uint8Array): void {
    if (this.#pump) this.#pump.deliver(packet);
    else this.#tun.write(packet);
  }

  /** What pumps have counted, over all that there were. */
  get pumped(): PumpCounts {
    return this.#pump ? addPumpCounts(this.#past, this.#pump.activity) : this.#past;
  }

  /** What was lost between the core and the kernel, over all sockets and pumps that there were. */
  get counters(): { readonly udp: UdpCounters; readonly tun: TunCounters } {
    const [udp, tun] = [this.#udpCounters, this.#tun.counters];
    const { pumped } = this;
    return {
      udp: {
        ...udp,
        queueFull: udp.queueFull + pumped.drops.queueFull,
        sendErrors: addErrors(udp.sendErrors, pumped.udpSendErrors),
        receiveErrors: addErrors(udp.receiveErrors, pumped.udpReceiveErrors),
      },
      tun: {
        offloaded: tun.offloaded + pumped.drops.badSuperPacket,
        writeErrors: addErrors(tun.writeErrors, pumped.tunWriteErrors),
      },
    };
  }

  #closePump(): void {
    if (!this.#pump) return;
    // Its threads count until they have ended, and what they had still to do is counted then.
    this.#pump.stop();
    this.#past = this.pumped;
    this.#pump.close();
    this.#pump = undefined;
  }

  #adopt(udp4: number, udp6: number): void {
    this.#sockets = UdpSockets.adopt(udp4, udp6, this.#onDatagram, this.#udpCounters);
  }
}

/** The descriptor if it is a socket; another one stands for a family the host lacks, and is closed. */
function socketOrNone(fd: number): number {
  if (fd === NO_SOCKET || fstatSync(fd).isSocket()) return fd;
  closeSync(fd);
  return NO_SOCKET;
}
