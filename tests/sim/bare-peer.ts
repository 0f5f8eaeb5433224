/**
 * A peer without any state machine, which says exactly what a test tells it to: the messages of the
 * white paper (WP 5.4), written down a second time, straight from the tables and with no regard for
 * speed. It serves to send what no device would send, and it is a second opinion on what devices do.
 *
 * Names of fields and steps are those of Noise_IKpsk2.
 */
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hmac } from '@noble/hashes/hmac.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { equalConstantTime, readUint32LE, writeUint32LE } from '../../src/bytes.ts';
import type { X25519 } from '../../src/wireguard/ports.ts';
import type { Random } from './random.ts';

/** Who the bare peer is, and whom it talks to. */
export interface BarePeerOptions {
  readonly random: Random;
  readonly remotePublicKey: Uint8Array;
  readonly presharedKey?: Uint8Array;
  readonly x25519: X25519;
}

/** What may be chosen about an initiation or a response. */
export interface HandshakeChoices {
  /** Public ephemeral key to send, whatever the private one is. */
  readonly ephemeral?: Uint8Array;
  /** The cookie for mac2. */
  readonly cookie?: Uint8Array | undefined;
  /** 12 bytes of TAI64N; for an initiation. */
  readonly timestamp?: Uint8Array;
}

interface HandshakeState {
  readonly chainingKey: Uint8Array;
  readonly hash: Uint8Array;
  readonly ephemeralPrivate: Uint8Array;
  readonly remoteEphemeral: Uint8Array;
  readonly remoteIndex: number;
  readonly localIndex: number;
}

const encoder = new TextEncoder();
const INITIAL_CHAINING_KEY = blake2s(encoder.encode('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s'));
const IDENTIFIER = encoder.encode('WireGuard v1 zx2c4 Jason@zx2c4.com');
const NOTHING = new Uint8Array(0);
const TAI64_BASE = 2n ** 62n + 10n;

/** The TAI64N label of a time since the Unix epoch. */
export function tai64nLabel(time: { seconds: number; nanoseconds: number }): Uint8Array {
  const label = new DataView(new ArrayBuffer(12));
  label.setBigUint64(0, TAI64_BASE + BigInt(time.seconds));
  label.setUint32(8, time.nanoseconds);
  return new Uint8Array(label.buffer);
}

/** Puts mac1 for `receiverPublicKey`, and mac2 by `cookie` or zeros, at the end of a message. */
export function appendMacs(
  body: Uint8Array,
  receiverPublicKey: Uint8Array,
  cookie?: Uint8Array,
): Uint8Array {
  const key = blake2s(concatBytes(encoder.encode('mac1----'), receiverPublicKey));
  const withMac1 = concatBytes(body, mac(key, body));
  return concatBytes(withMac1, cookie ? mac(cookie, withMac1) : new Uint8Array(16));
}

/**
 * Makes an initiation or a response that is garbage but for its type and mac1, which is all that
 * someone without keys can do. A response may have the receiver index of a genuine one.
 */
export function makeFakeHandshake(
  kind: 'initiation' | 'response',
  random: Random,
  receiverPublicKey: Uint8Array,
  receiverIndex?: Uint8Array,
): Uint8Array {
  const body = random.bytes(kind === 'initiation' ? 116 : 60);
  body.set([kind === 'initiation' ? 1 : 2, 0, 0, 0]);
  if (receiverIndex) body.set(receiverIndex, 8);
  return appendMacs(body, receiverPublicKey);
}

/** Opens the reply to `message` by the owner of a public key; throws if it does not open. */
export function openCookieReply(
  reply: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): Uint8Array {
  const key = blake2s(concatBytes(encoder.encode('cookie--'), publicKey));
  const nonce = reply.subarray(8, 32);
  return xchacha20poly1305(key, nonce, mac1Of(message)).decrypt(reply.subarray(32));
}

/** One direction each of a derived keypair. */
export class BareKeypair {
  readonly #sendKey: Uint8Array;
  readonly #receiveKey: Uint8Array;
  readonly #remoteIndex: number;

  constructor(sendKey: Uint8Array, receiveKey: Uint8Array, remoteIndex: number) {
    this.#sendKey = sendKey;
    this.#receiveKey = receiveKey;
    this.#remoteIndex = remoteIndex;
  }

