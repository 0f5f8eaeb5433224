/**
 * Authenticated encryption in place: ChaCha20-Poly1305 with a counter for a nonce (RFC 8439), and
 * XChaCha20-Poly1305 with a random one, for cookie replies (draft-irtf-cfrg-xchacha).
 *
 * "In place" means that `bytes` holds the plaintext and room for 16 bytes of tag behind it, or the
 * ciphertext and its tag. A failed opening leaves `bytes` as they were.
 *
 * The only file that imports @noble/ciphers.
 */
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { writeUint64LE } from '../bytes.ts';
import { TAG_BYTES } from './constants.ts';

const NOTHING = new Uint8Array(0);

// 4 zero bytes and the 64-bit counter. One buffer serves all calls: each is over when it returns.
const counterNonce = new Uint8Array(12);

/** Seals the plaintext in all but the last 16 of `bytes`. */
export function seal(
  key: Uint8Array,
  counter: number,
  bytes: Uint8Array,
  additionalData: Uint8Array = NOTHING,
): void {
  writeUint64LE(counterNonce, 4, counter);
  const plaintext = bytes.subarray(0, bytes.length - TAG_BYTES);
  chacha20poly1305(key, counterNonce, additionalData).encrypt(plaintext, bytes);
}

/** Opens `bytes`, tag included. False if they aren't authentic. */
export function open(
  key: Uint8Array,
  counter: number,
  bytes: Uint8Array,
  additionalData: Uint8Array = NOTHING,
): boolean {
  writeUint64LE(counterNonce, 4, counter);
  return decrypt(chacha20poly1305(key, counterNonce, additionalData), bytes);
}

/** Seals as `seal` does, with a nonce of 24 random bytes. */
export function sealExtended(
  key: Uint8Array,
  nonce: Uint8Array,
  bytes: Uint8Array,
  additionalData: Uint8Array,
): void {
  const plaintext = bytes.subarray(0, bytes.length - TAG_BYTES);
  xchacha20poly1305(key, nonce, additionalData).encrypt(plaintext, bytes);
}

/** Opens as `open` does, with a nonce of 24 random bytes. */
export function openExtended(
  key: Uint8Array,
  nonce: Uint8Array,
  bytes: Uint8Array,
  additionalData: Uint8Array,
): boolean {
  return decrypt(xchacha20poly1305(key, nonce, additionalData), bytes);
}

interface Decrypter {
  decrypt(ciphertext: Uint8Array, output: Uint8Array): Uint8Array;
}

function decrypt(cipher: Decrypter, bytes: Uint8Array): boolean {
  if (bytes.length < TAG_BYTES) return false;
  try {
    cipher.decrypt(bytes, bytes.subarray(0, bytes.length - TAG_BYTES));
    return true;
  } catch {
    // With all lengths right, the wrong tag is the one thing that noble throws for.
    return false;
  }
}
