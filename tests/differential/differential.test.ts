/**
 * The core alone and the core with a pump, held against each other packet by packet: random scripts of
 * good, late, doubled, cut, forged and misrouted things, with handshakes, rekeys, roaming and changes of
 * the configuration in between.
 */
import { afterAll, expect, inject, test } from 'vitest';
import { UdpEndpoint, type Prefix } from '../../src/ip.ts';
import type { DropReason } from '../../src/wireguard/drop-reason.ts';
import { BarePeer, tai64nLabel, type BareKeypair } from '../sim/bare-peer.ts';
import { makeInnerPacket } from '../sim/inner-packet.ts';
import { Random } from '../sim/random.ts';
import { smallGroup } from '../sim/small-group.ts';
import { Twins, type Sent } from './twins.ts';

const MTU = 1420;
const STEPS = 400;
const SEEDS = Array.from({ length: 12 }, (_, i) => 700 + i);
const OURS = { 4: Uint8Array.of(10, 0, 0, 1), 6: inner6(1) } as const;

/** What a pump may see, and so what all scripts together have to contain. */
const REASONS: readonly DropReason[] = [
  'malformed',
  'unknownIndex',
  'expired',
  'counterExceeded',
  'unauthentic',
  'replayed',
  'notIp',
  'truncatedHeader',
  'wrongLength',
  'wrongSource',
  'outboundNotIp',
  'noPeer',
];
const met = new Set<string>();

/** A bare peer of the twins, and what it knows. */
class Remote {
  readonly peer: BarePeer;
  readonly number: number;
  readonly addresses: { readonly 4: Uint8Array; readonly 6: Uint8Array };
  readonly #random: Random;
  readonly #twins: Twins;
  from: UdpEndpoint;
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
  packet(size: number, source: { 4: Uint8Array; 6: Uint8Array } = this.addresses): Uint8Array {
    const family = this.#random.chance(0.5) ? 4 : 6;
    const length = Math.max(size, family === 4 ? 24 : 44);
    const packet = makeInnerPacket(1, source[family], OURS[family], length);
    packet[1] |= family === 4 ? this.#random.below(4) : this.#random.below(4) << 4;
    const padded = new Uint8Array(Math.ceil(length / 16) * 16);
    padded.set(packet);
    return padded;
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
    const packet = this.packet(random.below(MTU));
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

function inner6(last: number): Uint8Array {
  return Uint8Array.of(0xfd, ...new Uint8Array(14), last);
}

/** A packet as programs inside make them: mostly good. */
function outgoing(random: Random, remotes: readonly Remote[]): Uint8Array {
  const family = random.chance(0.5) ? 4 : 6;
  const { addresses } = remotes[random.below(remotes.length)];
  const destination = random.chance(0.95) ? addresses[family] : OURS[family];
  const size = random.chance(0.2) ? MTU : 44 + random.below(MTU - 44);
  const packet = makeInnerPacket(1, OURS[family], destination, size);
  packet[1] |= family === 4 ? random.below(4) : random.below(4) << 4;
  return random.chance(0.95) ? packet : random.bytes(random.below(60));
}

function step(random: Random, twins: Twins, remotes: readonly Remote[]): readonly Sent[] {
  const remote = remotes[random.below(remotes.length)];
  const other = remotes[random.below(remotes.length)];
  const dice = random.below(100);
  if (dice < 30) return twins.givePacket(outgoing(random, remotes));
  if (dice < 55) return remote.send(remote.packet(random.below(MTU - 16)));
  if (dice < 58) return remote.send(new Uint8Array(0));
  if (dice < 78) return remote.misbehave(other);
  if (dice < 84) return remote.answer();
  if (dice < 88) return twins.advance(1 + random.below(3_000));
  if (dice < 90) return twins.advance(random.chance(0.5) ? 121_000 : 15_500);
  if (dice < 91) return twins.advance(181_000);
  if (dice < 94) {
    twins.advance(25);
    return remote.initiate();
  }
  if (dice < 97) {
    remote.from = new UdpEndpoint(remote.from.address, 1_024 + random.below(60_000));
    return remote.send(remote.packet(100));
  }
  if (dice < 98) {
    const { publicKey } = remote.peer;
    const persistentKeepaliveSeconds = random.below(3) * 7;
    const sent = twins.configure({ peers: [{ publicKey, persistentKeepaliveSeconds }] });
    // A pump's times are milliseconds: within one, a packet before the change and one after are alike.
    return [...sent, ...twins.advance(1)];
  }
  if (dice < 99) {
    const { publicKey } = remote.peer;
    const takes = { publicKey, allowedIPs: other.prefixes };
    const gives = { publicKey: other.peer.publicKey, allowedIPs: other.prefixes };
    return twins.configure({ peers: random.chance(0.3) ? [takes] : [gives] });
  }
  return random.chance(0.5) ? twins.restart() : [];
}

test.each(SEEDS)('the core with a pump is the core, with seed %i', (seed) => {
  const random = new Random(seed + 10_000);
  const twins = new Twins(inject('pump'), seed, MTU);
  try {
    const remotes = [2, 3].map((number) => new Remote(twins, random, number));
    for (const { peer, from, prefixes } of remotes) {
      const known = { publicKey: peer.publicKey, endpoint: from, allowedIPs: prefixes };
      twins.configure({ peers: [known] });
    }
    for (let i = 0; i < STEPS; i++) {
      const sent = step(random, twins, remotes);
      for (const remote of remotes) remote.hear(sent);
    }
    for (const [reason, count] of Object.entries(twins.drops)) if (count > 0) met.add(reason);
  } finally {
    twins.close();
  }
});

test('a packet of any length is sealed and opened as the core does', () => {
  const mtu = 9_000;
  const random = new Random(1);
  const twins = new Twins(inject('pump'), 2, mtu);
  try {
    const remote = new Remote(twins, random, 2);
    const { peer, from, prefixes } = remote;
    twins.configure({
      peers: [{ publicKey: peer.publicKey, endpoint: from, allowedIPs: prefixes }],
    });
    remote.hear(remote.initiate());
    const [{ keypair }] = remote.keypairs;
    twins.giveDatagram(keypair.seal(0, new Uint8Array(0)), from, 0);
    const lengths = Array.from({ length: 2_200 }, (_, at) => at + 44);
    for (const length of [...lengths, 4_000, 4_096, 8_999, mtu]) {
      const sent = twins.givePacket(makeInnerPacket(1, OURS[4], remote.addresses[4], length));
      expect(sent.map(({ datagram }) => datagram[0])).toEqual([4]);
      twins.giveDatagram(keypair.seal(length, remote.packet(length - 16)), from, 0);
    }
    expect(Object.values(twins.drops).filter((count) => count > 0)).toEqual([]);
  } finally {
    twins.close();
  }
});

afterAll(() => {
  expect(
    REASONS.filter((reason) => !met.has(reason)),
    'never met',
  ).toEqual([]);
});
