/**
 * The pair that a Noise handshake carries along (Noise 5.2, WP 5.4): the chaining key C and the hash
 * H, and the steps that change them. A cipher key comes out of one step, is used by the next one
 * once, with counter 0, and is wiped there.
 */
import { open, seal } from './aead.ts';
import { TAG_BYTES } from './constants.ts';
import { hash, kdf } from './kdf.ts';

const encoder = new TextEncoder();
const CONSTRUCTION = encoder.encode('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
const IDENTIFIER = encoder.encode('WireGuard v1 zx2c4 Jason@zx2c4.com');
const INITIAL_CHAINING_KEY = hash(CONSTRUCTION);
const INITIAL_HASH = hash(INITIAL_CHAINING_KEY, IDENTIFIER);
const NOTHING = new Uint8Array(0);

/** C and H of one handshake. */
export class Transcript {
  readonly #chainingKey: Uint8Array;
  readonly #hash: Uint8Array;

  /** Copies both. Handshakes begin with `Transcript.begin`. */
  constructor(chainingKey: Uint8Array, initialHash: Uint8Array) {
    this.#chainingKey = Uint8Array.from(chainingKey);
    this.#hash = Uint8Array.from(initialHash);
  }

  /** Begins a handshake with the responder's public key. */
  static begin(responderStatic: Uint8Array): Transcript {
    const transcript = new Transcript(INITIAL_CHAINING_KEY, INITIAL_HASH);
    transcript.#mixHash(responderStatic);
    return transcript;
  }

  /** An independent copy, so that a message can be tried without a trace. */
  clone(): Transcript {
    return new Transcript(this.#chainingKey, this.#hash);
  }

  /** `e`: C = Kdf1(C, ephemeral), H = HASH(H ‖ ephemeral). */
  mixEphemeral(ephemeral: Uint8Array): void {
    this.mixKey(ephemeral);
    this.#mixHash(ephemeral);
  }

  /** C = Kdf1(C, input). */
  mixKey(input: Uint8Array): void {
    this.#advance(kdf(1, this.#chainingKey, input));
  }

  /** (C, k) = Kdf2(C, input); returns k. */
  mixKeyAndCipher(input: Uint8Array): Uint8Array {
    const outputs = kdf(2, this.#chainingKey, input);
    this.#advance(outputs);
    return outputs[1];
  }

  /** `psk`: (C, t, k) = Kdf3(C, preshared key), H = HASH(H ‖ t); returns k. */
  mixPresharedKey(presharedKey: Uint8Array): Uint8Array {
    const outputs = kdf(3, this.#chainingKey, presharedKey);
    this.#advance(outputs);
    this.#mixHash(outputs[1]);
    outputs[1].fill(0);
    return outputs[2];
  }

  /** Seals in place what all but the last 16 of `bytes` hold, and mixes the ciphertext into H. */
  seal(key: Uint8Array, bytes: Uint8Array): void {
    seal(key, 0, bytes, this.#hash);
    key.fill(0);
    this.#mixHash(bytes);
  }

  /** Opens a copy of `sealed`, and mixes the ciphertext into H; undefined if it isn't authentic. */
  open(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    // Not slice(), which is a view where the caller has a Buffer.
    const bytes = Uint8Array.from(sealed);
    const isAuthentic = open(key, 0, bytes, this.#hash);
    key.fill(0);
    if (!isAuthentic) return undefined;
    this.#mixHash(sealed);
    return bytes.subarray(0, bytes.length - TAG_BYTES);
  }

  /** (T1, T2) = Kdf2(C, nothing): the keys from the initiator and from the responder. */
  split(): readonly [Uint8Array, Uint8Array] {
    const [first, second] = kdf(2, this.#chainingKey, NOTHING);
    return [first, second];
  }

  /** Zeroes both; the transcript is of no use afterwards. */
  wipe(): void {
    this.#chainingKey.fill(0);
    this.#hash.fill(0);
  }

  #mixHash(bytes: Uint8Array): void {
    this.#hash.set(hash(this.#hash, bytes));
  }

  /** Takes C, the first output of a KDF, over, and wipes it there. */
  #advance(outputs: readonly Uint8Array[]): void {
    this.#chainingKey.set(outputs[0]);
    outputs[0].fill(0);
  }
}
