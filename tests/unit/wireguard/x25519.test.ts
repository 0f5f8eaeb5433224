/** X25519 against RFC 7748, and the reference against OpenSSL. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { x25519 as openssl } from '../../../src/linux/x25519.ts';
import { x25519 } from '../../../src/wireguard/x25519.ts';
import { hex } from './stand-ins.ts';

// Order 1, 2, 4 and 8, each reduced and, where there is room, not reduced; and with the top bit set.
const LOW_ORDER_POINTS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880',
];

describe.each([
  ['noble', x25519],
  ['OpenSSL', openssl],
])('X25519 of %s', (_name, curve) => {
  const multiply = (scalar: Uint8Array, point: Uint8Array): string =>
    formatHex(curve.sharedSecret(scalar, point) ?? new Uint8Array(0));

  it.each([
    [
      'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
      'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
      'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
    ],
    [
      '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
      'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
      '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
    ],
  ])('multiplies as in RFC 7748 5.2, by %s', (scalar, point, product) => {
    expect(multiply(hex(scalar), hex(point))).toBe(product);
  });

  it('multiplies a thousand times as in RFC 7748 5.2', { timeout: 60_000 }, () => {
    let scalar = hex('09'.padEnd(64, '0'));
    let point = scalar;
    for (let round = 1; round <= 1_000; round++) {
      [scalar, point] = [hex(multiply(scalar, point)), scalar];
      if (round > 1) continue;
      expect(formatHex(scalar)).toBe(
        '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079',
      );
    }
    expect(formatHex(scalar)).toBe(
      '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51',
    );
  });

  it('agrees on a secret as in RFC 7748 6.1', () => {
    const alice = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    const bob = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
    expect(formatHex(curve.publicKey(alice))).toBe(
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    );
    expect(formatHex(curve.publicKey(bob))).toBe(
      'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    );
    const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    expect(multiply(alice, curve.publicKey(bob))).toBe(shared);
    expect(multiply(bob, curve.publicKey(alice))).toBe(shared);
  });

  it.each(LOW_ORDER_POINTS)('has no shared secret with the low-order point %s', (point) => {
    expect(curve.sharedSecret(new Uint8Array(32).fill(7), hex(point))).toBeUndefined();
  });
});

it('noble and OpenSSL agree, whatever the bytes', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(key, key, (scalar, point) => {
      expect(x25519.publicKey(scalar)).toEqual(openssl.publicKey(scalar));
      expect(x25519.sharedSecret(scalar, point)).toEqual(openssl.sharedSecret(scalar, point));
    }),
    { numRuns: 30 },
  );
});
