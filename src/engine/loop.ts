/**
 * The loop that the core needs: packets, datagrams and one timer in; packets and datagrams out.
 *
 *   TUN ──► handleTunPacket ──► transmit ──► UDP
 *   UDP ──► handleDatagram ───► deliver ───► TUN
 *   timer ► handleTimeout ────► both
 *
 * With a pump (data-path.ts) only what it hands up passes here, and news of what it has done. The clock
 * is read once for each batch. Node's timer only wakes the loop: what is due is decided by the clock
 * that counts suspend.
 */
import type { EngineStatus } from '../engine-status.ts';
import { UdpEndpoint } from '../ip.ts';
import { bootTime } from '../linux/clock.ts';
import type { TunCounters } from '../linux/tun.ts';
import type { UdpCounters } from '../linux/udp.ts';
import type { PacketSlot } from '../slot.ts';
import type { Device, DeviceStatus } from '../wireguard/device.ts';
import type { Millis, Outputs } from '../wireguard/ports.ts';
import { DataPath } from './data-path.ts';
import type { PumpPath } from './fast-path.ts';
import { Latch } from './latch.ts';
import { isInitiation, Observation, type Observed } from './observation.ts';
import { addPumpDrops } from './pump-counts.ts';

const MAX_TIMER_MS = 0x7fffffff;

/** Errors that say something about the socket, and not about the way or the peer. */
const SOCKET_ERRORS = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EBADF', 'ENODEV', 'EPIPE'] as const;

/** What the loop tells its owner. */
export interface LoopListener {
  /** The first handshake of this engine is complete. */
  onConnected(): void;
  /** An initiation was sent: what a successor's have to be later than has changed. */
  onInitiation?(): void;
  /** An initiation is being sent; the device must not be called. */
  onInitiationTo?(to: UdpEndpoint): void;
  /** Nothing has come back from a peer, so that an initiation was sent. */
  onSilence?(): void;
  /** A peer's response did not open; told once for each peer. */
  onUnopenedResponse?(publicKey: Uint8Array): void;
  /** Something has been done. Called often: it must return at once where there is nothing to do. */
  onSettled?(now: Millis): void;
  /** The pump has failed, and packets are moved without one from now on. */
  onPumpFailed?(error: Error): void;
  /** The TUN is gone: there is nothing left to do. */
  onTunGone(error: Error): void;
}

/** Runs one device between a TUN and two UDP sockets. */
export class Loop {
  readonly #observation = new Observation();
  readonly #device: Device;
  readonly #listener: LoopListener;
  readonly #reserved: readonly number[] | undefined;
  readonly #path: DataPath;
  #now: Millis = bootTime();
  #timer: NodeJS.Timeout | undefined;
  #armedFor: Millis = Infinity;
  #isBatchOpen = false;
  #initiationsTold = 0;
  #silencesTold = 0;
  /** As many had been counted when the sockets in use were new. */
  #socketErrorsBefore = 0;
  readonly #connected = new Latch();

