/**
 * The loop that the core needs: packets, datagrams and one timer in; packets and datagrams out.
 *
 *   TUN ──► handleTunPacket ──► transmit ──► UDP
 *   UDP ──► handleDatagram ───► deliver ───► TUN
 *   timer ► handleTimeout ────► both
 *
 * This is also the seam for a faster data path: the two sides, `Tun` and `UdpSockets`, know nothing of
 * each other, and the core's keys never leave it. The clock is read once for each batch. Node's timer
 * only wakes the loop: what is due is decided by the clock that counts suspend.
 */
import { UdpEndpoint } from '../ip.ts';
import { bootTime } from '../linux/clock.ts';
import { Tun, type TunCounters } from '../linux/tun.ts';
import { createUdpCounters, UdpSockets, type UdpCounters } from '../linux/udp.ts';
import type { PacketSlot } from '../slot.ts';
import type { Device } from '../wireguard/device.ts';
import type { Millis, Outputs } from '../wireguard/ports.ts';
import { Observation } from './observation.ts';

const MAX_TIMER_MS = 0x7fffffff;

/** What the loop tells its owner. */
export interface LoopListener {
  /** The first handshake of this engine is complete. */
  onConnected(): void;
  /** An initiation was sent: what a successor's have to be later than has changed. */
  onInitiation?(): void;
  /** A peer's response did not open; told once for each peer. */
  onUnopenedResponse?(publicKey: Uint8Array): void;
  /** Something has been done. Called often: it must return at once where there is nothing to do. */
  onSettled?(now: Millis): void;
  /** The TUN is gone: there is nothing left to do. */
  onTunGone(error: Error): void;
}

/** Runs one device between a TUN and two UDP sockets. */
export class Loop {
  readonly observation: Observation = new Observation();
  readonly #device: Device;
  readonly #listener: LoopListener;
  readonly #reserved: readonly number[] | undefined;
  readonly #tun: Tun;
  readonly #udpCounters: UdpCounters = createUdpCounters();
  #sockets: UdpSockets | undefined;
  #now: Millis = bootTime();
  #timer: NodeJS.Timeout | undefined;
  #armedFor: Millis = Infinity;
  #isBatchOpen = false;
  #initiationsTold = 0;
  readonly #connected = new Latch();

  readonly #out: Outputs = {
    transmit: (to, datagram, tos) => {
      this.#transmit(to, datagram, tos);
    },
    deliver: (packet) => {
      this.#tun.write(packet);
    },
  };

  constructor(
    device: Device,
    tun: number,
    listener: LoopListener,
    reserved: readonly number[] | undefined,
  ) {
    this.#device = device;
    this.#listener = listener;
    this.#reserved = reserved;
    this.#tun = new Tun(tun, {
      onPacket: (slot) => {
        this.#onPacket(slot);
      },
      onBatchEnd: () => {
        this.#settle();
      },
      onGone: (error) => {
        this.#listener.onTunGone(error);
      },
    });
  }

  /** Sends and receives with these bound descriptors, which become its own, and with no others. */
  useSockets(udp4: number, udp6: number): void {
    this.#sockets?.close();
    const listener = (datagram: Uint8Array, from: UdpEndpoint): void => {
      this.#onDatagram(datagram, from);
    };
    this.#sockets = UdpSockets.adopt(udp4, udp6, listener, this.#udpCounters);
  }

  /** Begins to send and to receive. Packets that wait are read at once. */
  up(): void {
    this.apply((now, out) => {
      this.#device.up(now, out);
    });
    this.#tun.start();
  }

  /** Starts a handshake with every peer that has an endpoint. */
  connect(): void {
    this.apply((now, out) => {
      this.#device.connect(now, out);
    });
  }

  /** Stops sending and receiving, closes the sockets, and wipes all that is in flight. */
  down(): void {
    this.#tun.stop();
    this.#sockets?.close();
    this.#sockets = undefined;
    this.#device.down(bootTime());
  }

  /** Runs `verb` on the device with the time and the outputs, as every event does. */
  apply(verb: (now: Millis, out: Outputs) => void): void {
    this.#now = bootTime();
    verb(this.#now, this.#out);
    this.#settle();
  }

  /** Resolves at the first handshake. */
  get connected(): Promise<void> {
    return this.#connected.opened;
  }

  /** The names of the errors with which the kernel refused datagrams. */
  sendErrors(): readonly string[] {
    return [...this.#udpCounters.sendErrors.keys()];
  }

  /** What was lost between the core and the kernel, over all sockets that there were. */
  get counters(): { readonly udp: UdpCounters; readonly tun: TunCounters } {
    return { udp: this.#udpCounters, tun: this.#tun.counters };
  }

  /** As `down`, for good. */
  stop(): void {
    clearTimeout(this.#timer);
    this.down();
  }

  #onPacket(slot: PacketSlot): void {
    if (!this.#isBatchOpen) {
      this.#now = bootTime();
      this.#isBatchOpen = true;
    }
    this.#device.handleTunPacket(slot, this.#now, this.#out);
  }

  #onDatagram(datagram: Uint8Array, from: UdpEndpoint): void {
    this.observation.received(datagram);
    if (this.#reserved) clearReserved(datagram, this.#reserved);
    this.apply((now, out) => {
      this.#device.handleDatagram(datagram, from, now, out);
    });
  }

  #transmit(to: unknown, datagram: Uint8Array, tos: number): void {
    // The core only ever hands back endpoints that it was given, and this loop gives no others.
    if (!(to instanceof UdpEndpoint)) return;
    this.observation.sent(datagram);
    if (this.#reserved) datagram.set(this.#reserved, 1);
    if (this.#sockets) this.#sockets.send(to, datagram, tos);
    else this.#udpCounters.closed++;
  }

  /** After every batch: is somebody newly connected, and when does the device want to be woken? */
  #settle(): void {
    this.#isBatchOpen = false;
    if (this.#initiationsTold !== this.observation.initiationsSent) {
      this.#initiationsTold = this.observation.initiationsSent;
      this.#listener.onInitiation?.();
    }
    if (!this.#connected.isOpen && this.#device.handshakesCompleted > 0) {
      this.#connected.open();
      this.#listener.onConnected();
    }
    const unopened = this.#device.takeUnopenedResponse();
    if (unopened) this.#listener.onUnopenedResponse?.(unopened);
    this.#listener.onSettled?.(this.#now);
    const next = this.#device.nextTimeout() ?? Infinity;
    // A timer that fires too early costs one look; one that is moved at every packet costs far more.
    if (next >= this.#armedFor) return;
    clearTimeout(this.#timer);
    this.#armedFor = next;
    const delay = Math.min(Math.max(Math.ceil(next - this.#now), 0), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#onTimer();
    }, delay);
  }

  #onTimer(): void {
    this.#armedFor = Infinity;
    this.apply((now, out) => {
      const due = this.#device.nextTimeout();
      if (due !== undefined && due <= now) this.#device.handleTimeout(now, out);
    });
  }
}

/** Clears the reserved bytes where they are ours, so that the core sees zeros. */
function clearReserved(datagram: Uint8Array, reserved: readonly number[]): void {
  if (datagram.length < 4) return;
  for (let i = 0; i < 3; i++) if (datagram[i + 1] !== reserved[i]) return;
  datagram.fill(0, 1, 4);
}

/** Something that happens once, and that others may wait for before or after. */
class Latch {
  isOpen = false;
  #resolve: () => void = () => undefined;
  readonly opened: Promise<void> = new Promise((resolve) => {
    this.#resolve = resolve;
  });

  open(): void {
    this.isOpen = true;
    this.#resolve();
  }
}
