/** A bare peer of the twins: what it sends, good and bad. */
import { formatAddress, UdpEndpoint, type Prefix } from '../../src/ip.ts';
import { BarePeer, tai64nLabel, type BareKeypair } from '../sim/bare-peer.ts';
import { makeInnerPacket } from '../sim/inner-packet.ts';
import type { Random } from '../sim/random.ts';
import { smallGroup } from '../sim/small-group.ts';
import type { Sent, Twins } from './twins.ts';

/** The addresses of the twins inside. */
export const OURS: Pair = { 4: Uint8Array.of(10, 0, 0, 1), 6: inner6(1) };

/** An address of each family. */
export interface Pair {
  readonly 4: Uint8Array;
  readonly 6: Uint8Array;
}

/** Linux's limits of a group. */
const GROUP_DATAGRAMS = 64;
const GROUP_BYTES = 65_487;

/** A bare peer of the twins, and what it knows. */
export class Remote {
  readonly peer: BarePeer;
  readonly number: number;
  readonly addresses: Pair;
  readonly #random: Random;
  readonly #twins: Twins;
  from: UdpEndpoint;
  #before: UdpEndpoint;
  keypairs: { readonly keypair: BareKeypair; counter: number }[] = [];
  /** Good ones, to be sent again. */
  readonly history: Uint8Array[] = [];
  /** Our last initiation to it, if it was not answered. */
  asked: Uint8Array | undefined;
  #label = 1_700_000_000;

  constructor(twins: Twins, random: Random, number: number) {
    this.#twins = twins;
    this.#random = random;
    this.number = number;
    this.addresses = { 4: Uint8Array.of(10, 0, number, 9), 6: inner6(number) };
    this.from = new UdpEndpoint(Uint8Array.of(192, 0, 2, number), 51_820);
    this.#before = this.from;
    const options = { random, remotePublicKey: twins.publicKey, x25519: smallGroup };
    this.peer = new BarePeer(options);
  }

  get prefixes(): readonly { readonly prefix: Prefix }[] {
    return [
      { prefix: { address: this.addresses[4], length: 24 } },
      { prefix: { address: this.addresses[6], length: 128 } },
    ];
  }

  /** Takes note of what the twins have sent to it. */
  hear(sent: readonly Sent[]): void {
    for (const { to, datagram } of sent) {
      if (to === this.from.toString() && datagram[0] === 1) this.asked = datagram;
    }
  }

  /** Answers the last initiation. */
  answer(): readonly Sent[] {
    if (!this.asked) return [];
    this.peer.consumeInitiation(this.asked);
    this.asked = undefined;
    const { datagram, keypair } = this.peer.createResponse();
    this.keypairs.unshift({ keypair, counter: 0 });
    return this.#give(datagram);
  }

