/**
 * One device in a simulation, with a check after every verb. Whatever a test is about, these hold:
 *
 * - no verb throws, and none uses its outputs after it has returned;
 * - the buffers that a verb was given are not read later: they are overwritten as it returns;
 * - after `handleTimeout(now)` the next timeout is later than `now`;
 * - while a packet is staged, a deadline is set, no later than the next retry of a handshake;
 * - a datagram is at most one drop;
 * - staged packets stay within their bound, 128 a peer;
 * - what the eavesdropper and the ledger find is a failure.
 */
import { PacketSlot } from '../../src/slot.ts';
import type { Address } from '../../src/ip.ts';
import { Device, type DeviceStatus, type DeviceUpdate } from '../../src/wireguard/device.ts';
import { DROP_REASONS, type DropReason } from '../../src/wireguard/drop-reason.ts';
import { messageType, TYPE_TRANSPORT } from '../../src/wireguard/messages.ts';
import type { Endpoint, Outputs, X25519 } from '../../src/wireguard/ports.ts';
import { isUnreachable } from './inner-packet.ts';
import type { PacketOptions, Party } from './ledger.ts';
import { ModelPump, type ModelWorld, type SimPump } from './model-pump.ts';
import type { Network } from './network.ts';
import { SimEndpoint } from './sim-endpoint.ts';

/** The pump itself in the place of its model, for `make differential`. */
const createPump: (world: ModelWorld) => SimPump =
  process.env['WG_WRAP_SIM_PUMP'] === 'ring'
    ? await import('./ring-pump.ts').then(
        ({ RingPump }) =>
          (world) =>
            new RingPump(world),
      )
    : (world) => new ModelPump(world);

/** How to make a station. */
export interface StationOptions {
  readonly name: string;
  readonly endpoint: SimEndpoint;
  readonly innerIPv4: Address;
  readonly innerIPv6: Address;
  readonly privateKey: Uint8Array;
  readonly mtu: number;
  readonly x25519: X25519;
  /** Transport data is moved by a model of a pump, whose activity is read so often; 0: at once. */
  readonly pumpReadMs?: number | undefined;
}

const MAX_STAGED_PACKETS = 128;
/** REKEY_TIMEOUT and the greatest jitter. */
const MAX_RETRY_MS = 5_333;
const OVERWRITTEN = 0xa5;

/** A device on the network. */
export class Station implements Party {
  readonly name: string;
  readonly innerIPv4: Address;
  readonly innerIPv6: Address;
  readonly publicKey: Uint8Array;
  readonly x25519: X25519;
  readonly device: Device;
  /** Moves the transport data, if the station has one. */
  pump: SimPump | undefined;
  /** What the device itself answered into the tunnel interface. */
  readonly unreachables: Uint8Array[] = [];
  /** How many packets the tunnel interface has given to the device. */
  tunPackets = 0;
  readonly #network: Network;
  readonly #mtu: number;
  readonly #pumpReadMs: number;
  #nextRead = Infinity;
  #isUp = true;
  #endpoint: SimEndpoint;
  #violation: string | undefined;

