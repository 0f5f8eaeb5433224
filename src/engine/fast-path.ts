/**
 * The core's fast path: the pump. It carries what the core decides down to the pump, and news up.
 *
 *   messages        a byte on the wake socket says that there are some: handshakes, packets without a
 *                   usable keypair, a keypair confirmed, a peer elsewhere
 *   activity block  read a second after the first packet and then every second, until nothing has
 *                   changed; then the pump is asked to say when the next packet comes
 *
 * Messages are told a bounded number at a time, and then everybody else has a turn: strangers, and programs
 * inside, can send faster than the core refuses. What is left is told in later turns, in order, and no byte is
 * needed for it.
 *
 * So an idle tunnel wakes nobody, and a busy one costs a reading a second. Reading late loses nothing:
 * every time in the block is that of the packet, and no deadline that starts unseen is shorter than a
 * second. Whatever is due is decided after a reading (`sync`).
 *
 * The core must not be thrown at. What the pump refuses for want of room it has counted; any other
 * failure ends the pump, and the loop goes on without it.
 */
import { Socket } from 'node:net';
import type { UdpEndpoint } from '../ip.ts';
import { SystemCallError } from '../linux/ffi.ts';
import { Pump, type PumpMessage, type PumpOptions } from '../linux/pump.ts';
import type { PumpActivity, PumpPeerActivity } from '../linux/pump-activity.ts';
import { PacketSlot, SLOT_HEADROOM_BYTES } from '../slot.ts';
import type { Activity, FastKeypair, FastPath, FastPrefix } from '../wireguard/ports.ts';

const READ_MS = 1_000;
const MAX_PACKET_BYTES = 65_535;
/** Messages told before other events get their turn. */
const BATCH = 64;
/** What the pump has counted, and the core needn't know. */
const COUNTED = new Set(['ENOBUFS', 'ENETDOWN', 'EMSGSIZE']);

/** What the loop does with what comes up. */
export interface PumpListener {
  onHandshake(datagram: Uint8Array, from: UdpEndpoint): void;
  /** A handshake message came from UDP port 0: no answer can go there, so it goes no further. */
  onPortZero(): void;
  /** The slot is the pump path's again when this returns. */
  onPacket(slot: PacketSlot): void;
  onActivity(peer: number, activity: Activity): void;
  /** What was told belongs together; what came up besides is told later. */
  onBatchEnd(): void;
  /** The pump has failed: nothing is moved by it any more. */
  onFailure(error: Error): void;
  /** The TUN is gone. */
  onGone(error: Error): void;
}

/** The pump between the core and its descriptors. */
export class PumpPath implements FastPath {
  readonly #pump: Pump;
  readonly #listener: PumpListener;
  readonly #wake: Socket;
  readonly #slot = new PacketSlot(MAX_PACKET_BYTES);
  /** Peers that have had a keypair, and what was last read about them. */
  readonly #peers = new Map<number, PumpPeerActivity>();
  #timer: NodeJS.Timeout | undefined;
  /** The turn in which telling goes on. */
  #nextTurn: NodeJS.Immediate | undefined;
  #isRunning = false;
  #hasFailed = false;

