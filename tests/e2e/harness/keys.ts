/**
 * Keys for tests, and the search for them in everything that the product prints.
 *
 * Every secret made here is remembered in all the forms in which it could slip out, so that one
 * search covers a whole test file.
 */
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';

/** A static key pair as base64. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** The DER head of an X25519 private key (RFC 8410); the 32 bytes of the key follow. */
const PKCS8_HEAD = '302e020100300506032b656e04220420';

const secrets = new Set<string>();

/** A new static key pair; the private half is searched for in all outputs. */
export function makeKeyPair(): KeyPair {
  const secret = randomBytes(32);
  // The clamped form is the one that `wg` prints, and so the one to search for.
  secret[0] &= 248;
  secret[31] = (secret[31] & 127) | 64;
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from(PKCS8_HEAD, 'hex'), secret]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    privateKey: remember(secret),
    publicKey: spki.subarray(-32).toString('base64'),
  };
}

/** A new preshared key, searched for as well. */
export function makePresharedKey(): string {
  return remember(randomBytes(32));
}

/** The first secret of any test that `text` contains, named without showing it. */
export function findSecret(text: string | Uint8Array): string | undefined {
  const bytes = Buffer.from(text);
  for (const form of secrets) {
    if (bytes.includes(form)) return `a secret key, as ${form.length} characters`;
  }
  return undefined;
}

function remember(secret: Uint8Array): string {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64');
  secrets.add(base64.replace(/=+$/, ''));
  secrets.add(bytes.toString('base64url').replace(/=+$/, ''));
  secrets.add(bytes.toString('hex'));
  secrets.add(bytes.toString('hex').toUpperCase());
  return base64;
}
