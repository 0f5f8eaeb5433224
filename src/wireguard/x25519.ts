/**
 * Diffie-Hellman on Curve25519 (RFC 7748): the reference for the `X25519` port, and its default.
 *
 * The only file that imports @noble/curves, and the only one that catches what it throws.
 */
import { x25519 as noble } from '@noble/curves/ed25519.js';
import type { X25519 } from './ports.ts';

/** X25519 in portable code. */
export const x25519: X25519 = {
  publicKey(privateKey: Uint8Array): Uint8Array {
    return noble.getPublicKey(privateKey);
  },

  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
    try {
      return noble.getSharedSecret(privateKey, publicKey);
    } catch {
      // With both lengths right, a point of low order is the one thing that noble throws for.
      return undefined;
    }
  },
};
