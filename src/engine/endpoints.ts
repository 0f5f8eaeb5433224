/**
 * Where the configuration says that the peers are: the addresses that a name had when the tunnel was
 * started, and those that it has now.
 *
 * A peer whose endpoint was set by a request is where the request said, and its name counts no more.
 */
import { formatHex, parseHex } from '../bytes.ts';
import type { EngineEndpoint } from '../engine-configuration.ts';
import { parseAddress, UdpEndpoint } from '../ip.ts';
import type { UapiSet } from '../uapi.ts';
import type { PeerUpdate } from '../wireguard/device.ts';

/** What an answer of the resolver changes. */
export interface Resolved {
  readonly updates: readonly PeerUpdate[];
  /** For the log, if none of the addresses is the same. */
  readonly moved: string | undefined;
}

/** The places of all peers, by public key. */
export class Endpoints {
  readonly #places: Map<string, EngineEndpoint>;

  constructor(endpoints: readonly EngineEndpoint[]) {
    this.#places = new Map(endpoints.map((endpoint) => [endpoint.publicKey, endpoint]));
  }

  /** What the device has to be told at the start. */
  initial(): readonly PeerUpdate[] {
    return [...this.#places.values()].map(candidatesOf);
  }

  /** The name that a peer's addresses are of. */
  resolvedFrom(publicKey: Uint8Array): string | undefined {
    return this.#places.get(formatHex(publicKey))?.name;
  }

  /** Takes the resolver's answer about a name; undefined if nobody is there, or nothing is new. */
  resolved(name: string, addresses: readonly string[]): Resolved | undefined {
    const known = [...this.#places.values()].filter((places) => places.name === name);
    const [first] = known;
    if (known.length === 0 || first.addresses.join() === addresses.join()) return undefined;
    const isElsewhere = !addresses.some((address) => first.addresses.includes(address));
    const updates = known.map((places) => {
      const changed = { ...places, addresses };
      this.#places.set(places.publicKey, changed);
      return candidatesOf(changed);
    });
    return {
      updates,
      moved: isElsewhere
        ? `endpoint ${name} moved ${first.addresses[0]} → ${addresses[0]}`
        : undefined,
    };
  }

  /** Takes note of a request that says where peers are, or that they are no more. */
  changed(set: UapiSet): void {
    if (set.replacePeers) this.#places.clear();
    for (const { publicKey, endpoint, remove } of set.peers) {
      if (endpoint || remove) this.#places.delete(formatHex(publicKey));
    }
  }
}

function candidatesOf({ publicKey, port, addresses }: EngineEndpoint): PeerUpdate {
  const candidates = addresses.flatMap((text) => {
    const address = parseAddress(text);
    return address ? [new UdpEndpoint(address, port)] : [];
  });
  return { publicKey: parseHex(publicKey) ?? new Uint8Array(), updateOnly: true, candidates };
}