  constructor(network: Network, options: StationOptions) {
    this.#network = network;
    this.name = options.name;
    this.innerIPv4 = options.innerIPv4;
    this.innerIPv6 = options.innerIPv6;
    this.#endpoint = options.endpoint;
    this.#mtu = options.mtu;
    this.x25519 = options.x25519;
    this.publicKey = options.x25519.publicKey(options.privateKey);
    this.device = new Device({
      entropy: network.random,
      wallClock: () => network.wallTime(),
      mtu: options.mtu,
      x25519: options.x25519,
    });
    this.#pumpReadMs = options.pumpReadMs ?? 0;
    if (options.pumpReadMs !== undefined) this.usePump(this.makePump());
    this.configure({ privateKey: options.privateKey });
    this.#verb('up', (now, out) => this.device.up(now, out));
    network.attach(this.#endpoint, (datagram, from) => this.receive(datagram, from));
  }

  /** Where the station is now. */
  get endpoint(): SimEndpoint {
    return this.#endpoint;
  }

  /** Moves the station: a new socket, or a NAT that has forgotten the old mapping. */
  rebind(endpoint: SimEndpoint): void {
    this.#network.detach(this.#endpoint);
    this.#endpoint = endpoint;
    this.#network.attach(endpoint, (datagram, from) => this.receive(datagram, from));
  }

  configure(update: DeviceUpdate): void {
    this.#verb('configure', (now, out) => this.device.configure(update, now, out));
  }

  connect(): void {
    this.#verb('connect', (now, out) => this.device.connect(now, out));
  }

  wake(): void {
    this.#verb('wake', (now, out) => this.device.wake(now, out));
  }

  down(): void {
    this.#isUp = false;
    this.#verb('down', (now) => this.device.down(now));
  }

  up(): void {
    this.#isUp = true;
    this.#verb('up', (now, out) => this.device.up(now, out));
  }

  /** Sends an inner packet of its own to another station; returns its number. */
  send(to: Party, options: PacketOptions = {}): number {
    const entry = this.#network.ledger.issue(this, to, options);
    this.sendPacket(entry.packet);
    return entry.id;
  }

  /** Gives any bytes to the device as a packet of the tunnel interface. */
  sendPacket(packet: Uint8Array): void {
    const slot = PacketSlot.of(packet);
    this.tunPackets++;
    if (this.#isUp && this.pump?.takePacket(packet)) {
      this.#afterPump();
      return;
    }
    // The core must know what the pump knows, or it would give the packet back.
    this.readPump();
    this.#verb('handleTunPacket', (now, out) => this.device.handleTunPacket(slot, now, out));
    slot.buffer.fill(OVERWRITTEN);
  }

  /** Gives any bytes to the device as a datagram. */
  receive(datagram: Uint8Array, from: Endpoint): void {
    const copy = Uint8Array.from(datagram);
    if (this.#isUp && this.pump && messageType(copy) === TYPE_TRANSPORT) {
      this.pump.takeDatagram(copy, from);
      this.#afterPump();
      return;
    }
    const before = this.status();
    const after = this.#verb('handleDatagram', (now, out) => {
      this.device.handleDatagram(copy, from, now, out);
    });
    copy.fill(OVERWRITTEN);
    const drops = sumDatagramDrops(after) - sumDatagramDrops(before);
    if (drops > 1) this.#fail(`one datagram is ${drops} drops`);
  }

  /** Has another pump, or none, move the transport data from now on. */
  usePump(pump: SimPump | undefined): void {
    this.readPump();
    this.device.useFastPath(pump);
    this.pump = pump;
  }

  /** Makes a pump for this station. */
  makePump(): SimPump {
    const network = this.#network;
    const violation = (text: string): void => {
      this.#violation ??= text;
    };
    const out = new CheckedOutputs(this, network, this.#mtu, violation);
    return createPump({
      get now() {
        return network.now;
      },
      mtu: this.#mtu,
      violation,
      transmit: (to, datagram) => {
        this.#nextRead = Math.min(this.#nextRead, network.now + this.#pumpReadMs);
        out.transmit(to, datagram);
      },
      deliver: (packet) => out.deliver(packet),
    });
  }

  /** When the station next has to be woken. */
  nextTimeout(): number | undefined {
    const next = Math.min(this.device.nextTimeout() ?? Infinity, this.#nextRead);
    return next === Infinity ? undefined : next;
  }

  /** Lets the device do what is due, once it knows what the pump has done. */
  expire(): void {
    this.readPump();
    if (!((this.device.nextTimeout() ?? Infinity) <= this.#network.now)) return;
    this.#verb('handleTimeout', (now, out) => this.device.handleTimeout(now, out));
    const next = this.device.nextTimeout();
    if (next !== undefined && !(next > this.#network.now)) {
      this.#fail(`handleTimeout(${this.#network.now}) left a deadline at ${next}`);
    }
  }

  /** Tells the device what the pump has done since it was last told. */
  readPump(onlyNotices = false): void {
    for (const peer of this.pump?.news(onlyNotices) ?? []) {
      this.#verb('handleActivity', (now, out) => {
        if (this.pump) this.device.handleActivity(peer, this.pump.read(peer), now, out);
      });
    }
    if (!onlyNotices) this.#nextRead = Infinity;
  }

  /** The device as it is, with what the pump has dropped. */
  status(): DeviceStatus {
    const status = this.device.status(this.#network.now);
    if (!this.pump) return status;
    const drops = { ...status.drops };
    for (const reason of DROP_REASONS) drops[reason] += this.pump.drops[reason];
    return { ...status, drops };
  }

  /** All drops of the device, or those for one reason. */
  drops(reason?: DropReason): number {
    const status = this.status();
    return reason ? status.drops[reason] : sumDrops(status);
  }

  /** Packets staged for all peers. */
  staged(): number {
    return this.status().peers.reduce((sum, peer) => sum + peer.stagedPackets, 0);
  }

  #afterPump(): void {
    if (this.#violation !== undefined) this.#fail(`pump: ${this.#violation}`);
    if (this.#pumpReadMs === 0) {
      this.readPump();
      return;
    }
    this.readPump(true);
    this.#nextRead = Math.min(this.#nextRead, this.#network.now + this.#pumpReadMs);
  }

  #verb(name: string, action: (now: number, out: Outputs) => void): DeviceStatus {
    const out = new CheckedOutputs(this, this.#network, this.#mtu, (text) => {
      this.#violation ??= text;
    });
    try {
      action(this.#network.now, out);
    } catch (error) {
      this.#fail(`${name} threw`, error);
    }
    out.close();
    if (this.#violation !== undefined) this.#fail(`${name}: ${this.#violation}`);
    const status = this.status();
    this.#checkStaging(name, status);
    return status;
  }

  #checkStaging(verb: string, status: DeviceStatus): void {
    const staged = status.peers.map((peer) => peer.stagedPackets);
    if (staged.some((count) => count > MAX_STAGED_PACKETS)) {
      this.#fail(`${verb}: ${Math.max(...staged)} packets are staged`);
    }
    const next = this.device.nextTimeout();
    if (next !== undefined && !Number.isFinite(next))
      this.#fail(`${verb}: next timeout is ${next}`);
    const isWaiting = staged.some((count) => count > 0);
    if (isWaiting && (next === undefined || next > this.#network.now + MAX_RETRY_MS)) {
      this.#fail(`${verb}: packets are staged, and the next timeout is ${next}`);
    }
  }

  #fail(text: string, cause?: unknown): never {
    const { seed, now } = this.#network;
    throw new Error(`seed ${seed}, at ${now} ms, ${this.name}: ${text}`, { cause });
  }
}

function sumDrops(status: DeviceStatus): number {
  return Object.values(status.drops).reduce((sum, count) => sum + count, 0);
}

/** What was staged may be given up by the way, if that is due. */
function sumDatagramDrops(status: DeviceStatus): number {
  return sumDrops(status) - status.drops.handshakeGivenUp;
}

/** The outputs of one verb; using them after the verb is a failure. */
class CheckedOutputs implements Outputs {
  readonly #station: Station;
  readonly #network: Network;
  readonly #mtu: number;
  readonly #report: (violation: string) => void;
  #isOpen = true;

  constructor(
    station: Station,
    network: Network,
    mtu: number,
    report: (violation: string) => void,
  ) {
    this.#station = station;
    this.#network = network;
    this.#mtu = mtu;
    this.#report = report;
  }

  close(): void {
    this.#isOpen = false;
  }

  transmit(to: Endpoint, datagram: Uint8Array): void {
    if (!this.#isOpen) return this.#report('a datagram was sent after the verb');
    if (!(to instanceof SimEndpoint)) return this.#report('an endpoint came from nowhere');
    const sighting = {
      at: this.#network.now,
      sender: this.#station.name,
      from: this.#station.endpoint,
      to,
      datagram: Uint8Array.from(datagram),
    };
    const violation = this.#network.eavesdropper.observe(sighting, this.#mtu);
    if (violation !== undefined) this.#report(violation);
    this.#network.carry(sighting.datagram, sighting.from, sighting.to);
  }

  deliver(packet: Uint8Array): void {
    if (!this.#isOpen) return this.#report('a packet was delivered after the verb');
    if (isUnreachable(packet)) this.#station.unreachables.push(Uint8Array.from(packet));
    const { ledger, now } = this.#network;
    const violation = ledger.deliver(packet, this.#station.name, now);
    if (violation !== undefined) this.#report(violation);
  }
}
