/**
 * Someone who sees every datagram that a device sends, and knows what none of them may show:
 *
 * - a message of no known type, or of a wrong length (WP 5.4);
 * - transport data with a receiver index and a counter that the same sender used before: the nonce
 *   of the AEAD is the counter, and a nonce must never occur twice under one key;
 * - a sealed packet whose length is neither a multiple of 16 nor the MTU of the interface;
 * - the marker of an inner packet in the clear.
 */
import { readUint32LE, readUint64LE } from '../../src/bytes.ts';
import { MARKER } from './inner-packet.ts';
import type { SimEndpoint } from './sim-endpoint.ts';

/** What kind of message a datagram is. */
export type MessageKind = 'initiation' | 'response' | 'cookieReply' | 'data' | 'keepalive';

/** One datagram, as it was sent. */
export interface Sighting {
  readonly at: number;
  readonly sender: string;
  readonly from: SimEndpoint;
  readonly to: SimEndpoint;
  readonly datagram: Uint8Array;
  readonly kind: MessageKind;
}

/** What to look for; every field that is given must match. */
export interface SightingFilter {
  readonly sender?: string;
  readonly kind?: MessageKind;
  readonly since?: number;
}

const KEEPALIVE_BYTES = 32;
const decoder = new TextDecoder('latin1');

/** The type of a message, or undefined where type and length are not those of any. */
export function messageKind(datagram: Uint8Array): MessageKind | undefined {
  if (datagram.length < 4) return undefined;
  const type = readUint32LE(datagram, 0);
  if (type === 1 && datagram.length === 148) return 'initiation';
  if (type === 2 && datagram.length === 92) return 'response';
  if (type === 3 && datagram.length === 64) return 'cookieReply';
  if (type !== 4 || datagram.length < KEEPALIVE_BYTES) return undefined;
  return datagram.length === KEEPALIVE_BYTES ? 'keepalive' : 'data';
}

/** Records what is on the wire and finds what should not be. */
export class Eavesdropper {
  readonly #sightings: Sighting[] = [];
  readonly #nonces: Set<string> = new Set();

  /** Records a datagram. Returns what is wrong with it, or undefined. */
  observe(sighting: Omit<Sighting, 'kind'>, mtu: number): string | undefined {
    const kind = messageKind(sighting.datagram);
    if (!kind) return `${sighting.sender} sent a datagram that is no message`;
    this.#sightings.push({ ...sighting, kind });
    if (decoder.decode(sighting.datagram).includes(MARKER)) {
      return `${sighting.sender} sent an inner packet in the clear`;
    }
    return kind === 'data' || kind === 'keepalive'
      ? this.#observeTransport(sighting, mtu)
      : undefined;
  }

  /** The datagrams that match, in the order in which they were sent. */
  seen(filter: SightingFilter = {}): readonly Sighting[] {
    return this.#sightings.filter(
      (sighting) =>
        (filter.sender === undefined || sighting.sender === filter.sender) &&
        (filter.kind === undefined || sighting.kind === filter.kind) &&
        (filter.since === undefined || sighting.at >= filter.since),
    );
  }

  /** The last datagram that matches; there must be one. */
  last(filter: SightingFilter = {}): Sighting {
    const found = this.seen(filter).at(-1);
    if (!found) throw new Error(`no such datagram was seen: ${JSON.stringify(filter)}`);
    return found;
  }

  #observeTransport(sighting: Omit<Sighting, 'kind'>, mtu: number): string | undefined {
    const { datagram, sender } = sighting;
    const index = readUint32LE(datagram, 4);
    const counter = readUint64LE(datagram, 8);
    const nonce = `${sender} ${index} ${counter}`;
    if (this.#nonces.has(nonce)) return `${sender} used counter ${counter} of ${index} twice`;
    this.#nonces.add(nonce);
    const plaintextBytes = datagram.length - KEEPALIVE_BYTES;
    // A packet longer than the MTU is padded as its remainder, on top of whole MTUs.
    const last = plaintextBytes > mtu ? plaintextBytes % mtu : plaintextBytes;
    if (last % 16 !== 0 && last !== mtu) {
      return `${sender} sealed ${plaintextBytes} bytes at an MTU of ${mtu}`;
    }
    return undefined;
  }
}