  /** Begins a handshake of its own. */
  initiate(): readonly Sent[] {
    const timestamp = tai64nLabel({ seconds: ++this.#label, nanoseconds: 0 });
    const sent = this.#give(this.peer.createInitiation({ timestamp }));
    const response = sent.find(({ datagram }) => datagram[0] === 2);
    if (response) {
      this.keypairs.unshift({ keypair: this.peer.consumeResponse(response.datagram), counter: 0 });
    }
    return sent;
  }

  /** Sends a plaintext under the next counter of one of its last keypairs, or under a given one. */
  send(plaintext: Uint8Array, counter?: number): readonly Sent[] {
    const slot = this.keypairs.at(this.#random.chance(0.8) ? 0 : this.#random.below(4));
    if (!slot) return [];
    const datagram = slot.keypair.seal(counter ?? slot.counter, plaintext);
    if (counter === undefined) slot.counter += this.#random.chance(0.9) ? 1 : 50;
    this.history.push(datagram);
    if (this.history.length > 200) this.history.shift();
    return this.#give(datagram);
  }

  /** A padded packet from its address to ours. */
  packet(size: number, source: Pair = this.addresses): Uint8Array {
    const family = this.#random.chance(0.5) ? 4 : 6;
    const length = Math.max(size, family === 4 ? 24 : 44);
    const packet = makeInnerPacket(1, source[family], OURS[family], length);
    packet[1] |= family === 4 ? this.#random.below(4) : this.#random.below(4) << 4;
    return pad(packet);
  }

  /**
   * Sends packets one after the other on one keypair, in groups where their lengths allow it. A few of
   * them arrive changed, twice, or not at all, and some from where it was before.
   */
  sendTrain(packets: readonly Uint8Array[]): void {
    const random = this.#random;
    const slot = this.keypairs.at(random.chance(0.9) ? 0 : random.below(4));
    const datagrams: Uint8Array[] = [];
    for (const packet of slot ? packets : []) {
      const datagram = slot!.keypair.seal(slot!.counter++, pad(packet));
      this.history.push(datagram);
      const dice = random.below(100);
      if (dice < 3) datagram[random.below(datagram.length)] ^= 1 << random.below(8);
      if (dice < 6) datagrams.push(datagram);
      if (dice < 98) datagrams.push(datagram);
    }
    const ecn = random.chance(0.3) ? random.below(4) : 0;
    const groups = random.chance(0.8) ? groupsOf(datagrams) : datagrams.map((one) => [one]);
    const from = random.chance(0.2) ? this.#before : this.from;
    for (const group of groups) this.#twins.giveGroup(group, from, ecn);
  }

  /** Goes elsewhere: another port, another address, another family. */
  roam(): void {
    const random = this.#random;
    const port = random.chance(0.5) ? this.from.port : 1_024 + random.below(60_000);
    this.#before = this.from;
    const linkLocal = Uint8Array.of(0xfe, 0x80, ...new Uint8Array(13), this.number);
    switch (random.below(4)) {
      case 0:
        this.from = new UdpEndpoint(Uint8Array.of(192, 0, 2, this.number), port);
        break;
      case 1:
        this.from = new UdpEndpoint(Uint8Array.of(198, 51, 100, this.number), port);
        break;
      case 2:
        this.from = new UdpEndpoint(outer6(this.number), port);
        break;
      default:
        this.from = new UdpEndpoint(linkLocal, port, `${formatAddress(linkLocal)}%3`);
    }
  }

  /** Puts bytes before the twins, from wherever it is. */
  #give(datagram: Uint8Array): readonly Sent[] {
    const ecn = this.#random.chance(0.3) ? this.#random.below(4) : 0;
    return this.#twins.giveDatagram(datagram, this.from, ecn);
  }

  /** Sends something that nobody should send. */
  misbehave(other: Remote): readonly Sent[] {
    const random = this.#random;
    const known = this.history.at(random.below(Math.max(this.history.length, 1)));
    const packet = this.packet(random.below(1_420));
    switch (random.below(11)) {
      case 0:
        return known ? this.#give(known) : [];
      case 1: {
        const flipped = known?.slice() ?? random.bytes(64);
        flipped[random.below(flipped.length)] ^= 1 << random.below(8);
        return this.#give(flipped);
      }
      case 2:
        return known ? this.#give(known.slice(0, random.below(known.length + 1))) : [];
      case 3:
        return this.send(this.packet(64, other.addresses));
      case 4:
        packet[2 + random.below(4)] = random.below(256);
        return this.send(packet);
      case 5:
        packet[0] = random.below(256);
        return this.send(packet);
      case 6:
        return this.send(packet.slice(0, random.below(60)));
      case 7:
        return this.send(packet, 2 ** 53 - 2 ** 13 - 1 + random.below(2_000));
      case 8:
        return this.send(packet, random.below(20_000));
      case 9: {
        const bytes = random.bytes(random.below(200));
        if (bytes.length > 3) bytes.set([random.below(6), 0, 0, 0]);
        return this.#give(bytes);
      }
      default:
        return this.send(random.bytes(random.below(100)));
    }
  }
}

/** Groups as a card or the kernel makes them: only the last datagram may be shorter. */
function groupsOf(datagrams: readonly Uint8Array[]): Uint8Array[][] {
  const groups: Uint8Array[][] = [];
  let room = 0;
  for (const datagram of datagrams) {
    const group = groups.at(-1) ?? [];
    const isOpen = group.length > 0 && group.at(-1)!.length === group[0].length;
    const fits = datagram.length <= room && group.length < GROUP_DATAGRAMS;
    if (isOpen && fits && datagram.length <= group[0].length) {
      group.push(datagram);
    } else {
      groups.push([datagram]);
      room = GROUP_BYTES;
    }
    room -= datagram.length;
  }
  return groups;
}

function pad(packet: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(packet.length / 16) * 16);
  padded.set(packet);
  return padded;
}

function outer6(last: number): Uint8Array {
  return Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), last);
}

function inner6(last: number): Uint8Array {
  return Uint8Array.of(0xfd, ...new Uint8Array(14), last);
}
