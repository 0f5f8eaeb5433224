/**
 * Hostile input: whatever bytes come from the network or from the tunnel interface, nothing throws and
 * nothing changes but the counters of drops.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimEndpoint } from '../sim/sim-endpoint.ts';
import { addPeer } from '../sim/pair.ts';
import { Network } from '../sim/network.ts';
import type { Station } from '../sim/station.ts';
import { messageKind } from '../sim/eavesdropper.ts';
import { runs } from './runs.ts';

const STRANGER = SimEndpoint.of('203.0.113.66:666');

interface Scene {
  readonly network: Network;
  readonly a: Station;
  readonly b: Station;
}

/** A connected pair; one scene serves all runs of a property, since no run may change it. */
function makeScene(seed: number): Scene {
  const network = new Network(seed);
  const [a, b] = [network.addStation(), network.addStation()];
  addPeer(a, b, { endpoint: b.endpoint });
  addPeer(b, a);
  a.send(b);
  network.advance(1_000);
  b.send(a);
  network.advance(1_000);
  return { network, a, b };
}

/** All that a station shows of itself, but for drops. */
function visible(station: Station): unknown {
  const { peers, publicKey } = station.status();
  return [publicKey, peers, station.device.nextTimeout(), station.device.handshakesCompleted];
}

/** Gives a datagram to a station and expects one drop and no other effect. */
function expectOneDrop({ network }: Scene, station: Station, datagram: Uint8Array): void {
  const before = visible(station);
  const drops = station.drops();
  const { length: sent } = network.eavesdropper.seen();
  const { length: delivered } = network.ledger.deliveredTo(station.name);
  station.receive(datagram, STRANGER);
  expect(station.drops() - drops).toBe(1);
  expect(visible(station)).toEqual(before);
  expect(network.eavesdropper.seen()).toHaveLength(sent);
  expect(network.ledger.deliveredTo(station.name)).toHaveLength(delivered);
}

test('random bytes are one drop each and change nothing', () => {
  const scene = makeScene(1);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expectOneDrop(scene, scene.b, bytes);
    }),
    runs(200),
  );
});

test('random bytes behind a right type and length are one drop each and change nothing', () => {
  const scene = makeScene(2);
  const message = fc
    .constantFrom([1, 148], [2, 92], [3, 64], [4, 32], [4, 33], [4, 96])
    .chain(([type, length]) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => {
        bytes.set([type, 0, 0, 0]);
        return bytes;
      }),
    );
  fc.assert(
    fc.property(message, (bytes) => {
      expectOneDrop(scene, scene.b, bytes);
    }),
    runs(300),
  );
});

/** Where mac2 of a handshake message begins; nobody looks at it while the device is not under load. */
function mac2Offset(datagram: Uint8Array): number {
  const kind = messageKind(datagram);
  return kind === 'initiation' || kind === 'response' ? datagram.length - 16 : datagram.length;
}

test('genuine messages with one byte changed are one drop each and change nothing', () => {
  const scene = makeScene(3);
  const { network, a, b } = scene;
  // Some that have arrived, and some that are still to be consumed.
  network.gate = () => 'drop';
  network.advance(121_000);
  a.send(b);
  b.send(a);
  const genuine = network.eavesdropper.seen();
  expect(new Set(genuine.map(({ kind }) => kind)).size).toBeGreaterThan(2);
  const change = fc.record({
    index: fc.nat(genuine.length - 1),
    position: fc.nat(),
    difference: fc.integer({ min: 1, max: 255 }),
  });
  fc.assert(
    fc.property(change, ({ index, position, difference }) => {
      const { datagram, sender } = genuine[index];
      const changed = Uint8Array.from(datagram);
      changed[position % mac2Offset(datagram)] ^= difference;
      expectOneDrop(scene, sender === 'a' ? b : a, changed);
    }),
    runs(400),
  );
});

test('genuine messages that are cut or lengthened are one drop each and change nothing', () => {
  const scene = makeScene(4);
  const { network, a, b } = scene;
  network.gate = () => 'drop';
  network.advance(121_000);
  a.send(b);
  const genuine = network.eavesdropper.seen();
  const change = fc.record({
    index: fc.nat(genuine.length - 1),
    length: fc.nat(200),
    tail: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    isCut: fc.boolean(),
  });
  fc.assert(
    fc.property(change, ({ index, length, tail, isCut }) => {
      const { datagram, sender } = genuine[index];
      const changed = isCut
        ? datagram.slice(0, length % datagram.length)
        : Uint8Array.of(...datagram, ...tail);
      expectOneDrop(scene, sender === 'a' ? b : a, changed);
    }),
    runs(300),
  );
});

test('genuine messages that come again are one drop each and change nothing', () => {
  const scene = makeScene(5);
  const { network, a, b } = scene;
  const genuine = network.eavesdropper.seen();
  expect(genuine.length).toBeGreaterThan(3);
  for (const { datagram, sender } of genuine) {
    expectOneDrop(scene, sender === 'a' ? b : a, datagram);
    expectOneDrop(scene, sender === 'a' ? a : b, datagram);
  }
});

test('any bytes from the tunnel interface are sent, staged or one drop', () => {
  const scene = makeScene(6);
  const { network, a, b } = scene;
  const headed = fc
    .tuple(fc.constantFrom(0x45, 0x4f, 0x60, 0x6f, 0x50), fc.constantFrom(4, 6))
    .chain(([first, family]) =>
      fc.uint8Array({ minLength: 1, maxLength: 1_500 }).map((bytes) => {
        bytes[0] = first;
        // Half of them to an address that someone has.
        if (bytes.length >= 40 && bytes[1] % 2 === 0) {
          if (family === 4) bytes.set(b.innerIPv4, 16);
          else bytes.set(b.innerIPv6, 24);
        }
        return bytes;
      }),
    );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), headed), (bytes) => {
      const drops = a.drops();
      const { length: sent } = network.eavesdropper.seen({ kind: 'data' });
      a.sendPacket(bytes);
      const gone = network.eavesdropper.seen({ kind: 'data' }).length - sent;
      expect(gone + a.drops() - drops).toBe(1);
    }),
    runs(300),
  );
});

test('authentic packets with a length field that lies are one drop each', () => {
  const { network, a, b } = makeScene(7);
  // The sender does not look at the length field, the receiver does: 65,280 bytes or more.
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 120 }), (bytes) => {
      bytes[0] = 0x45;
      bytes.set(a.innerIPv4, 12);
      bytes.set(b.innerIPv4, 16);
      bytes[2] = 255;
      const drops = b.drops('wrongLength');
      a.sendPacket(bytes);
      network.advance(10);
      expect(b.drops('wrongLength') - drops).toBe(1);
    }),
    runs(100),
  );
});
