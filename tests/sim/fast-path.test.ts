/**
 * With a fast path that moves the transport data, everything else is as without: the same messages at
 * the same moments. A whole script is run with the core alone, and with a model of a pump on either
 * side, and what the eavesdropper has seen is compared.
 *
 * Then what is new with a fast path: its activity is read late, it is changed in the middle of traffic,
 * and what the core takes away must be gone.
 */
import { describe, expect, test } from 'vitest';
import { seal } from '../../src/wireguard/aead.ts';
import { encodeTransportHeader } from '../../src/wireguard/messages.ts';
import { makeConnectedPair, makePair, type Pair, type PairOptions } from './pair.ts';
import { SimEndpoint } from './sim-endpoint.ts';

const MINUTE_MS = 60_000;
const READ_MS = 1_000;
const REKEY_AFTER_TIME_MS = 120_000;

interface Script {
  readonly title: string;
  readonly options?: PairOptions;
  readonly run: (pair: Pair) => void;
}

/** Sends from each of `senders` to the other one every `intervalMs`, for so long. */
function talk(pair: Pair, senders: string, intervalMs: number, durationMs: number): void {
  const { network, a, b } = pair;
  for (let elapsed = 0; elapsed < durationMs; elapsed += intervalMs) {
    if (senders.includes('a')) a.send(b);
    if (senders.includes('b')) b.send(a, { family: 6 });
    network.advance(intervalMs);
  }
}

const KEEPALIVE = { persistentKeepaliveSeconds: 25 };

const SCRIPTS: readonly Script[] = [
  { title: 'silence', run: ({ network }) => network.advance(10 * MINUTE_MS) },
  {
    title: 'one packet and the silence after it',
    run: (pair) => talk(pair, 'a', 20 * MINUTE_MS, 20 * MINUTE_MS),
  },
  { title: 'ten minutes of both', run: (pair) => talk(pair, 'ab', 700, 10 * MINUTE_MS) },
  { title: 'ten minutes of the initiator', run: (pair) => talk(pair, 'a', 900, 10 * MINUTE_MS) },
  { title: 'ten minutes of the responder', run: (pair) => talk(pair, 'b', 900, 10 * MINUTE_MS) },
  {
    title: 'a packet every now and then',
    run: (pair) => talk(pair, 'ab', 47_000, 60 * MINUTE_MS),
  },
  {
    title: 'persistent keepalives of both, and nothing else',
    // Of the same interval, they would cross at the very millisecond of a deadline.
    options: { peerOfA: KEEPALIVE, peerOfB: { persistentKeepaliveSeconds: 33 } },
    run: ({ network }) => network.advance(20 * MINUTE_MS),
  },
  {
    title: 'persistent keepalives with traffic, and an interval that changes',
    options: { peerOfA: KEEPALIVE },
    run: (pair) => {
      talk(pair, 'ab', 9_000, MINUTE_MS);
      pair.network.advance(MINUTE_MS);
      const change = { publicKey: pair.b.publicKey, persistentKeepaliveSeconds: 7 };
      pair.a.configure({ peers: [change] });
      talk(pair, 'b', 30_000, 5 * MINUTE_MS);
    },
  },
  {
    title: 'a peer that falls silent, and comes back',
    run: (pair) => {
      const { network } = pair;
      network.gate = () => 'drop';
      talk(pair, 'a', 1_000, 3 * MINUTE_MS);
      network.gate = undefined;
      talk(pair, 'ab', 1_000, 3 * MINUTE_MS);
    },
  },
  {
    title: 'a peer that hears and is not heard',
    run: (pair) => {
      const { network, a } = pair;
      network.gate = ({ from }) => (from.equals(a.endpoint) ? 'drop' : 0);
      talk(pair, 'b', 1_000, 4 * MINUTE_MS);
    },
  },
  {
    title: 'both moving',
    run: (pair) => {
      for (let move = 1; move <= 5; move++) {
        pair.a.rebind(SimEndpoint.of(`203.0.113.${move}:${1_000 + move}`));
        talk(pair, 'ab', 500, 20_000);
        pair.b.rebind(SimEndpoint.of(`[2001:db8::${move}]:${2_000 + move}`));
        pair.network.advance(100);
        talk(pair, 'ba', 500, 20_000);
      }
    },
  },
  {
    title: 'an hour asleep',
    run: (pair) => {
      talk(pair, 'ab', 1_000, 20_000);
      pair.network.suspend(60 * MINUTE_MS);
      talk(pair, 'ab', 1_000, 20_000);
    },
  },
  {
    title: 'a rekey that is asked for in vain, while keepalives come in',
    options: { peerOfB: { persistentKeepaliveSeconds: 3 } },
    run: (pair) => {
      const { network } = pair;
      network.advance(REKEY_AFTER_TIME_MS + 1_000);
      network.gate = ({ datagram }) => (datagram[0] === 1 ? 'drop' : 0);
      talk(pair, 'a', 10 * MINUTE_MS, 10 * MINUTE_MS);
    },
  },
  {
    title: 'a private key that the peer does not know',
    run: (pair) => {
      pair.a.configure({ privateKey: pair.network.random.bytes(32) });
      talk(pair, 'ab', 1_000, 20_000);
    },
  },
  {
    title: 'new keys in the middle of it',
    run: (pair) => {
      const { a, b, network } = pair;
      talk(pair, 'ab', 300, 20_000);
      const presharedKey = network.random.bytes(32);
      a.configure({ peers: [{ publicKey: b.publicKey, presharedKey }] });
      b.configure({ peers: [{ publicKey: a.publicKey, presharedKey }] });
      talk(pair, 'ab', 300, 3 * MINUTE_MS);
      a.down();
      network.advance(1_000);
      a.up();
      talk(pair, 'ab', 300, 3 * MINUTE_MS);
    },
  },
];

