/**
 * Points of low order on Curve25519 make any Diffie-Hellman result all zeros, so that everybody knows
 * it. They are refused, by the reference and by OpenSSL alike.
 */
import { describe, expect, test } from 'vitest';
import { parseHex } from '../../src/bytes.ts';
import { x25519 as openssl } from '../../src/linux/x25519.ts';
import { x25519 as reference } from '../../src/wireguard/x25519.ts';
import { addBareStation } from './bare-station.ts';
import { makeNetwork } from './pair.ts';
import type { Station } from './station.ts';

/** The points of order 1, 2, 4 and 8, and three that are not reduced (p - 1, p and p + 1). */
const LOW_ORDER_POINTS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => parseHex(hex) ?? new Uint8Array(0));

function withoutDrops(station: Station): unknown {
  return [station.status().peers, station.device.nextTimeout()];
}

describe('low-order points are drops and change nothing', () => {
  test.each([
    ['reference', reference],
    ['openssl', openssl],
  ] as const)('with Diffie-Hellman by the %s', (_name, x25519) => {
    const network = makeNetwork(97);
    const station = network.addStation({ x25519 });
    const bare = addBareStation(network, station);
    const before = withoutDrops(station);
    for (const ephemeral of LOW_ORDER_POINTS) bare.send(bare.createInitiation({ ephemeral }));
    expect(station.drops('lowOrderPoint')).toBe(LOW_ORDER_POINTS.length);
    expect(withoutDrops(station)).toEqual(before);
    expect(bare.takeKinds()).toEqual([]);

    station.connect();
    bare.peer.consumeInitiation(bare.take('initiation'));
    const waiting = withoutDrops(station);
    for (const ephemeral of LOW_ORDER_POINTS) {
      bare.send(bare.peer.createResponse({ ephemeral }).datagram);
    }
    expect(station.drops('lowOrderPoint')).toBe(2 * LOW_ORDER_POINTS.length);
    expect(withoutDrops(station)).toEqual(waiting);
    bare.send(bare.peer.createResponse().datagram);
    expect(station.device.handshakesCompleted, 'the genuine response is taken').toBe(1);
  });
});

test.each(LOW_ORDER_POINTS)('a peer whose public key is a low-order point is harmless', (point) => {
  const network = makeNetwork(98);
  const a = network.addStation({ x25519: openssl });
  const bare = addBareStation(network, a);
  const prefix = { address: Uint8Array.of(10, 7, 7, 7), length: 32 };
  a.configure({
    peers: [
      { publicKey: point, endpoint: bare.endpoint, allowedIPs: [{ prefix }] },
      { publicKey: point, persistentKeepaliveSeconds: 1 },
    ],
  });
  a.connect();
  a.send({ name: 'nobody', innerIPv4: prefix.address, innerIPv6: bare.innerIPv6 });
  network.advance(120_000);
  expect(a.staged()).toBe(0);
  expect(bare.handshake()).toBeDefined();
});
