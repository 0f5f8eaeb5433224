/**
 * Runs a device for an embedder: any function that sends datagrams, any function that takes packets,
 * any clock, any timer. There is no socket in here, so whatever can carry bytes carries the tunnel, and
 * whoever stands in between may drop, delay, record or redirect what passes.
 *
 *   sendPacket ──────► device ──► sendDatagram
 *   receiveDatagram ─► device ──► receivePacket
 *   timer ───────────► device ──► both
 *
 * A device may not be called from its own outputs. Embedders do just that: two adapters in one process
 * that are wired to each other answer each other within one call. So what a verb produces waits in a
 * queue until the verb has returned, as copies, and goes out in the order in which it was produced. A
 * call that comes in meanwhile adds to the queue and leaves the sending to the call already at it;
 * therefore the stack stays flat however long two adapters talk.
 */
import { KEY_BYTES } from '../key.ts';
import { PacketSlot } from '../slot.ts';
import type { Device, DeviceStatus, DeviceUpdate } from '../wireguard/device.ts';
import type { Endpoint, Millis, Outputs } from '../wireguard/ports.ts';

/**
 * Outputs that wait at once: more than a verb produces with the most peers that a device can have. Only
 * an embedder that answers each output with several inputs gets there.
 */
const MAX_WAITING_OUTPUTS = 2 ** 17;

/**
 * What an adapter is given. Neither sink should throw: an error goes to whoever called the adapter, and
 * what waits behind it goes out with the next call.
 */
export interface AdapterPorts {
  /** Sends one datagram, or loses it. The bytes are the receiver's. `tos` is as in `Outputs`. */
  readonly sendDatagram: (to: Endpoint, datagram: Uint8Array, tos: number) => void;
  /** Takes one IP packet out of the tunnel, or an ICMP answer. The bytes are the receiver's. */
  readonly receivePacket: (packet: Uint8Array) => void;
  /** Milliseconds on a clock that counts suspend and never goes back. */
  readonly clock: () => Millis;
  /**
   * Calls `wake` once, `delayMs` whole milliseconds from now (0 to 65,535,000), and never before it
   * has returned. The function that it returns takes that back. Early and late calls do no harm.
   */
  readonly setTimer: (wake: () => void, delayMs: number) => () => void;
}

interface ArmedTimer {
  readonly deadline: Millis;
  readonly disarm: () => void;
}

/**
 * One running device. While an adapter runs it, nobody else calls the device's verbs. After `close`
 * every call is without effect, so that a late datagram or packet does no harm.
 */
export class DeviceAdapter {
  readonly #device: Device;
  readonly #ports: AdapterPorts;
  readonly #waiting = new OutputQueue();
  #timer: ArmedTimer | undefined;
  #isClosed = false;

  /** Takes over a device, which stays down until `up`. */
  constructor(device: Device, ports: AdapterPorts) {
    this.#device = device;
    this.#ports = ports;
  }

  /** Begins to send and to receive. */
  up(): void {
    this.#run((now, out) => this.#device.up(now, out));
  }

  /** Begins a handshake with every peer whose endpoint is known; packets do that by themselves. */
  connect(): void {
    this.#run((now, out) => this.#device.connect(now, out));
  }

  /** Applies an update; see `Device.configure`, also for the RangeError. */
  configure(update: DeviceUpdate): void {
    this.#run((now, out) => this.#device.configure(update, now, out));
  }

  /** Sends one IP packet through the tunnel. The bytes stay the caller's, and stay as they are. */
  sendPacket(packet: Uint8Array): void {
    const slot = PacketSlot.of(packet);
    this.#run((now, out) => this.#device.handleTunPacket(slot, now, out));
  }

  /**
   * Takes one datagram that came from `from`. The bytes stay the caller's, and stay as they are: a
   * device decrypts in place, which nobody wants who has kept the datagram. `ecn` is the ECN codepoint
   * of the outer header, 0 to 3.
   */
  receiveDatagram(datagram: Uint8Array, from: Endpoint, ecn: number = 0): void {
    const copy = Uint8Array.from(datagram);
    this.#run((now, out) => this.#device.handleDatagram(copy, from, now, out, ecn));
  }

  /** The device and its peers as they are: a copy, and with it the preshared keys. */
  status(): DeviceStatus {
    return this.#device.status(this.#ports.clock());
  }

  /** Outputs lost because too many waited. */
  get lostOutputs(): number {
    return this.#waiting.lost;
  }

  /**
   * Ends it: the timer is disarmed, what waits is discarded, and every key is wiped, our own and the
   * peers'. A second call has no effect.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#disarm();
    const now = this.#ports.clock();
    this.#device.down(now);
    const nothing = { privateKey: new Uint8Array(KEY_BYTES), replacePeers: true };
    this.#device.configure(nothing, now, this.#waiting);
    this.#waiting.discard();
  }

  #run(verb: (now: Millis, out: Outputs) => void): void {
    if (this.#isClosed) return;
    const now = this.#ports.clock();
    verb(now, this.#waiting);
    // Before anything goes out, for the sinks may call the adapter, and may throw.
    this.#arm(now);
    this.#waiting.flush(this.#ports);
  }

  /** Has the timer fire no later than the device asks for. */
  #arm(now: Millis): void {
    const deadline = this.#device.nextTimeout();
    // A timer that fires too early costs one look; one that is moved at every packet costs far more.
    if (deadline !== undefined && this.#timer && this.#timer.deadline <= deadline) return;
    this.#disarm();
    if (deadline === undefined) return;
    const delayMs = Math.max(0, Math.ceil(deadline - now));
    const disarm = this.#ports.setTimer(() => {
      // A timer that was taken back too late is none.
      if (this.#timer === timer) this.#wake();
    }, delayMs);
    const timer: ArmedTimer = { deadline, disarm };
    this.#timer = timer;
  }

  #disarm(): void {
    this.#timer?.disarm();
    this.#timer = undefined;
  }

  #wake(): void {
    this.#timer = undefined;
    this.#run((now, out) => this.#device.handleTimeout(now, out));
  }
}

/** A datagram, or a packet, which goes to nobody. */
interface Output {
  readonly to: Endpoint | undefined;
  readonly bytes: Uint8Array;
  readonly tos: number;
}

/** What verbs have produced, until it is sent. */
class OutputQueue implements Outputs {
  /** Outputs that found no room. */
  lost = 0;
  #outputs: Output[] = [];
  #next = 0;
  #isFlushing = false;

  transmit(to: Endpoint, datagram: Uint8Array, tos: number): void {
    this.#push({ to, bytes: Uint8Array.from(datagram), tos });
  }

  deliver(packet: Uint8Array): void {
    this.#push({ to: undefined, bytes: Uint8Array.from(packet), tos: 0 });
  }

  /** Sends all that waits, unless a call further up the stack is doing so. */
  flush(ports: AdapterPorts): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (let output = this.#take(); output; output = this.#take()) {
        if (output.to) ports.sendDatagram(output.to, output.bytes, output.tos);
        else ports.receivePacket(output.bytes);
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  /** Forgets what waits. */
  discard(): void {
    this.#outputs = [];
    this.#next = 0;
  }

  #push(output: Output): void {
    if (this.#outputs.length - this.#next < MAX_WAITING_OUTPUTS) this.#outputs.push(output);
    else this.lost++;
  }

  #take(): Output | undefined {
    if (this.#next < this.#outputs.length) return this.#outputs[this.#next++];
    this.discard();
    return undefined;
  }
}
