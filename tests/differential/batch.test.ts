/**
 * As differential.test.ts, with all offloads on and many inputs before one step of the pump's:
 * super-packets of the TUN, groups of datagrams, mixed peers, and in between what is forged, late,
 * doubled or from elsewhere. What the pump puts out is cut by reference.ts before it is compared.
 */
import { afterAll, expect, inject, test } from 'vitest';
import { makeInnerPacket } from '../sim/inner-packet.ts';
import { Random } from '../sim/random.ts';
import { Flow, wrongFrame } from './flows.ts';
import { VNET_BYTES } from './reference.ts';
import { OURS, Remote } from './remote.ts';
import { Twins, type Sent } from './twins.ts';

const MTU = 1420;
const STEPS = 120;
const SEEDS = Array.from({ length: 12 }, (_, i) => 900 + i);
/** What one batch puts out, so that it fits the queue of what is handed up. */
const BATCH_BYTES = 250_000;

/** What the pump has done, in all scripts together. */
const done = {
  tunSuperPackets: 0,
  udpGroups: 0,
  udpGro: 0,
  tunCoalesced: 0,
  badSuperPacket: 0,
  workers: 0,
};

/** Both devices, their peers, and what goes on between those and programs inside. */
class Scene {
  readonly twins: Twins;
  readonly #random: Random;
  readonly #remotes: readonly Remote[];
  readonly #outgoing = new Map<number, Flow>();
  readonly #incoming = new Map<number, Flow>();

  constructor(seed: number) {
    const random = (this.#random = new Random(seed + 10_000));
    const reserved = random.chance(0.5) ? [...random.bytes(3)] : undefined;
    const workers = random.chance(0.5) ? 3 : 0;
    const options = { seed, mtu: MTU, hasOffloads: true, isBatched: true, reserved, workers };
    this.twins = new Twins(inject('pump'), options);
    this.#remotes = [2, 3, 4].map((number) => new Remote(this.twins, random, number));
    for (const remote of this.#remotes) {
      remote.roam();
      const { peer, from, prefixes, number } = remote;
      // The last one has to come by itself.
      const known = number === 4 ? {} : { endpoint: from };
      this.twins.configure({
        peers: [{ publicKey: peer.publicKey, allowedIPs: prefixes, ...known }],
      });
    }
    // Each in turn: the twins number them by that.
    for (const { addresses } of this.#remotes) {
      this.twins.givePacket(makeInnerPacket(1, OURS[4], addresses[4], 44));
    }
  }

  /** Does something, and lets the peers hear of what was sent. */
  step(): void {
    const sent = this.#act();
    for (const remote of this.#remotes) remote.hear(sent);
  }

  #act(): readonly Sent[] {
    const random = this.#random;
    const remote = this.#anyone();
    const dice = random.below(100);
    if (dice < 60) return this.#batch();
    if (dice < 76) return remote.answer();
    if (dice < 86) {
      this.twins.advance(25);
      return remote.initiate();
    }
    if (dice < 94) return this.twins.advance(1 + random.below(3_000));
    if (dice < 97) return this.#sleep(random.below(3));
    if (dice < 98) return this.twins.restart();
    const { publicKey } = remote.peer;
    const update = random.chance(0.5)
      ? { publicKey, persistentKeepaliveSeconds: random.below(3) * (5 + remote.number) }
      : { publicKey, allowedIPs: this.#anyone().prefixes };
    return [...this.twins.configure({ peers: [update] }), ...this.twins.advance(1)];
  }

  /** For longer than peers are waited for, than a keypair is fresh, or than it may be used. */
  #sleep(kind: number): readonly Sent[] {
    // First the replies, which are due for several peers at the same time.
    const sent = this.twins.advance(10_100);
    return [...sent, ...this.twins.advance([5_500, 111_000, 171_000][kind])];
  }

  /** Up to 30 inputs, mostly in the order in which the pump takes them. */
  #batch(): readonly Sent[] {
    const random = this.#random;
    const kinds = Array.from({ length: 1 + random.below(30) }, () => random.chance(0.4));
    if (random.chance(0.8)) kinds.sort((a, b) => Number(b) - Number(a));
    let room = BATCH_BYTES;
    return this.twins.inBatch(() => {
      for (const isFrame of kinds) {
        if (room < 0) return;
        room -= isFrame ? this.#giveFrame() : this.#giveDatagrams();
      }
    });
  }

