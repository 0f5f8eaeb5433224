/**
 * Two devices that get the same things at the same time: one moves its packets itself, the other has a
 * pump. After each step everything that can be seen of them has to be equal.
 *
 * In a batch the pump gets many inputs before one step, super-packets and groups as they are, and the
 * other device gets what they consist of, one by one. A step of the pump's works off packets first,
 * then datagrams, and only then the core hears of it. So a batch is cut in two wherever that order
 * would be another one: before a packet that follows a datagram, before a datagram that follows packets
 * which wait for a handshake, and after whatever has made the core say something or confirm a keypair.
 * What is due for several peers at the same time is in no order then.
 *
 * Both draw the same randomness, so that even their handshakes are the same to the byte. Handshake
 * messages and transport data leave the pumped one by different ways: each kind is compared in order.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { expect } from 'vitest';
import { formatHex } from '../../src/bytes.ts';
import { UdpEndpoint } from '../../src/ip.ts';
import { PacketSlot } from '../../src/slot.ts';
import { Device, type DeviceStatus, type DeviceUpdate } from '../../src/wireguard/device.ts';
import { DROP_REASONS } from '../../src/wireguard/drop-reason.ts';
import { TYPE_TRANSPORT } from '../../src/wireguard/messages.ts';
import type { Endpoint, Entropy, Outputs } from '../../src/wireguard/ports.ts';
import { Random } from '../sim/random.ts';
import { smallGroup } from '../sim/small-group.ts';
import { compareDelivered } from './delivered.ts';
import { cut, VNET_BYTES } from './reference.ts';
import { RingPump, type RingOptions } from './ring-pump.ts';

const PEERS = 3;
/** Less than what a step takes of each kind. */
const BATCH = 30;

/** One datagram on its way out. */
export interface Sent {
  readonly to: string;
  readonly datagram: Uint8Array;
  readonly tos: number;
}

class Recorder implements Outputs {
  readonly sent: Sent[] = [];
  readonly delivered: Uint8Array[] = [];

  transmit(to: Endpoint, datagram: Uint8Array, tos: number): void {
    this.sent.push({ to: to.toString(), datagram: datagram.slice(), tos });
  }

  deliver(packet: Uint8Array): void {
    this.delivered.push(packet.slice());
  }
}

/** What was read from the TUN. */
interface Frame {
  readonly frame: Uint8Array;
  readonly isWrong: boolean;
}

/** What one receive gives. */
interface Receipt {
  readonly datagrams: readonly Uint8Array[];
  readonly from: UdpEndpoint;
  readonly ecn: number;
}

type Input = Frame | Receipt;

/** How the devices are made. */
export interface TwinsOptions extends RingOptions {
  readonly seed: number;
  /** Whether there will be batches. */
  readonly isBatched?: boolean;
}

/**
 * In a batch the peers of the two devices draw their jitter in different order, so each has its own,
 * which is always the same. Nothing else draws two bytes, and each peer has memory of its own for them:
 * it is numbered when it draws first, so all but one of them have to do that before there is a batch.
 */
class SteadyJitter implements Entropy {
  readonly #random: Random;
  readonly #drawers: Uint8Array[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  fill(bytes: Uint8Array): void {
    if (bytes.length !== 2) {
      this.#random.fill(bytes);
      return;
    }
    if (!this.#drawers.includes(bytes)) this.#drawers.push(bytes);
    bytes.fill(16 + this.#drawers.indexOf(bytes));
  }
}

/** The two devices. */
export class Twins {
  now = 1_000_000;
  readonly publicKey: Uint8Array;
  readonly ring: RingPump;
  readonly #plain: Device;
  readonly #pumped: Device;
  /** Sends of more than one datagram. */
  groupsSent = 0;
  readonly #reserved: readonly number[];
  readonly #isBatched: boolean;
  #expected = new Recorder();
  #actual = new Recorder();
  /** What the packets of the TUN have had for an answer, which the pump leaves to the core. */
  #answers = new Recorder();
  /** What the counters of the pump's work have to say. */
  readonly #counts = { tunSuperPackets: 0, udpGro: 0, udpDatagramsReceived: 0, tunCoalesced: 0 };
  #foreign = 0;
  #badSuperPackets = 0;
  /** What was put in last, for the message of a difference. */
  #step = 'nothing';
  /** Of a batch that is being put together. */
  #inputs: Input[] | undefined;
  /** Of the step to come. */
  #given: Input[] = [];
  #completed = 0;
  /** Whether a packet of the step to come was not sent at once. */
  #hasUnsent = false;

