/**
 * The handshake: Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (WP 5.4).
 *
 *   initiation   e, es, s, ss, {timestamp}        initiator → responder
 *   response     e, ee, se, psk, {}               responder → initiator
 *
 * There is one `Handshake` for each peer, for both roles: creating an initiation replaces what was
 * there, and so does consuming one. A message is tried on a copy of the transcript; the state is
 * written only after the last check has passed, and every copy is wiped.
 *
 * An initiation is opened in two steps, since the peer isn't known before its static key has been
 * read: `openInitiation` for the device, then `consumeInitiation` on the peer's handshake.
 */
import { KEY_BYTES, MIN_INITIATION_INTERVAL_MS } from './constants.ts';
import type { DropReason } from './drop-reason.ts';
import {
  encodeInitiation,
  encodeResponse,
  INITIATION,
  receiverIndex,
  RESPONSE,
  senderIndex,
} from './messages.ts';
import type { Entropy, Millis, WallClock, X25519 } from './ports.ts';
import { compareTimestamps, createTimestamp } from './tai64n.ts';
import { Transcript } from './transcript.ts';

/** Our own static keys. */
export interface StaticKeys {
  readonly staticPrivate: Uint8Array;
  readonly staticPublic: Uint8Array;
}

/** An initiation whose static key has been read; the transcript is the holder's to wipe. */
export interface OpenedInitiation {
  readonly remoteStatic: Uint8Array;
  readonly transcript: Transcript;
}

/** What a completed handshake yields. The keys are the receiver's, to wipe. */
export interface DerivedKeys {
  readonly isInitiator: boolean;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

/** What a handshake asks of its device. */
export interface HandshakePorts {
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly x25519: X25519;
}

/** The first half of consuming an initiation: `e`, `es` and `s`. Leaves the message as it was. */
export function openInitiation(
  message: Uint8Array,
  local: StaticKeys,
  x25519: X25519,
): OpenedInitiation | DropReason {
  const transcript = Transcript.begin(local.staticPublic);
  // e
  const remoteEphemeral = message.subarray(INITIATION.ephemeral, INITIATION.static);
  transcript.mixEphemeral(remoteEphemeral);
  // es
  const shared = x25519.sharedSecret(local.staticPrivate, remoteEphemeral);
  if (!shared) return refuse(transcript, 'lowOrderPoint');
  const key = mixShared(transcript, shared);
  // s
  const sealedStatic = message.subarray(INITIATION.static, INITIATION.timestamp);
  const remoteStatic = transcript.open(key, sealedStatic);
  if (!remoteStatic) return refuse(transcript, 'unopenedInitiation');
  return { remoteStatic, transcript };
}

type State =
  | { readonly step: 'none' }
  | {
      readonly step: 'initiationCreated';
      readonly localIndex: number;
      readonly ephemeralPrivate: Uint8Array;
      readonly transcript: Transcript;
    }
  | {
      readonly step: 'initiationConsumed';
      readonly remoteIndex: number;
      readonly remoteEphemeral: Uint8Array;
      readonly transcript: Transcript;
    }
  | {
      readonly step: 'complete';
      readonly isInitiator: boolean;
      readonly localIndex: number;
      readonly remoteIndex: number;
      readonly transcript: Transcript;
    };

const NONE: State = { step: 'none' };

/** The handshake with one peer, in either role. */
export class Handshake {
  readonly #remoteStatic: Uint8Array;
  readonly #ports: HandshakePorts;
  readonly #presharedKey = new Uint8Array(KEY_BYTES);
  #local: StaticKeys | undefined;
  #staticStatic: Uint8Array | undefined;
  #state: State = NONE;
  #timestampSent: Uint8Array | undefined;
  #timestampAccepted: Uint8Array | undefined;
  #consumed: Millis = -Infinity;

  /** `timestampSent` is a timestamp that our own must exceed. */
  constructor(remoteStatic: Uint8Array, ports: HandshakePorts, timestampSent?: Uint8Array) {
    this.#remoteStatic = remoteStatic;
    this.#ports = ports;
    this.#timestampSent = timestampSent;
  }

  /** Handshakes are possible: we have a private key, and the peer's public key is a proper point. */
  get isEnabled(): boolean {
    return this.#staticStatic !== undefined;
  }

