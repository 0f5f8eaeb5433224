/**
 * The hash functions of the handshake (WP 5.4): HASH, MAC, HMAC and the KDF, all over BLAKE2s
 * (RFC 7693, RFC 2104). MAC is BLAKE2s with a key and 16 bytes of output, which is not HMAC.
 *
 * The only file that imports @noble/hashes.
 */
import { blake2s } from '@noble/hashes/blake2.js';
import { hmac } from '@noble/hashes/hmac.js';
import { KEY_BYTES, MAC_BYTES } from './constants.ts';

const NOTHING = new Uint8Array(0);

/** HASH(first ‖ second): 32 bytes. */
export function hash(first: Uint8Array, second: Uint8Array = NOTHING): Uint8Array {
  return blake2s.create().update(first).update(second).digest();
}

/** MAC(key, message): 16 bytes. */
export function mac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return blake2s(message, { key, dkLen: MAC_BYTES });
}

/** HMAC(key, message): 32 bytes. */
export function hmacBlake2s(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(blake2s, key, message);
}

/** The first `count` outputs of the KDF. The caller owns them, and wipes them. */
export function kdf(count: 1 | 2 | 3, chainingKey: Uint8Array, input: Uint8Array): Uint8Array[] {
  const secret = hmacBlake2s(chainingKey, input);
  const outputs: Uint8Array[] = [];
  // The input of round n is the output of round n - 1, followed by n.
  const block = new Uint8Array(KEY_BYTES + 1);
  for (let round = 1; round <= count; round++) {
    block[KEY_BYTES] = round;
    const output = hmacBlake2s(secret, round === 1 ? block.subarray(KEY_BYTES) : block);
    block.set(output);
    outputs.push(output);
  }
  secret.fill(0);
  block.fill(0);
  return outputs;
}
