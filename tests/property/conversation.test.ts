/**
 * Random conversations: stations send, lose, sleep, move, are attacked and configured anew, in any
 * order. After every verb the station checks its invariants. In the end everything is put right, and
 * then a packet must come through both ways: whatever happened, no state is one that a device does
 * not get out of.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeFakeHandshake } from '../sim/bare-peer.ts';
import { Network, type LinkOptions } from '../sim/network.ts';
import { addPeer } from '../sim/pair.ts';
import { SimEndpoint } from '../sim/sim-endpoint.ts';
import type { Station } from '../sim/station.ts';

/** One thing that happens; `station` is whom it happens to. */
type Happening =
  | { readonly what: 'send'; readonly station: number; readonly count: number }
  | { readonly what: 'pass'; readonly milliseconds: number }
  | { readonly what: 'suspend'; readonly milliseconds: number }
  | ({ readonly what: 'link' } & Omit<LinkOptions, 'delayMs'>)
  | { readonly what: 'rebind'; readonly station: number; readonly port: number }
  | { readonly what: 'presharedKey'; readonly station: number; readonly value: number }
  | { readonly what: 'keepalive'; readonly station: number; readonly seconds: number }
  | { readonly what: 'privateKey'; readonly station: number; readonly isOwn: boolean }
  | { readonly what: 'bounce' | 'forget' | 'connect' | 'flood'; readonly station: number }
  | { readonly what: 'replay'; readonly station: number; readonly which: number }
  | { readonly what: 'wallClock'; readonly seconds: number };

const station = fc.nat(1);
/** Times around which something becomes due, and a little to either side. */
const milliseconds = fc
  .tuple(
    fc.constantFrom(
      0,
      10,
      1_000,
      5_000,
      10_000,
      15_000,
      90_000,
      120_000,
      165_000,
      180_000,
      540_000,
    ),
    fc.integer({ min: -400, max: 400 }),
  )
  .map(([around, offset]) => Math.max(0, around + offset));

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('send'),
      station,
      count: fc.constantFrom(1, 1, 1, 3, 140),
    }),
  },
  { weight: 6, arbitrary: fc.record({ what: fc.constant('pass'), milliseconds }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('suspend'), milliseconds }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('link'),
      loss: fc.constantFrom(0, 0, 0.3, 1),
      duplication: fc.constantFrom(0, 0.3),
      delayVariationMs: fc.constantFrom(0, 300),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('rebind'),
      station,
      port: fc.integer({ min: 1, max: 65_535 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('presharedKey'),
      station,
      value: fc.constantFrom(0, 1, 2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('keepalive'),
      station,
      seconds: fc.constantFrom(0, 1, 25, 65_535),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('privateKey'), station, isOwn: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constantFrom('bounce', 'forget', 'connect', 'flood'),
      station,
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('replay'), station, which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('wallClock'),
      seconds: fc.integer({ min: -100_000, max: 100_000 }),
    }),
  },
);

/** Two stations, the private key of each, and what happens to them. */
class Conversation {
  readonly network: Network;
  readonly stations: readonly [Station, Station];
  readonly #privateKeys: readonly [Uint8Array, Uint8Array];

  constructor(seed: number) {
    this.network = new Network(seed);
    const { random } = this.network;
    this.#privateKeys = [random.bytes(32), random.bytes(32)];
    const [a, b] = this.#privateKeys.map((privateKey) => this.network.addStation({ privateKey }));
    this.stations = [a, b];
    this.#introduce(0);
    this.#introduce(1);
  }

  /** Lets one thing happen. */
  apply(event: Happening): void {
    const { network } = this;
    if ('station' in event) return this.#applyTo(event);
    switch (event.what) {
      case 'pass':
        return network.advance(event.milliseconds);
      case 'suspend':
        return network.suspend(event.milliseconds);
      case 'link':
        network.link.loss = event.loss;
        network.link.duplication = event.duplication;
        network.link.delayVariationMs = event.delayVariationMs;
        return;
      case 'wallClock':
        // Never before 1970.
        if (network.wallTime().seconds + event.seconds > 0) network.moveWallClock(event.seconds);
        return;
    }
  }

  /** Puts everything right, and lets the stations find each other. */
  heal(): void {
    Object.assign(this.network.link, { loss: 0, duplication: 0, delayVariationMs: 0 });
    for (const index of [0, 1]) {
      this.stations[index].configure({ privateKey: this.#privateKeys[index] });
      this.#introduce(index);
    }
    for (let i = 0; i < 20; i++) {
      for (const index of [0, 1]) this.stations[index].send(this.stations[1 - index]);
      this.network.advance(10_000);
    }
  }

  #introduce(index: number): void {
    const other = this.stations[1 - index];
    addPeer(this.stations[index], other, {
      endpoint: other.endpoint,
      presharedKey: new Uint8Array(32),
      persistentKeepaliveSeconds: 0,
    });
  }

  #applyTo(event: Extract<Happening, { station: number }>): void {
    const { network, stations } = this;
    const actor = stations[event.station];
    const other = stations[1 - event.station];
    const { publicKey } = other;
    switch (event.what) {
      case 'send':
        for (let i = 0; i < event.count; i++) actor.send(other, { family: i % 2 === 0 ? 4 : 6 });
        return;
      case 'rebind':
        return actor.rebind(placeOf(event.station, event.port));
      case 'presharedKey': {
        const presharedKey = new Uint8Array(32).fill(event.value);
        return actor.configure({ peers: [{ publicKey, updateOnly: true, presharedKey }] });
      }
      case 'keepalive': {
        const persistentKeepaliveSeconds = event.seconds;
        return actor.configure({
          peers: [{ publicKey, updateOnly: true, persistentKeepaliveSeconds }],
        });
      }
      case 'privateKey': {
        const privateKey = event.isOwn ? this.#privateKeys[event.station] : new Uint8Array(32);
        return actor.configure({ privateKey });
      }
      case 'bounce':
        actor.down();
        return actor.up();
      case 'forget':
        return actor.configure({ peers: [{ publicKey, remove: true }] });
      case 'connect':
        return actor.connect();
      case 'flood':
        return this.#flood(actor);
      case 'replay': {
        // Of the last ones, since their keys still live; for the wrong station half of the time.
        const recent = network.eavesdropper.seen().slice(-8);
        if (recent.length === 0) return;
        const { datagram, from } = recent[event.which % recent.length];
        return actor.receive(datagram, from);
      }
    }
  }

  #flood(target: Station): void {
    for (let i = 0; i < 130; i++) {
      const fake = makeFakeHandshake('initiation', this.network.random, target.publicKey);
      target.receive(fake, placeOf(2, 1 + i));
    }
  }
}

function placeOf(index: number, port: number): SimEndpoint {
  return SimEndpoint.of(`198.51.100.${index + 1}:${port}`);
}

test('whatever happens the invariants hold, and in the end packets come through', () => {
  const happenings = fc.array(happening, { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.integer(), happenings, (seed, events) => {
      const conversation = new Conversation(seed);
      for (const event of events) conversation.apply(event);
      conversation.heal();
      const { network, stations } = conversation;
      const last = [stations[0].send(stations[1]), stations[1].send(stations[0])];
      network.advance(1_000);
      expect(last.map((id) => network.ledger.isDelivered(id))).toEqual([true, true]);
    }),
    { numRuns: 40 },
  );
}, 60_000);