  /** Loads the pump from a file. Throws where it can't be used. */
  constructor(path: string, options: PumpOptions, listener: PumpListener) {
    this.#pump = Pump.open(path, options);
    this.#listener = listener;
    this.#wake = new Socket({ fd: this.#pump.wakeDescriptor(), readable: true, writable: false });
    this.#wake.on('data', () => {
      this.#drain();
    });
    this.#wake.on('error', (error) => {
      this.#fail(error);
    });
  }

  /** Begins to move packets. Throws if that isn't possible with these descriptors. */
  start(): void {
    if (this.#isRunning || this.#hasFailed) return;
    this.#pump.start();
    this.#isRunning = true;
    this.#drain();
    this.#rest();
  }

  /**
   * Stops moving packets, and telling; what is installed stays, and so does what had come up, for the next
   * start. After a failure as well: its threads still run.
   */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    clearImmediate(this.#nextTurn);
    if (!this.#isRunning) return;
    this.#isRunning = false;
    try {
      this.#pump.stop();
    } catch (error) {
      // It has no threads to stop then.
      if (!(error instanceof SystemCallError)) throw error;
    }
  }

  /** Stops, and wipes and frees everything. */
  close(): void {
    this.stop();
    this.#hasFailed = true;
    this.#wake.destroy();
    this.#pump.close();
  }

  /** Exchanges the sockets while the pump doesn't run; -1 for a missing family. */
  setSockets(udp4: number, udp6: number): void {
    this.#do(() => {
      this.#pump.setSockets(udp4, udp6);
    });
  }

  setMtu(mtu: number): void {
    this.#do(() => {
      this.#pump.setMtu(mtu);
    });
  }

  /** Sends a handshake message or a cookie reply. What the kernel refuses the pump has counted. */
  transmit(to: UdpEndpoint, datagram: Uint8Array, tos: number): void {
    try {
      this.#pump.sendDatagram(to, tos, datagram);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
    }
  }

  /** Writes an ICMP answer to the TUN; one that the kernel refuses is lost, as any packet may be. */
  deliver(packet: Uint8Array): void {
    try {
      this.#pump.deliver(packet);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
    }
  }

  /** Tells the listener what has changed since it was last told; true if anything had. */
  sync(): boolean {
    let hasChanged = false;
    for (const peer of this.#peers.keys()) hasChanged = this.#read(peer) || hasChanged;
    return hasChanged;
  }

  /** Counters, and which offloads are in use. */
  get activity(): PumpActivity {
    return this.#pump.activity;
  }

  install(keypair: FastKeypair): void {
    this.#do(() => {
      this.#pump.install(keypair);
      if (!this.#peers.has(keypair.peer)) {
        this.#peers.set(keypair.peer, this.#pump.peer(keypair.peer).read());
      }
    });
  }

  promote(localIndex: number): void {
    this.#do(() => {
      this.#pump.promote(localIndex);
    });
  }

  stopSending(peer: number): void {
    this.#do(() => {
      this.#pump.stopSending(peer);
    });
  }

  remove(localIndex: number): void {
    this.#do(() => {
      this.#pump.remove(localIndex);
    });
  }

  setEndpoint(peer: number, endpoint: UdpEndpoint | undefined): void {
    this.#do(() => {
      this.#pump.setEndpoint(peer, endpoint);
    });
  }

  setAllowedIPs(table: readonly FastPrefix[]): void {
    this.#do(() => {
      this.#pump.setAllowedIPs(table);
    });
  }

  removePeer(peer: number): void {
    this.#peers.delete(peer);
    this.#do(() => {
      this.#pump.removePeer(peer);
    });
  }

  send(peer: number, packet: Uint8Array): void {
    this.#do(() => {
      this.#pump.send(peer, packet);
    });
  }

  answered(peer: number): void {
    this.#pump.peer(peer).answered();
  }

  replied(peer: number): void {
    this.#pump.peer(peer).replied();
  }

  /** Tells what has come up, as much as fits one turn. */
  #drain(): void {
    clearImmediate(this.#nextTurn);
    if (!this.#isRunning) return;
    const isLeft = this.#do(() => this.#pump.take(this.#tell, BATCH));
    this.#listener.onBatchEnd();
    // The listener may have stopped this path.
    if (!this.#mayGoOn()) return;
    // Where so much comes up, the word that there was a packet may have found no room.
    this.#readLater();
    if (isLeft !== true) return;
    this.#nextTurn = setImmediate(() => {
      this.#drain();
    });
  }

  #mayGoOn(): boolean {
    return this.#isRunning && !this.#hasFailed;
  }

  readonly #tell = (message: PumpMessage): void => {
    switch (message.kind) {
      case 'handshake':
        this.#listener.onHandshake(message.datagram, message.from);
        break;
      case 'portZero':
        this.#listener.onPortZero();
        break;
      case 'packet':
        // The core has to know what the pump knows, or it would give the packet back.
        if (this.#peers.has(message.peer)) this.#read(message.peer);
        this.#slot.length = message.packet.length;
        this.#slot.buffer.set(message.packet, SLOT_HEADROOM_BYTES);
        this.#listener.onPacket(this.#slot);
        break;
      case 'news':
        this.#read(message.peer);
        break;
      case 'active':
        this.#readLater();
        break;
      case 'gone':
        this.#listener.onGone(new SystemCallError('read', message.errno));
        break;
    }
  };

  /** Reads one peer, and tells if something has changed. */
  #read(peer: number): boolean {
    const words = this.#pump.peer(peer);
    const hasNotice = words.takeNotices();
    const activity = words.read();
    const before = this.#peers.get(peer);
    if (!before || (!hasNotice && isSame(before, activity))) return false;
    this.#peers.set(peer, activity);
    const movedTo = hasNotice ? this.#pump.movedTo(peer) : undefined;
    this.#listener.onActivity(peer, { ...activity, movedTo });
    return true;
  }

  #readLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#do(() => {
        if (this.sync()) this.#readLater();
        else this.#rest();
      });
    }, READ_MS);
  }

  /** Asks for a word at the next packet, and looks once more: it may have come before the asking. */
  #rest(): void {
    this.#pump.watch();
    if (this.sync()) this.#readLater();
  }

  /** Does something with the pump; gives nothing where that fails. */
  #do<Result>(action: () => Result): Result | undefined {
    if (this.#hasFailed) return undefined;
    try {
      return action();
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      if (!COUNTED.has(error.code)) this.#fail(error);
      return undefined;
    }
  }

  #fail(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    clearTimeout(this.#timer);
    this.#listener.onFailure(error);
  }
}

function isSame(left: PumpPeerActivity, right: PumpPeerActivity): boolean {
  return (
    left.lastSent === right.lastSent &&
    left.lastReceived === right.lastReceived &&
    left.txBytes === right.txBytes &&
    left.rxBytes === right.rxBytes &&
    left.unansweredSince === right.unansweredSince &&
    left.unrepliedSince === right.unrepliedSince &&
    left.nextCounter === right.nextCounter &&
    left.confirmedIndex === right.confirmedIndex
  );
}