  /** Returns how many bytes of packets it may have given. */
  #giveFrame(): number {
    const random = this.#random;
    const { number, addresses } = this.#anyone();
    const family = random.chance(0.5) ? 4 : 6;
    const destination = random.chance(0.97) ? addresses[family] : OURS[family];
    const flow = this.#flow(this.#outgoing, number * 10 + family, OURS[family], destination);
    if (random.chance(0.05)) {
      const bytes = random.bytes(random.below(60));
      this.twins.givePacket(bytes);
      return bytes.length;
    }
    const isSuper = random.chance(0.6);
    const size = isSuper ? 40 + random.below(MTU - 140) : 0;
    const most = isSuper ? (random.chance(0.1) ? 60_000 : 6_000) : MTU - 100;
    const payload = 1 + random.below(most);
    const frame = flow.frame(payload, size);
    if (random.chance(0.05)) this.twins.giveFrame(wrongFrame(frame, random), true);
    else this.twins.giveFrame(frame);
    const count = isSuper ? Math.ceil(payload / size) : 1;
    return frame.length - VNET_BYTES + count * 200;
  }

  #giveDatagrams(): number {
    const random = this.#random;
    const remote = this.#anyone();
    const dice = random.below(100);
    if (dice < 8) remote.roam();
    if (dice < 30) remote.misbehave(this.#anyone());
    else if (dice < 35) remote.send(new Uint8Array(0));
    else if (dice < 45) remote.send(remote.packet(random.below(MTU - 16)));
    else return this.#giveTrain(remote);
    return MTU;
  }

  /** Segments of a few flows, which follow each other but for some. */
  #giveTrain(remote: Remote): number {
    const random = this.#random;
    const count = random.chance(0.1) ? 60 : 1 + random.below(12);
    const size = 1 + random.below(random.chance(0.5) ? 200 : MTU - 100);
    const families = random.chance(0.7) ? [random.chance(0.5) ? 4 : 6] : [4, 6];
    const packets = Array.from({ length: count }, (_, at) => {
      const family = families[random.below(families.length)] === 4 ? 4 : 6;
      const key = remote.number * 100 + family * 10 + random.below(random.chance(0.2) ? 3 : 1);
      const source = remote.addresses[family];
      const flow = this.#flow(this.#incoming, key, source, OURS[family]);
      const isLast = at === count - 1 || random.chance(0.05);
      const payload = isLast ? random.below(size + 1) : size;
      return random.chance(0.1) ? flow.odd(payload) : flow.next(payload);
    });
    remote.sendTrain(packets);
    return count * (size + 100);
  }

  #flow(flows: Map<number, Flow>, key: number, source: Uint8Array, destination: Uint8Array): Flow {
    const known = this.#random.chance(0.97) ? flows.get(key) : undefined;
    const flow = known ?? new Flow(this.#random, source, destination);
    flows.set(key, flow);
    return flow;
  }

  #anyone(): Remote {
    return this.#remotes[this.#random.below(this.#remotes.length)];
  }
}

test.each(SEEDS)('the core with a pump in batches is the core, with seed %i', (seed) => {
  const scene = new Scene(seed);
  const { twins } = scene;
  try {
    for (let i = 0; i < STEPS; i++) scene.step();
    const { work, drops, workers } = twins.ring.pump.activity;
    done.tunSuperPackets += work.tunSuperPackets;
    done.udpGroups += twins.groupsSent;
    done.udpGro += work.udpGro;
    done.tunCoalesced += work.tunCoalesced;
    done.workers += workers;
    done.badSuperPacket += drops.badSuperPacket;
  } finally {
    twins.close();
  }
});

afterAll(() => {
  const never = Object.entries(done).filter(([, count]) => count === 0);
  expect(never, 'never done').toEqual([]);
});
