/**
 * Diffie-Hellman without any strength: powers of 37 modulo the prime 2^61 - 1, some hundred times as
 * quick as Curve25519. A simulation makes tens of thousands of keys and is about what the devices do
 * with them, for which one commutative group is as good as another. Where the curve itself matters,
 * tests take the curve.
 *
 * Numbers are in the first 8 bytes of a key, little-endian; the others are zero. As with low-order
 * points, a result that everybody knows is no result.
 */
import type { X25519 } from '../../src/wireguard/ports.ts';

const MODULUS = 2n ** 61n - 1n;
const GENERATOR = 37n;

/** The port's functions in a small group. */
export const smallGroup: X25519 = {
  publicKey: (privateKey) => encode(power(GENERATOR, decode(privateKey))),
  sharedSecret(privateKey, publicKey) {
    const element = decode(publicKey) % MODULUS;
    // 0, 1 and -1 are what points of low order are on the curve.
    if (element < 2n || element === MODULUS - 1n) return undefined;
    return encode(power(element, decode(privateKey)));
  },
};

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % MODULUS;
    square = (square * square) % MODULUS;
  }
  return result;
}

function decode(key: Uint8Array): bigint {
  return new DataView(key.buffer, key.byteOffset).getBigUint64(0, true);
}

function encode(value: bigint): Uint8Array {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setBigUint64(0, value, true);
  return key;
}