  readonly #out: Outputs = {
    transmit: (to, datagram, tos) => {
      this.#transmit(to, datagram, tos);
    },
    deliver: (packet) => {
      this.#path.deliver(packet);
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
    const packets = {
      onPacket: (slot: PacketSlot) => {
        this.#onPacket(slot);
      },
      onBatchEnd: () => {
        this.#settle();
      },
      onGone: (error: Error) => {
        this.#listener.onTunGone(error);
      },
    };
    this.#path = new DataPath(tun, packets, (datagram, from) => {
      this.#onDatagram(datagram, from);
    });
  }

  /** Sends and receives with these bound descriptors, which become its own, and with no others. */
  useSockets(udp4: number, udp6: number): void {
    this.#withOrWithoutPump(() => {
      this.#path.useSockets(udp4, udp6);
    });
    this.#socketErrorsBefore = this.#socketErrors();
  }

  /** Has a pump move packets from `up` on. Throws where there can't be one. */
  usePump(library: string, mtu: number, workers: number): void {
    const choice = { path: library, mtu, reserved: this.#reserved, workers };
    const pump = this.#path.usePump(choice, {
      onHandshake: (datagram, from) => {
        this.#onMessage(datagram, from);
      },
      onPacket: (slot) => {
        this.#onPacket(slot);
      },
      onActivity: (peer, activity) => {
        this.apply((now, out) => {
          this.#device.handleActivity(peer, activity, now, out);
        });
      },
      onBatchEnd: () => {
        this.#settle();
      },
      onFailure: (error) => {
        // Not now: this may be in the middle of what the core does.
        setImmediate(() => {
          this.#endPump(pump, error);
        });
      },
      onGone: (error) => {
        this.#listener.onTunGone(error);
      },
    });
    this.#device.useFastPath(pump);
  }

  /** Changes the MTU of the TUN, which padding doesn't exceed. */
  setMtu(mtu: number): void {
    this.#device.setMtu(mtu);
    this.#path.pump?.setMtu(mtu);
  }

  /** Closes the sockets; until there are others nothing is sent or received. */
  closeSockets(): void {
    this.#path.closeSockets();
  }

  /** Whether a datagram was not sent for a reason that other sockets might not have. */
  hasBrokenSocket(): boolean {
    return this.#socketErrors() > this.#socketErrorsBefore;
  }

  /** The host has slept, or is on another network: begins handshakes, and sees what is due. */
  wake(): void {
    // The timer has slept as well.
    this.#armedFor = Infinity;
    this.apply((now, out) => {
      this.#device.wake(now, out);
    });
  }

  /** Begins to send and to receive. Packets that wait are read at once. */
  up(): void {
    this.apply((now, out) => {
      this.#device.up(now, out);
    });
    this.#withOrWithoutPump(() => {
      this.#path.start();
    });
  }

  /** Starts a handshake with every peer that has an endpoint. */
  connect(): void {
    this.apply((now, out) => {
      this.#device.connect(now, out);
    });
  }

  /** Stops sending and receiving, closes the sockets, and wipes all that is in flight. */
  down(): void {
    this.#path.stop();
    this.closeSockets();
    this.#device.down(bootTime());
  }

  /** Runs `verb` on the device with the time and the outputs, as every event does. */
  apply(verb: (now: Millis, out: Outputs) => void): void {
    this.#now = bootTime();
    verb(this.#now, this.#out);
    this.#settle();
  }

  /** What was seen on the wire; a pump tells of datagrams that are no message only when asked. */
  get observation(): Observed {
    const { foreign } = this.#path.pumped;
    const { initiationsSent, responsesReceived, cookieRepliesReceived, foreignReceived } =
      this.#observation;
    return {
      initiationsSent,
      responsesReceived,
      cookieRepliesReceived,
      foreignReceived: foreignReceived + foreign,
    };
  }

  /** Resolves at the first handshake. */
  get connected(): Promise<void> {
    return this.#connected.opened;
  }

  /** The names of the errors with which the kernel refused datagrams. */
  sendErrors(): readonly string[] {
    return [...this.#path.counters.udp.sendErrors.keys()];
  }

  #socketErrors(): number {
    const { sendErrors } = this.#path.counters.udp;
    return SOCKET_ERRORS.reduce((sum, code) => sum + (sendErrors.get(code) ?? 0), 0);
  }

  /** What was lost between the core and the kernel, over all sockets that there were. */
  get counters(): { readonly udp: UdpCounters; readonly tun: TunCounters } {
    return this.#path.counters;
  }

  /** Who moves packets, and with what of the kernel's. */
  get dataPath(): Pick<EngineStatus, 'dataPath' | 'offload' | 'uses' | 'workers'> {
    const { pump } = this.#path;
    if (!pump) return { dataPath: 'typescript', offload: false, uses: [], workers: 0 };
    const { uses, workers } = pump.activity;
    return { dataPath: 'pump', offload: uses.includes('tso'), uses, workers };
  }

  /** Threads that share the cipher's work with the pump's own. */
  get workers(): number {
    return this.dataPath.workers;
  }

  /** The device as it is now, with what a pump has done and pumps have dropped. */
  status(): DeviceStatus {
    this.#path.pump?.sync();
    const status = this.#device.status(bootTime());
    return { ...status, drops: addPumpDrops(status.drops, this.#path.pumped) };
  }

  /** As `down`, for good. */
  stop(): void {
    clearTimeout(this.#timer);
    this.down();
    this.#path.close();
  }

  /** Does what starts a pump. One that can't be started, for want of a thread, is done without. */
  #withOrWithoutPump(action: () => void): void {
    const { pump } = this.#path;
    try {
      action();
    } catch (error) {
      if (!pump || !(error instanceof Error)) throw error;
      this.#endPump(pump, error);
    }
  }

  /**
   * Goes on without the pump, with new keys for peers that have been in use; what was sealed with the
   * pump's is lost, as after a restart.
   */
  #endPump(pump: PumpPath, error: Error): void {
    if (this.#path.pump !== pump) return;
    pump.sync();
    this.#device.useFastPath(undefined);
    this.#path.endPump();
    this.#listener.onPumpFailed?.(error);
    this.wake();
  }

  #onPacket(slot: PacketSlot): void {
    if (!this.#isBatchOpen) {
      this.#now = bootTime();
      this.#isBatchOpen = true;
    }
    this.#device.handleTunPacket(slot, this.#now, this.#out);
  }

  #onDatagram(datagram: Uint8Array, from: UdpEndpoint): void {
    if (this.#reserved) clearReserved(datagram, this.#reserved);
    this.#onMessage(datagram, from);
  }

  #onMessage(datagram: Uint8Array, from: UdpEndpoint): void {
    this.#observation.received(datagram);
    this.apply((now, out) => {
      this.#device.handleDatagram(datagram, from, now, out);
    });
  }

  #transmit(to: unknown, datagram: Uint8Array, tos: number): void {
    // The core only ever hands back endpoints that it was given, and this loop gives no others.
    if (!(to instanceof UdpEndpoint)) return;
    this.#observation.sent(datagram);
    if (isInitiation(datagram)) this.#listener.onInitiationTo?.(to);
    if (this.#reserved && !this.#path.pump) datagram.set(this.#reserved, 1);
    this.#path.transmit(to, datagram, tos);
  }

  /** After every batch: is somebody newly connected, and when does the device want to be woken? */
  #settle(): void {
    this.#isBatchOpen = false;
    if (this.#initiationsTold !== this.#observation.initiationsSent) {
      this.#initiationsTold = this.#observation.initiationsSent;
      this.#listener.onInitiation?.();
    }
    if (this.#silencesTold !== this.#device.silences) {
      this.#silencesTold = this.#device.silences;
      this.#listener.onSilence?.();
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
    this.#path.pump?.sync();
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