/** What everybody has seen and counted in the end. */
function outcome(script: Script, pumpOfA: boolean, pumpOfB: boolean): object {
  const { options } = script;
  const pair = makeConnectedPair(500, {
    ...options,
    a: { pumpReadMs: pumpOfA ? 0 : undefined },
    b: { pumpReadMs: pumpOfB ? 0 : undefined },
  });
  script.run(pair);
  const { network, a, b } = pair;
  return {
    wire: network.eavesdropper.seen().map(({ at, sender, to, kind, datagram }) => {
      return `${at} ${sender} → ${to.toString()} ${kind} ${datagram[8]}`;
    }),
    undelivered: network.ledger.undelivered.map(({ id }) => id),
    stations: [a, b].map((station) => {
      station.readPump();
      const { peers, drops } = station.status();
      const { endpoint, rxBytes, txBytes, lastHandshakeTime, stagedPackets } = peers[0];
      return {
        counts: { rxBytes, txBytes, stagedPackets },
        handshakes: station.device.handshakesCompleted,
        lastHandshakeTime,
        endpoint: endpoint?.toString(),
        drops,
        next: station.device.nextTimeout(),
      };
    }),
  };
}

describe('a pump changes nothing that can be seen', () => {
  test.each(SCRIPTS)('$title', (script) => {
    const alone = outcome(script, false, false);
    expect(outcome(script, true, false), 'at the initiator').toEqual(alone);
    expect(outcome(script, false, true), 'at the responder').toEqual(alone);
    expect(outcome(script, true, true), 'at both').toEqual(alone);
  });
});

const LATE = { a: { pumpReadMs: READ_MS }, b: { pumpReadMs: READ_MS } };

describe('activity that is read once a second', () => {
  test('makes a rekey no more than a second late, and none is left out', () => {
    const pair = makeConnectedPair(501, LATE);
    talk(pair, 'ab', 170, 10 * MINUTE_MS);
    const initiations = pair.network.eavesdropper.seen({ kind: 'initiation' });
    const gaps = initiations.slice(1).map(({ at }, i) => at - initiations[i].at);
    expect(gaps).toHaveLength(4);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(REKEY_AFTER_TIME_MS);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(REKEY_AFTER_TIME_MS + READ_MS + 200);
  });

  test.each([510, 511, 512])('loses nothing at a rekey, with seed %i', (seed) => {
    const pair = makeConnectedPair(seed, LATE);
    Object.assign(pair.network.link, { delayVariationMs: 400, duplication: 0.3 });
    talk(pair, 'ab', 130, 5 * MINUTE_MS);
    pair.network.advance(20_000);
    expect(pair.network.ledger.undelivered).toEqual([]);
    expect(pair.a.device.handshakesCompleted).toBeGreaterThan(2);
  });

  test('moves no keepalive and no handshake out of silence', () => {
    const pair = makeConnectedPair(502, LATE);
    const { network, a, b } = pair;
    network.advance(20_000);
    const start = network.now;
    a.send(b);
    network.advance(MINUTE_MS);
    const [keepalive, ...more] = network.eavesdropper.seen({ sender: 'b', since: start });
    expect(keepalive.at - start, 'from the data, not from when it was read').toBe(10_010);
    expect(more).toEqual([]);
    network.gate = () => 'drop';
    const unanswered = network.now;
    a.send(b);
    network.advance(16_000);
    const [initiation] = network.eavesdropper.seen({ kind: 'initiation', since: unanswered });
    expect(initiation.at - unanswered).toBeGreaterThanOrEqual(15_000);
    expect(initiation.at - unanswered).toBeLessThanOrEqual(15_333);
  });

  test('leaves a pump that rests unread', () => {
    const { network, a, b } = makeConnectedPair(503, LATE);
    a.send(b);
    network.advance(60 * MINUTE_MS);
    expect([a.nextTimeout(), b.nextTimeout()], 'nothing waits').toEqual([undefined, undefined]);
  });
});