  /** Seals a plaintext, as it is and without padding, under any counter. */
  seal(counter: bigint | number, plaintext: Uint8Array = NOTHING): Uint8Array {
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(0, 4, true);
    header.setUint32(4, this.#remoteIndex, true);
    header.setBigUint64(8, BigInt(counter), true);
    const sealed = chacha20poly1305(this.#sendKey, nonceOf(BigInt(counter))).encrypt(plaintext);
    return concatBytes(new Uint8Array(header.buffer), sealed);
  }

  /** Opens a transport data message; throws if it does not open. */
  open(datagram: Uint8Array): Uint8Array {
    const counter = new DataView(datagram.buffer, datagram.byteOffset).getBigUint64(8, true);
    return chacha20poly1305(this.#receiveKey, nonceOf(counter)).decrypt(datagram.subarray(16));
  }
}

/** Speaks WireGuard message by message. */
export class BarePeer {
  readonly publicKey: Uint8Array;
  readonly #staticPrivate: Uint8Array;
  readonly #options: BarePeerOptions;
  #state: HandshakeState | undefined;
  #lastMessage: Uint8Array = NOTHING;

  constructor(options: BarePeerOptions) {
    this.#options = options;
    this.#staticPrivate = options.random.bytes(32);
    this.publicKey = options.x25519.publicKey(this.#staticPrivate);
  }

  /** Makes an initiation; `consumeResponse` takes the answer to the last one. */
  createInitiation(choices: HandshakeChoices): Uint8Array {
    const { random, remotePublicKey } = this.#options;
    const ephemeralPrivate = random.bytes(32);
    const ephemeral = choices.ephemeral ?? this.#options.x25519.publicKey(ephemeralPrivate);
    const localIndex = random.uint32();
    let hash = mixHash(mixHash(INITIAL_CHAINING_KEY, IDENTIFIER), remotePublicKey);
    let key: Uint8Array;
    // e
    let [chainingKey] = kdf(INITIAL_CHAINING_KEY, ephemeral, 1);
    hash = mixHash(hash, ephemeral);
    // es
    [chainingKey, key] = kdf(chainingKey, this.#dh(ephemeralPrivate, remotePublicKey), 2);
    // s
    const sealedStatic = seal(key, this.publicKey, hash);
    hash = mixHash(hash, sealedStatic);
    // ss
    [chainingKey, key] = kdf(chainingKey, this.#dh(this.#staticPrivate, remotePublicKey), 2);
    // {t}
    const sealedTimestamp = seal(key, choices.timestamp ?? new Uint8Array(12), hash);
    hash = mixHash(hash, sealedTimestamp);
    this.#state = {
      chainingKey,
      hash,
      ephemeralPrivate,
      remoteEphemeral: NOTHING,
      remoteIndex: 0,
      localIndex,
    };
    const head = concatBytes(uint32(1), uint32(localIndex));
    const body = concatBytes(head, ephemeral, sealedStatic, sealedTimestamp);
    return this.#finish(body, choices.cookie);
  }

  /** Takes an initiation from the remote device; throws if anything in it does not open. */
  consumeInitiation(datagram: Uint8Array): void {
    const remoteEphemeral = datagram.slice(8, 40);
    let hash = mixHash(mixHash(INITIAL_CHAINING_KEY, IDENTIFIER), this.publicKey);
    let key: Uint8Array;
    // e
    let [chainingKey] = kdf(INITIAL_CHAINING_KEY, remoteEphemeral, 1);
    hash = mixHash(hash, remoteEphemeral);
    // es
    [chainingKey, key] = kdf(chainingKey, this.#dh(this.#staticPrivate, remoteEphemeral), 2);
    // s
    const remoteStatic = open(key, datagram.subarray(40, 88), hash);
    if (!equalConstantTime(remoteStatic, this.#options.remotePublicKey))
      throw new Error('stranger');
    hash = mixHash(hash, datagram.subarray(40, 88));
    // ss
    [chainingKey, key] = kdf(chainingKey, this.#dh(this.#staticPrivate, remoteStatic), 2);
    // {t}
    open(key, datagram.subarray(88, 116), hash);
    hash = mixHash(hash, datagram.subarray(88, 116));
    const remoteIndex = readUint32LE(datagram, 4);
    const ephemeralPrivate = this.#options.random.bytes(32);
    const localIndex = this.#options.random.uint32();
    this.#state = { chainingKey, hash, ephemeralPrivate, remoteEphemeral, remoteIndex, localIndex };
  }

  /** Answers the initiation that was consumed last. */
  createResponse(choices: HandshakeChoices = {}): { datagram: Uint8Array; keypair: BareKeypair } {
    const state = this.#handshakeState();
    const ephemeral = choices.ephemeral ?? this.#options.x25519.publicKey(state.ephemeralPrivate);
    let { hash } = state;
    // e
    let [chainingKey] = kdf(state.chainingKey, ephemeral, 1);
    hash = mixHash(hash, ephemeral);
    // ee, se
    [chainingKey] = kdf(chainingKey, this.#dh(state.ephemeralPrivate, state.remoteEphemeral), 1);
    [chainingKey] = kdf(
      chainingKey,
      this.#dh(state.ephemeralPrivate, this.#options.remotePublicKey),
      1,
    );
    // psk
    const [mixed, tau, key] = kdf(chainingKey, this.#presharedKey(), 3);
    hash = mixHash(hash, tau);
    // {}
    const body = concatBytes(
      concatBytes(uint32(2), uint32(state.localIndex), uint32(state.remoteIndex)),
      concatBytes(ephemeral, seal(key, NOTHING, hash)),
    );
    const [receiveKey, sendKey] = kdf(mixed, NOTHING, 2);
    return {
      datagram: this.#finish(body, choices.cookie),
      keypair: new BareKeypair(sendKey, receiveKey, state.remoteIndex),
    };
  }

  /** Takes the response to the last initiation; throws if it does not open. */
  consumeResponse(datagram: Uint8Array): BareKeypair {
    const state = this.#handshakeState();
    if (readUint32LE(datagram, 8) !== state.localIndex) throw new Error('not our index');
    const remoteEphemeral = datagram.subarray(12, 44);
    // e
    let [chainingKey] = kdf(state.chainingKey, remoteEphemeral, 1);
    let hash = mixHash(state.hash, remoteEphemeral);
    // ee, se
    [chainingKey] = kdf(chainingKey, this.#dh(state.ephemeralPrivate, remoteEphemeral), 1);
    [chainingKey] = kdf(chainingKey, this.#dh(this.#staticPrivate, remoteEphemeral), 1);
    // psk
    const [mixed, tau, key] = kdf(chainingKey, this.#presharedKey(), 3);
    hash = mixHash(hash, tau);
    // {}
    open(key, datagram.subarray(44, 60), hash);
    const [sendKey, receiveKey] = kdf(mixed, NOTHING, 2);
    return new BareKeypair(sendKey, receiveKey, readUint32LE(datagram, 4));
  }

  /** Opens the cookie reply to the last initiation or response; throws if it does not open. */
  openCookieReply(datagram: Uint8Array): Uint8Array {
    return openCookieReply(datagram, this.#lastMessage, this.#options.remotePublicKey);
  }

  /** Makes the cookie reply that the remote device should accept for a message of its own. */
  createCookieReply(message: Uint8Array, cookie: Uint8Array): Uint8Array {
    const label = encoder.encode('cookie--');
    const key = blake2s(concatBytes(label, this.publicKey));
    const nonce = this.#options.random.bytes(24);
    const sealed = xchacha20poly1305(key, nonce, mac1Of(message)).encrypt(cookie);
    return concatBytes(uint32(3), message.subarray(4, 8), nonce, sealed);
  }

  #finish(body: Uint8Array, cookie: Uint8Array | undefined): Uint8Array {
    this.#lastMessage = appendMacs(body, this.#options.remotePublicKey, cookie);
    return this.#lastMessage;
  }

  /** A low-order point gives zeros here, so that a message can be finished with one. */
  #dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
    return this.#options.x25519.sharedSecret(privateKey, publicKey) ?? new Uint8Array(32);
  }

  #handshakeState(): HandshakeState {
    if (!this.#state) throw new Error('no handshake has begun');
    return this.#state;
  }

  #presharedKey(): Uint8Array {
    return this.#options.presharedKey ?? new Uint8Array(32);
  }
}

function mac1Of(message: Uint8Array): Uint8Array {
  return message.subarray(message.length - 32, message.length - 16);
}

function mixHash(hash: Uint8Array, bytes: Uint8Array): Uint8Array {
  return blake2s(concatBytes(hash, bytes));
}

function mac(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return blake2s(bytes, { key, dkLen: 16 });
}

/** Kdf1, Kdf2 or Kdf3 of WP 5.4. */
function kdf(chainingKey: Uint8Array, input: Uint8Array, count: number): Uint8Array[] {
  const secret = hmac(blake2s, chainingKey, input);
  const keys: Uint8Array[] = [];
  let previous = NOTHING;
  for (let i = 1; i <= count; i++) {
    previous = hmac(blake2s, secret, concatBytes(previous, Uint8Array.of(i)));
    keys.push(previous);
  }
  return keys;
}

function seal(key: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
  return chacha20poly1305(key, new Uint8Array(12), aad).encrypt(plaintext);
}

function open(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array {
  return chacha20poly1305(key, new Uint8Array(12), aad).decrypt(sealed);
}

function nonceOf(counter: bigint): Uint8Array {
  const nonce = new DataView(new ArrayBuffer(12));
  nonce.setBigUint64(4, counter, true);
  return new Uint8Array(nonce.buffer);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32LE(bytes, 0, value);
  return bytes;
}
