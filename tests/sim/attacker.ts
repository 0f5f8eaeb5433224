/**
 * Someone on the path who sees every datagram and may send any, but holds no key: replays, cuts,
 * lengthens, flips bits, exchanges receiver indices, and makes up handshake messages with a right
 * mac1, for public keys are public.
 *
 * What it sends arrives after the original. Otherwise it could deliver the very datagram sooner and
 * from elsewhere, which is roaming to any receiver, and nothing that WireGuard prevents.
 */
import { makeFakeHandshake } from './bare-peer.ts';
import { messageKind } from './eavesdropper.ts';
import type { Flight, Network } from './network.ts';
import { SimEndpoint } from './sim-endpoint.ts';
import type { Station } from './station.ts';

const PLACE = SimEndpoint.of('203.0.113.66:666');
const MAX_REMEMBERED = 256;
const EXTRA_DELAY_MS = 50;

/** Attacks a network for as long as it is the network's gate. */
export class Attacker {
  /** How many datagrams it has sent. */
  sent = 0;
  readonly #network: Network;
  readonly #stations: readonly Station[];
  readonly #probability: number;
  readonly #remembered: Flight[] = [];

  constructor(network: Network, stations: readonly Station[], probability: number) {
    this.#network = network;
    this.#stations = stations;
    this.#probability = probability;
  }

  /** To be called for each datagram on the link. */
  see(flight: Flight): void {
    const { random } = this.#network;
    if (this.#remembered.length < MAX_REMEMBERED) this.#remembered.push(flight);
    else this.#remembered[random.below(MAX_REMEMBERED)] = flight;
    if (!random.chance(this.#probability)) return;
    const model = random.chance(0.5) ? flight : this.#pick(this.#remembered);
    const datagram = this.#forge(model);
    const from = random.chance(0.5) ? model.from : PLACE;
    const { delayMs, delayVariationMs } = this.#network.link;
    this.#network.insert(
      { datagram, from, to: model.to },
      delayMs + delayVariationMs + 1 + random.below(EXTRA_DELAY_MS),
    );
    this.sent++;
  }

  #forge({ datagram, to }: Flight): Uint8Array {
    const { random } = this.#network;
    switch (random.below(7)) {
      case 0:
        return datagram;
      case 1:
        return datagram.slice(0, random.below(datagram.length));
      case 2:
        return Uint8Array.of(...datagram, ...random.bytes(1 + random.below(32)));
      case 3: {
        const flipped = Uint8Array.from(datagram);
        flipped[random.below(flipped.length)] ^= 1 << random.below(8);
        return flipped;
      }
      case 4:
        return this.#withForeignIndex(datagram);
      case 5:
        return random.bytes(random.below(1500));
      default:
        return this.#fakeHandshake(to);
    }
  }

  #withForeignIndex(datagram: Uint8Array): Uint8Array {
    const other = this.#pick(this.#remembered).datagram;
    const mixed = Uint8Array.from(datagram);
    const isTransport = messageKind(other) === 'data' || messageKind(other) === 'keepalive';
    mixed.set(other.subarray(4, 8), 4);
    if (isTransport && mixed.length >= 32) mixed.set([4, 0, 0, 0]);
    return mixed;
  }

  #fakeHandshake(to: SimEndpoint): Uint8Array {
    const { random } = this.#network;
    const target = this.#stations.find(({ endpoint }) => endpoint.equals(to)) ?? this.#stations[0];
    const kind = random.chance(0.5) ? 'initiation' : 'response';
    const index = this.#pick(this.#remembered).datagram.slice(4, 8);
    return makeFakeHandshake(
      kind,
      random,
      target.publicKey,
      kind === 'response' ? index : undefined,
    );
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#network.random.below(list.length)];
  }
}