test('a responder sends nothing on a keypair that is not confirmed', () => {
  const { network, a, b } = makeConnectedPair(504, LATE);
  const firstIndex = network.eavesdropper
    .last({ sender: 'a', kind: 'keepalive' })
    .datagram.slice(4, 8);
  b.send(a);
  network.advance(1_000);
  const before = network.eavesdropper.last({ sender: 'b', kind: 'data' }).datagram.slice(4, 8);
  network.advance(REKEY_AFTER_TIME_MS);
  // The response arrives, and what would confirm it doesn't.
  network.gate = ({ datagram, from }) =>
    from.equals(a.endpoint) && datagram[0] === 4 && !same(datagram.slice(4, 8), firstIndex)
      ? 'drop'
      : 0;
  a.send(b);
  network.advance(2_000);
  expect(a.device.handshakesCompleted).toBe(2);
  expect(b.device.handshakesCompleted).toBe(1);
  b.send(a);
  const unconfirmed = network.eavesdropper.last({ sender: 'b', kind: 'data' }).datagram;
  expect(unconfirmed.slice(4, 8), 'on the one before').toEqual(before);
  network.gate = undefined;
  a.send(b);
  network.advance(1_000);
  b.send(a);
  const confirmed = network.eavesdropper.last({ sender: 'b', kind: 'data' }).datagram;
  expect(confirmed.slice(4, 8)).not.toEqual(before);
});

describe('nothing is left in the pump', () => {
  test('when the device goes down', () => {
    const { a, network } = makeConnectedPair(505, LATE);
    expect(a.pump?.held).toMatchObject({ keypairs: 1, prefixes: 2 });
    a.down();
    expect(a.pump?.held).toMatchObject({ keypairs: 0, prefixes: 2 });
    network.advance(MINUTE_MS);
    expect(a.pump?.held.keypairs).toBe(0);
  });

  test('when a peer is removed, in the middle of a rekey too', () => {
    const pair = makeConnectedPair(506, LATE);
    const { network, a, b } = pair;
    talk(pair, 'ab', 500, REKEY_AFTER_TIME_MS + 1_000);
    expect(b.pump?.held.keypairs).toBe(2);
    for (const [station, peer] of [
      [a, b],
      [b, a],
    ]) {
      station.configure({ peers: [{ publicKey: peer.publicKey, remove: true }] });
      expect(station.pump?.held).toEqual({ keypairs: 0, peers: 0, prefixes: 0 });
    }
    a.send(b);
    network.advance(1_000);
    expect(a.drops('noPeer')).toBe(1);
    expect(a.pump?.held).toEqual({ keypairs: 0, peers: 0, prefixes: 0 });
  });

  test('when keys are as old as three lives of a keypair', () => {
    const { a, b, network } = makeConnectedPair(507, LATE);
    network.advance(539_000);
    expect(a.pump?.held.keypairs).toBe(1);
    network.advance(2_000);
    expect([a.pump?.held.keypairs, b.pump?.held.keypairs]).toEqual([0, 0]);
  });
});

describe('another way in the middle of traffic', () => {
  test.each([
    ['no pump', () => undefined],
    ['another pump', (pair: Pair) => pair.a.makePump()],
  ])('ends the keypairs of the one before, and goes on with a handshake: %s', (_to, next) => {
    const pair = makeConnectedPair(508, { a: { pumpReadMs: 0 } });
    const { network, a, b } = pair;
    talk(pair, 'ab', 100, 5_000);
    const { rxBytes, txBytes } = a.status().peers[0];
    const first = a.pump;
    a.usePump(next(pair));
    expect(first?.held.keypairs).toBe(0);
    expect(a.status().peers[0], 'counts go on').toMatchObject({ rxBytes, txBytes });
    talk(pair, 'ab', 100, 20_000);
    network.advance(1_000);
    expect(a.device.handshakesCompleted).toBe(2);
    // What was on its way to a keypair that is no more is lost, as after a restart.
    const lost = network.ledger.undelivered;
    expect(lost.every(({ to }) => to === 'a')).toBe(true);
    expect(a.status().peers[0].txBytes).toBeGreaterThan(txBytes);
    expect(a.status().peers[0].endpoint?.toString()).toBe(b.endpoint.toString());
  });
});

test('the core opens nothing on a keypair that it has handed over, with keys of zeros neither', () => {
  const { network, a, b } = makePair(509, LATE);
  a.connect();
  network.advance(1_000);
  b.send(a);
  const { datagram } = network.eavesdropper.last({ sender: 'b', kind: 'data' });
  const forged = new Uint8Array(64);
  encodeTransportHeader(forged, new DataView(datagram.buffer).getUint32(4, true), 5);
  seal(new Uint8Array(32), 5, forged.subarray(16));
  const out = {
    transmit: () => undefined,
    deliver: () => expect.unreachable('delivered'),
  };
  const before = a.drops('unauthentic');
  for (const bytes of [datagram, forged]) {
    a.device.handleDatagram(bytes.slice(), b.endpoint, network.now, out);
  }
  expect(a.drops('unauthentic') - before).toBe(2);
});

function same(left: Uint8Array, right: Uint8Array): boolean {
  return left.every((byte, i) => byte === right[i]);
}
