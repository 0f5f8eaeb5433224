/**
 * A bare peer with a place on the network: it keeps what it receives until a test takes it, and sends
 * only what a test tells it to, past the link, so that nothing is lost and no time passes.
 */
import type { Address } from '../../src/ip.ts';
import { BarePeer, tai64nLabel, type BareKeypair, type HandshakeChoices } from './bare-peer.ts';
import { messageKind } from './eavesdropper.ts';
import type { Party } from './ledger.ts';
import type { Network } from './network.ts';
import { SimEndpoint } from './sim-endpoint.ts';
import type { Station } from './station.ts';

/** What is different about a bare station. */
export interface BareStationOptions {
  readonly name?: string;
  readonly endpoint?: string;
  readonly innerIPv4?: Address;
  readonly presharedKey?: Uint8Array;
}

/** A bare peer of one station. */
export class BareStation implements Party {
  readonly name: string;
  readonly innerIPv4: Address;
  readonly innerIPv6: Address;
  readonly peer: BarePeer;
  /** What arrived, oldest first. */
  readonly inbox: Uint8Array[] = [];
  readonly #network: Network;
  readonly #station: Station;
  #endpoint: SimEndpoint;

  constructor(network: Network, station: Station, options: BareStationOptions = {}) {
    this.#network = network;
    this.#station = station;
    this.name = options.name ?? 'bare';
    this.innerIPv4 = options.innerIPv4 ?? Uint8Array.of(10, 0, 0, 200);
    this.innerIPv6 = Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...this.innerIPv4);
    this.peer = new BarePeer({
      random: network.random,
      remotePublicKey: station.publicKey,
      x25519: station.x25519,
      ...(options.presharedKey && { presharedKey: options.presharedKey }),
    });
    this.#endpoint = SimEndpoint.of(options.endpoint ?? '198.51.100.1:1000');
    this.moveTo(this.#endpoint.toString());
  }

  /** Where it sends from. */
  get endpoint(): SimEndpoint {
    return this.#endpoint;
  }

  /** Moves to another address or port. */
  moveTo(endpoint: string): void {
    this.#network.detach(this.#endpoint);
    this.#endpoint = SimEndpoint.of(endpoint);
    this.#network.attach(this.#endpoint, (datagram) => this.inbox.push(datagram));
  }

  /** Puts a datagram before the station. */
  send(datagram: Uint8Array): void {
    this.#network.inject(datagram, this.#endpoint, this.#station.endpoint);
  }

  /** An initiation with the time of the simulation, which passes the check of its timestamp. */
  createInitiation(choices: HandshakeChoices = {}): Uint8Array {
    return this.peer.createInitiation({
      timestamp: tai64nLabel(this.#network.wallTime()),
      ...choices,
    });
  }

  /** Does a handshake as the initiator, at least 20 ms after the one before. */
  handshake(): BareKeypair {
    this.#network.advance(20);
    this.send(this.createInitiation());
    return this.peer.consumeResponse(this.take('response'));
  }

  /** Lets what is on the way arrive, and takes everything of one kind from the inbox but the last. */
  take(kind: 'initiation' | 'response' | 'cookieReply' | 'data' | 'keepalive'): Uint8Array {
    this.#network.advance(this.#network.link.delayMs);
    const found = this.inbox.findLast((datagram) => messageKind(datagram) === kind);
    this.inbox.length = 0;
    if (!found) throw new Error(`${this.name} received no ${kind}`);
    return found;
  }

  /** Lets what is on the way arrive, and tells the kinds of all of it; the inbox is empty then. */
  takeKinds(): readonly (string | undefined)[] {
    this.#network.advance(this.#network.link.delayMs);
    return this.inbox.splice(0).map((datagram) => messageKind(datagram));
  }
}

/** Adds a bare peer to a station, and gives the station its key, endpoint and addresses. */
export function addBareStation(
  network: Network,
  station: Station,
  options: BareStationOptions = {},
): BareStation {
  const bare = new BareStation(network, station, options);
  station.configure({
    peers: [
      {
        publicKey: bare.peer.publicKey,
        endpoint: bare.endpoint,
        allowedIPs: [
          { prefix: { address: bare.innerIPv4, length: 32 } },
          { prefix: { address: bare.innerIPv6, length: 128 } },
        ],
        ...(options.presharedKey && { presharedKey: options.presharedKey }),
      },
    ],
  });
  return bare;
}
