/**
 * WireGuard keys as text: base64 in configurations (wg(8)), hexadecimal on the control socket.
 *
 * A secret key lives in a `SecretKey`, whose every text form is `(hidden)`, so that no log, error or
 * JSON can show it by accident. Public keys are plain bytes.
 */
import { formatHex } from './bytes.ts';

export const KEY_BYTES = 32;

const BASE64_KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const HIDDEN = '(hidden)';

/** Parses the 44 base64 characters of a key; undefined unless they are exactly one (wg(8)). */
export function parseKey(text: string): Uint8Array | undefined {
  if (!BASE64_KEY.test(text)) return undefined;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Formats a public key as 44 base64 characters. */
export function formatKey(key: Uint8Array): string {
  return btoa(String.fromCharCode(...key));
}

/** Abbreviates a public key for logs, as wireguard-go does: `abcd…wxyz`. */
export function abbreviateKey(key: Uint8Array): string {
  const text = formatKey(key);
  return `${text.slice(0, 4)}…${text.slice(39, 43)}`;
}

/** A private or preshared key that does not print: its bytes are in a private field. */
export class SecretKey {
  readonly #bytes: Uint8Array;

  /** Keeps a copy of the 32 `bytes`. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES) throw new RangeError('a key has 32 bytes');
    this.#bytes = Uint8Array.from(bytes);
  }

  /** Parses base64 text; undefined unless it is exactly one key. */
  static parse(text: string): SecretKey | undefined {
    const bytes = parseKey(text);
    return bytes && new SecretKey(bytes);
  }

  /** The key itself. The caller must not keep or change the array. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  /** The key as hexadecimal, for the text that goes to the engine. */
  revealHex(): string {
    return formatHex(this.#bytes);
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }
}