  /** The index of an initiation that waits for its response. */
  get localIndex(): number | undefined {
    return this.#state.step === 'initiationCreated' ? this.#state.localIndex : undefined;
  }

  /** The timestamp of the last initiation created. */
  get timestampSent(): Uint8Array | undefined {
    return this.#timestampSent;
  }

  /** The preshared key; zeros if there is none. Not a copy. */
  get presharedKey(): Uint8Array {
    return this.#presharedKey;
  }

  /** Sets the preshared key from the next handshake message on; zeros for none. */
  setPresharedKey(presharedKey: Uint8Array): void {
    this.#presharedKey.set(presharedKey);
  }

  /** Sets our static keys, and clears a handshake that was made with others. */
  setLocal(local: StaticKeys | undefined): void {
    this.clear();
    this.#staticStatic?.fill(0);
    this.#local = local;
    this.#staticStatic =
      local && this.#ports.x25519.sharedSecret(local.staticPrivate, this.#remoteStatic);
  }

  /** Creates an initiation without its MACs; undefined where handshakes aren't enabled. */
  createInitiation(localIndex: number): Uint8Array | undefined {
    const { entropy, wallClock, x25519 } = this.#ports;
    const [local, staticStatic] = [this.#local, this.#staticStatic];
    if (!local || !staticStatic) return undefined;
    this.clear();
    const message = encodeInitiation(localIndex);
    const transcript = Transcript.begin(this.#remoteStatic);
    // e
    const ephemeralPrivate = new Uint8Array(KEY_BYTES);
    entropy.fill(ephemeralPrivate);
    const ephemeral = x25519.publicKey(ephemeralPrivate);
    message.set(ephemeral, INITIATION.ephemeral);
    transcript.mixEphemeral(ephemeral);
    // es
    const shared = x25519.sharedSecret(ephemeralPrivate, this.#remoteStatic);
    if (!shared) {
      transcript.wipe();
      ephemeralPrivate.fill(0);
      return undefined;
    }
    const staticKey = mixShared(transcript, shared);
    // s
    const sealedStatic = message.subarray(INITIATION.static, INITIATION.timestamp);
    sealedStatic.set(local.staticPublic);
    transcript.seal(staticKey, sealedStatic);
    // ss
    const timestampKey = transcript.mixKeyAndCipher(staticStatic);
    // {t}
    const sealedTimestamp = message.subarray(INITIATION.timestamp, INITIATION.mac1);
    this.#timestampSent = createTimestamp(wallClock(), this.#timestampSent);
    sealedTimestamp.set(this.#timestampSent);
    transcript.seal(timestampKey, sealedTimestamp);
    this.#state = { step: 'initiationCreated', localIndex, ephemeralPrivate, transcript };
    return message;
  }

  /**
   * The second half of consuming an initiation: `ss`, the timestamp, and the least interval. Takes
   * over the opened transcript. A reason means that nothing has changed.
   */
  consumeInitiation(
    message: Uint8Array,
    opened: OpenedInitiation,
    now: Millis,
  ): DropReason | undefined {
    const { transcript } = opened;
    if (!this.#staticStatic) return refuse(transcript, 'handshakeDisabled');
    // ss
    const key = transcript.mixKeyAndCipher(this.#staticStatic);
    // {t}
    const sealedTimestamp = message.subarray(INITIATION.timestamp, INITIATION.mac1);
    const timestamp = transcript.open(key, sealedTimestamp);
    if (!timestamp) return refuse(transcript, 'unopenedInitiation');
    if (this.#timestampAccepted && compareTimestamps(timestamp, this.#timestampAccepted) <= 0) {
      return refuse(transcript, 'replayedInitiation');
    }
    if (now - this.#consumed < MIN_INITIATION_INTERVAL_MS) {
      return refuse(transcript, 'initiationFlood');
    }
    this.clear();
    this.#timestampAccepted = timestamp;
    this.#consumed = now;
    this.#state = {
      step: 'initiationConsumed',
      remoteIndex: senderIndex(message),
      remoteEphemeral: Uint8Array.from(message.subarray(INITIATION.ephemeral, INITIATION.static)),
      transcript,
    };
    return undefined;
  }

  /** Creates the response to the initiation just consumed, without its MACs. */
  createResponse(localIndex: number): Uint8Array | undefined {
    const { entropy, x25519 } = this.#ports;
    const state = this.#state;
    if (state.step !== 'initiationConsumed') return undefined;
    const { transcript, remoteIndex, remoteEphemeral } = state;
    const message = encodeResponse(localIndex, remoteIndex);
    // e
    const ephemeralPrivate = new Uint8Array(KEY_BYTES);
    entropy.fill(ephemeralPrivate);
    const ephemeral = x25519.publicKey(ephemeralPrivate);
    message.set(ephemeral, RESPONSE.ephemeral);
    transcript.mixEphemeral(ephemeral);
    // ee, se
    const mixed =
      mixDh(transcript, x25519.sharedSecret(ephemeralPrivate, remoteEphemeral)) &&
      mixDh(transcript, x25519.sharedSecret(ephemeralPrivate, this.#remoteStatic));
    ephemeralPrivate.fill(0);
    if (!mixed) {
      this.clear();
      return undefined;
    }
    // psk
    const key = transcript.mixPresharedKey(this.#presharedKey);
    // {}
    transcript.seal(key, message.subarray(RESPONSE.empty, RESPONSE.mac1));
    this.#state = { step: 'complete', isInitiator: false, localIndex, remoteIndex, transcript };
    return message;
  }

  /** Consumes the response to our initiation. A reason means that nothing has changed. */
  consumeResponse(message: Uint8Array): DropReason | undefined {
    const state = this.#state;
    const local = this.#local;
    if (!local || state.step !== 'initiationCreated') return 'unexpectedResponse';
    if (receiverIndex(message) !== state.localIndex) return 'unexpectedResponse';
    const { x25519 } = this.#ports;
    const transcript = state.transcript.clone();
    // e
    const remoteEphemeral = message.subarray(RESPONSE.ephemeral, RESPONSE.empty);
    transcript.mixEphemeral(remoteEphemeral);
    // ee, se
    const mixed =
      mixDh(transcript, x25519.sharedSecret(state.ephemeralPrivate, remoteEphemeral)) &&
      mixDh(transcript, x25519.sharedSecret(local.staticPrivate, remoteEphemeral));
    if (!mixed) return refuse(transcript, 'lowOrderPoint');
    // psk
    const key = transcript.mixPresharedKey(this.#presharedKey);
    // {}
    const empty = message.subarray(RESPONSE.empty, RESPONSE.mac1);
    if (!transcript.open(key, empty)) return refuse(transcript, 'unopenedResponse');
    const { localIndex } = state;
    this.clear();
    const remoteIndex = senderIndex(message);
    this.#state = { step: 'complete', isInitiator: true, localIndex, remoteIndex, transcript };
    return undefined;
  }

  /** The transport keys of a handshake whose second message is made or consumed; ends it. */
  deriveKeys(): DerivedKeys | undefined {
    if (this.#state.step !== 'complete') return undefined;
    const { isInitiator, localIndex, remoteIndex, transcript } = this.#state;
    const [first, second] = transcript.split();
    this.clear();
    const [sendKey, receiveKey] = isInitiator ? [first, second] : [second, first];
    return { isInitiator, localIndex, remoteIndex, sendKey, receiveKey };
  }

  /** Wipes what is under way. Timestamps stay, for they protect against replay. */
  clear(): void {
    if (this.#state.step === 'none') return;
    if (this.#state.step === 'initiationCreated') this.#state.ephemeralPrivate.fill(0);
    this.#state.transcript.wipe();
    this.#state = NONE;
  }

  /** Wipes every secret; the handshake is of no use afterwards. */
  wipe(): void {
    this.setLocal(undefined);
    this.#presharedKey.fill(0);
  }
}

function refuse(transcript: Transcript, reason: DropReason): DropReason {
  transcript.wipe();
  return reason;
}

/** Mixes a shared secret for a cipher key, and wipes the secret. */
function mixShared(transcript: Transcript, shared: Uint8Array): Uint8Array {
  const key = transcript.mixKeyAndCipher(shared);
  shared.fill(0);
  return key;
}

/** Mixes a shared secret without a cipher key, and wipes it; false if there is none. */
function mixDh(transcript: Transcript, shared: Uint8Array | undefined): boolean {
  if (!shared) return false;
  transcript.mixKey(shared);
  shared.fill(0);
  return true;
}