  constructor(library: string, options: TwinsOptions) {
    const { seed, mtu, reserved = [0, 0, 0], isBatched = false } = options;
    const privateKey = new Random(seed).bytes(32);
    this.publicKey = smallGroup.publicKey(privateKey);
    this.#reserved = reserved;
    this.#isBatched = isBatched;
    const make = (): Device => {
      const wallClock = { seconds: 1_700_000_000, nanoseconds: 0 };
      const entropy = isBatched ? new SteadyJitter(seed + 1) : new Random(seed + 1);
      return new Device({ entropy, wallClock: () => wallClock, mtu, x25519: smallGroup });
    };
    [this.#plain, this.#pumped] = [make(), make()];
    this.ring = new RingPump(library, options);
    this.ring.now = this.now;
    this.#pumped.useFastPath(this.ring);
    this.configure({ privateKey });
    this.#both((device, out) => {
      device.up(this.now, out);
    });
  }

  close(): void {
    this.ring.close();
  }

  /** Lets time pass at once; what becomes due is done before the next step. */
  advance(milliseconds: number): readonly Sent[] {
    this.#step = `${milliseconds} ms later`;
    this.now += milliseconds;
    this.ring.now = this.now;
    this.#sync();
    this.#both((device, out) => {
      device.handleTimeout(this.now, out);
    });
    return this.#compare(true);
  }

  configure(update: DeviceUpdate): readonly Sent[] {
    this.#step = `configure ${Object.keys(update).join(' ')}`;
    this.#both((device, out) => {
      device.configure(update, this.now, out);
    });
    return this.#compare();
  }

  /** Takes everything down, and brings it up again. */
  restart(): readonly Sent[] {
    this.#step = 'restart';
    this.#both((device, out) => {
      device.down(this.now);
      device.up(this.now, out);
    });
    return this.#compare();
  }

  /** A packet of the TUN that is whole. */
  givePacket(packet: Uint8Array): readonly Sent[] {
    return this.giveFrame(concatBytes(new Uint8Array(VNET_BYTES), packet));
  }

  /** What was read from the TUN. A wrong one has a virtio_net_hdr that doesn't fit its packet. */
  giveFrame(frame: Uint8Array, isWrong: boolean = false): readonly Sent[] {
    return this.#give({ frame, isWrong });
  }

  giveDatagram(datagram: Uint8Array, from: UdpEndpoint, ecn: number): readonly Sent[] {
    return this.#give({ datagrams: [datagram], from, ecn });
  }

  /** A group, as UDP_GRO makes it: all but the last are equally long. */
  giveGroup(datagrams: readonly Uint8Array[], from: UdpEndpoint, ecn: number): readonly Sent[] {
    return this.#give({ datagrams, from, ecn });
  }

  /** Gives all that `action` gives at once. No handshake message may be in it. */
  inBatch(action: () => void): readonly Sent[] {
    const inputs: Input[] = (this.#inputs = []);
    action();
    this.#inputs = undefined;
    return this.#workOff(inputs);
  }

  /** What has been dropped, by reason: so that a test can tell that it has met each of them. */
  get drops(): DeviceStatus['drops'] {
    return this.#plain.status(this.now).drops;
  }

  #give(input: Input): readonly Sent[] {
    if (!this.#inputs) return this.#workOff([input]);
    this.#inputs.push(input);
    return [];
  }

  /** Works inputs off in as few steps as they allow; returns all that was sent. */
  #workOff(inputs: readonly Input[]): readonly Sent[] {
    const sent: Sent[] = [];
    for (const input of inputs) {
      const last = this.#given.at(-1);
      const isFull = this.#given.length === BATCH;
      if (isFull || (last && this.#isOutOfOrder(last, input))) sent.push(...this.#finish());
      if ('frame' in input) {
        this.#takeFrame(input);
      } else {
        sent.push(...this.#takeDatagrams(input));
      }
      if (this.#hasSpoken()) sent.push(...this.#finish());
    }
    if (this.#given.length > 0) sent.push(...this.#finish());
    return sent;
  }

  /** Whether the pump, or then the core, would take one input before another that came first. */
  #isOutOfOrder(earlier: Input, later: Input): boolean {
    if ('frame' in later) return 'datagrams' in earlier;
    // What was received is heard of first, and may be what packets have waited for.
    return 'frame' in earlier && this.#hasUnsent;
  }

  #takeFrame(input: Frame): void {
    const { frame, isWrong } = input;
    this.#given.push(input);
    this.ring.giveFrame(frame);
    if (isWrong) {
      this.#badSuperPackets++;
      return;
    }
    const { packets, isSuper } = cut(frame);
    if (isSuper) this.#counts.tunSuperPackets++;
    const out: Outputs = {
      transmit: (to, datagram, tos) => this.#expected.transmit(to, datagram, tos),
      deliver: (packet) => this.#answers.deliver(packet),
    };
    const before = this.#expected.sent.length;
    for (const packet of packets) {
      this.#plain.handleTunPacket(PacketSlot.of(packet), this.now, out);
    }
    const sent = this.#expected.sent.length - before;
    this.#hasUnsent ||= sent < packets.length;
  }

  /** A datagram that makes the core speak is the last one of its step, and so of its group. */
  #takeDatagrams(input: Receipt): readonly Sent[] {
    const { datagrams, from, ecn } = input;
    const sent: Sent[] = [];
    let group: Uint8Array[] = [];
    const give = (): void => {
      if (group.length > 1) this.#counts.udpGro++;
      this.#given.push({ datagrams: group, from, ecn });
      this.ring.giveDatagrams(group, from, ecn);
      group = [];
    };
    for (const datagram of datagrams) {
      this.#counts.udpDatagramsReceived++;
      if (datagram.length < 4 || datagram[0] < 1 || datagram[0] > 4) this.#foreign++;
      this.#plain.handleDatagram(datagram.slice(), from, this.now, this.#expected, ecn);
      // A peer that leaves zeros is understood, too.
      group.push(datagram.at(-1)! % 8 === 0 ? datagram : this.#stamp(datagram));
      if (!this.#hasSpoken()) continue;
      give();
      sent.push(...this.#finish());
    }
    if (group.length > 0) give();
    return sent;
  }

  /** Whether the order of what comes next and of what the core does would matter. */
  #hasSpoken(): boolean {
    const { handshakesCompleted } = this.#plain;
    return handshakesCompleted > this.#completed || this.#expected.sent.some(isHandshake);
  }

  /** A datagram as it is on the wire, where its reserved bytes are zero. */
  #stamp(datagram: Uint8Array): Uint8Array {
    const stamped = datagram.slice();
    if (datagram.length >= 4 && datagram.subarray(1, 4).every((byte) => byte === 0)) {
      stamped.set(this.#reserved, 1);
    }
    return stamped;
  }

  #finish(): readonly Sent[] {
    this.#step = this.#given.map(describe).join('\n');
    this.#given = [];
    this.#hasUnsent = false;
    this.ring.step();
    return this.#compare();
  }

  #both(verb: (device: Device, out: Outputs) => void): void {
    verb(this.#plain, this.#expected);
    verb(this.#pumped, this.#actual);
  }

  /** Tells the pumped device what the pump has handed up and done. */
  #sync(): void {
    for (const message of this.ring.takeMessages()) {
      if (message.kind === 'handshake') {
        const { datagram, from } = message;
        this.#pumped.handleDatagram(datagram, from, this.now, this.#actual);
      } else if (message.kind === 'packet') {
        this.#read();
        const slot = PacketSlot.of(message.packet);
        this.#pumped.handleTunPacket(slot, this.now, this.#actual);
      } else {
        this.#read();
      }
    }
    this.#read();
  }

  #read(): void {
    for (let peer = 0; peer < PEERS; peer++) {
      const activity = this.ring.read(peer);
      this.#pumped.handleActivity(peer, activity, this.now, this.#actual);
    }
  }

  #compare(isDue: boolean = false): readonly Sent[] {
    this.#sync();
    const { datagrams, frames, groups } = this.ring.takeOutput();
    this.groupsSent += groups;
    // What the core has given down is done by now.
    this.#sync();
    const [expected, actual, answers] = [this.#expected, this.#actual, this.#answers];
    [this.#expected, this.#actual, this.#answers] = [
      new Recorder(),
      new Recorder(),
      new Recorder(),
    ];
    const message = `${this.#step} at ${this.now}`;
    const [handshakes, transports] = [true, false].map((wanted) =>
      expected.sent.filter((sent) => isHandshake(sent) === wanted),
    );
    const onTheWire = transports.map((sent) => ({ ...sent, datagram: this.#stamp(sent.datagram) }));
    const [wanted, found] = [onTheWire.map(show), datagrams.map(show)];
    if (this.#isBatched && isDue) for (const list of [wanted, found]) sortByPlace(list);
    expect(found, message).toEqual(wanted);
    expect(actual.sent.map(show), message).toEqual(handshakes.map(show));
    this.#counts.tunCoalesced += compareDelivered(frames, expected.delivered, message);
    expect(actual.delivered.map(formatHex), message).toEqual(answers.delivered.map(formatHex));
    expect(this.#look(this.#pumped, true), message).toEqual(this.#look(this.#plain, false));
    this.#compareWork(message);
    this.#completed = this.#plain.handshakesCompleted;
    return expected.sent;
  }

  #compareWork(message: string): void {
    const { work, foreign, drops, ...errors } = this.ring.pump.activity;
    expect(work, message).toMatchObject(this.#counts);
    expect(foreign, message).toBe(this.#foreign);
    const { badSuperPacket, truncated, packetsFull, handshakesFull, sendsFull } = drops;
    const own = { badSuperPacket, truncated, packetsFull, handshakesFull, sendsFull };
    const none = { truncated: 0, packetsFull: 0, handshakesFull: 0, sendsFull: 0 };
    expect(own, message).toEqual({ badSuperPacket: this.#badSuperPackets, ...none });
    const { tunWriteErrors, udpSendErrors, udpReceiveErrors } = errors;
    expect([...tunWriteErrors, ...udpSendErrors, ...udpReceiveErrors], message).toEqual([]);
  }

  /** Everything that can be asked. */
  #look(device: Device, withPump: boolean): object {
    const { peers, drops } = device.status(this.now);
    const more: Record<string, number> = withPump ? this.ring.pump.activity.drops : {};
    return {
      peers: peers.map(({ endpoint, rxBytes, txBytes, stagedPackets, silences }) => {
        return { endpoint: endpoint?.toString(), rxBytes, txBytes, stagedPackets, silences };
      }),
      drops: DROP_REASONS.map((reason) => `${reason} ${drops[reason] + (more[reason] ?? 0)}`),
      handshakes: device.handshakesCompleted,
      next: device.nextTimeout(),
    };
  }
}

function sortByPlace(shown: string[]): void {
  const placeOf = (text: string): string => text.slice(0, text.indexOf(' '));
  shown.sort((a, b) => placeOf(a).localeCompare(placeOf(b)));
}

function isHandshake({ datagram }: Sent): boolean {
  return datagram[0] !== TYPE_TRANSPORT;
}

function show({ to, datagram, tos }: Sent): string {
  return `${to} ${tos} ${formatHex(datagram)}`;
}

function describe(input: Input): string {
  if ('frame' in input) return `frame ${shorten(input.frame)}`;
  const { datagrams, from, ecn } = input;
  return `${datagrams.map(shorten).join(' ')} from ${from.toString()}, ecn ${ecn}`;
}

/** The whole of a handshake message, and of others what tells them apart. */
function shorten(bytes: Uint8Array): string {
  const rest = bytes.length > 160 ? `… of ${bytes.length}` : '';
  return formatHex(bytes.subarray(0, 160)) + rest;
}
