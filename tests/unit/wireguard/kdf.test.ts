/**
 * BLAKE2s against RFC 7693, HMAC and the KDF against OpenSSL, which does RFC 2104 by itself.
 */
import { blake2s } from '@noble/hashes/blake2.js';
import fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { hash, hmacBlake2s, kdf, mac } from '../../../src/wireguard/kdf.ts';
import { ascii, sequence } from './stand-ins.ts';

function hmacByOpenSSL(key: Uint8Array, message: Uint8Array): Uint8Array {
  return Uint8Array.from(createHmac('blake2s256', key).update(message).digest());
}

/** The sequence of RFC 7693 appendix E: Fibonacci numbers modulo 2^32, the upper byte of each. */
function selfTestSequence(length: number, seed: number): Uint8Array {
  let [a, b] = [Math.imul(0xdead4bad, seed) >>> 0, 1];
  return Uint8Array.from({ length }, () => {
    [a, b] = [b, (a + b) >>> 0];
    return b >>> 24;
  });
}

describe('BLAKE2s', () => {
  it('hashes the example of RFC 7693 appendix B', () => {
    expect(formatHex(hash(ascii('abc')))).toBe(
      '508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982',
    );
  });

  it('passes the self-test of RFC 7693 appendix E, with and without keys', () => {
    const all = blake2s.create();
    for (const dkLen of [16, 20, 28, 32]) {
      for (const length of [0, 3, 64, 65, 255, 1024]) {
        const message = selfTestSequence(length, length);
        all.update(blake2s(message, { dkLen }));
        all.update(blake2s(message, { dkLen, key: selfTestSequence(dkLen, dkLen) }));
      }
    }
    expect(formatHex(all.digest())).toBe(
      '6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe',
    );
  });

  it('hashes two parts as one', () => {
    expect(hash(ascii('ab'), ascii('c'))).toEqual(hash(ascii('abc')));
  });

  it('gives MACs of 16 bytes that depend on the key, and are no HMAC', () => {
    const tag = mac(sequence(0, 32), ascii('abc'));
    expect(formatHex(tag)).toBe('61ba5f165c194692e09d12520cc4c74a');
    expect(tag).not.toEqual(hmacBlake2s(sequence(0, 32), ascii('abc')).subarray(0, 16));
  });
});

describe('HMAC and the KDF', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it('HMAC is RFC 2104 over BLAKE2s', () => {
    fc.assert(
      fc.property(bytes, bytes, (hmacKey, message) => {
        expect(hmacBlake2s(hmacKey, message)).toEqual(hmacByOpenSSL(hmacKey, message));
      }),
    );
  });

  it('the KDF chains HMACs as WP 5.4 says', () => {
    fc.assert(
      fc.property(key, bytes, (chainingKey, input) => {
        const t0 = hmacByOpenSSL(chainingKey, input);
        const t1 = hmacByOpenSSL(t0, Uint8Array.of(1));
        const t2 = hmacByOpenSSL(t0, Uint8Array.of(...t1, 2));
        const t3 = hmacByOpenSSL(t0, Uint8Array.of(...t2, 3));
        expect(kdf(1, chainingKey, input)).toEqual([t1]);
        expect(kdf(2, chainingKey, input)).toEqual([t1, t2]);
        expect(kdf(3, chainingKey, input)).toEqual([t1, t2, t3]);
      }),
    );
  });
});
