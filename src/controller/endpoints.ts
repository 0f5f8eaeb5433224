/**
 * Where the peers are: names of `Endpoint=` to addresses, through the host's resolver.
 *
 * A resolver that fails is asked again with growing pauses until the time is over, whatever it said: a
 * machine that has just booted says NXDOMAIN too. All addresses of a name are kept, in the order in which
 * they are to be tried: the resolver's, but with the families in turns, as one of them may lead nowhere,
 * and those that the host has no route to at the end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config, EndpointConfig } from '../config/config.ts';
import { WgWrapError } from '../errors.ts';
import { formatAddress, parseAddress, type Address } from '../ip.ts';
import { lookUpRoute } from '../linux/host-sockets.ts';
import { resolveName } from '../linux/resolve.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;
/** Most addresses of a name that are kept; the core keeps no more. */
const MAX_ADDRESSES = 32;
/** Any port does to ask for a route. */
const SOME_PORT = 51820;

/** Where a peer may be. */
export interface PeerPlaces {
  /** The name, if the endpoint was given as one. */
  readonly name?: string;
  readonly port: number;
  /** In the order in which to try them; at least one. */
  readonly addresses: readonly Address[];
}

/** When to give up: milliseconds on `performance.now()`'s clock, and the wait as a whole. */
export interface Deadline {
  readonly at: number;
  readonly totalMs: number;
}

/**
 * Resolves all endpoints side by side, in the order of the peers.
 * @throws {WgWrapError} `notConnected`, if a name has no address when the time is over.
 */
export async function resolveEndpoints(
  shown: string,
  config: Config,
  deadline: Deadline,
): Promise<readonly (PeerPlaces | undefined)[]> {
  return Promise.all(
    config.peers.map(async ({ endpoint }) => {
      if (!endpoint) return undefined;
      const { host, port } = endpoint;
      const numeric = parseAddress(host);
      if (numeric) return { port, addresses: [numeric] };
      const addresses = await resolve(shown, endpoint, deadline);
      return { name: host, port, addresses: inOrder(addresses, hasRoute) };
    }),
  );
}

async function resolve(
  shown: string,
  endpoint: EndpointConfig,
  deadline: Deadline,
): Promise<readonly Address[]> {
  let pause = FIRST_PAUSE_MS;
  for (let attempts = 1; ; attempts++) {
    const resolution = await resolveName(endpoint.host, deadline.at - performance.now());
    if ('addresses' in resolution && resolution.addresses.length > 0) return resolution.addresses;
    const failure = 'failure' in resolution ? resolution.failure : 'no address';
    const left = deadline.at - performance.now();
    if (left <= pause) {
      throw new WgWrapError(
        'notConnected',
        unresolved(shown, endpoint, failure, attempts, deadline),
      );
    }
    await delay(pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

function unresolved(
  shown: string,
  endpoint: EndpointConfig,
  failure: string,
  attempts: number,
  deadline: Deadline,
): string {
  const tried = attempts === 1 ? 'once' : `${attempts} times`;
  return `${shown}:${endpoint.line}: cannot resolve endpoint "${endpoint.host}" (${failure}); tried ${tried} in ${deadline.totalMs / 1000} s`;
}

/**
 * Puts addresses into the order in which to try them, each once; `isReachable` tells whether the host
 * has a route.
 */
export function inOrder(
  addresses: readonly Address[],
  isReachable: (address: Address) => boolean,
): readonly Address[] {
  const once = [...new Map(addresses.map((address) => [formatAddress(address), address])).values()];
  const isGood = once.map(isReachable);
  const good = once.filter((_, index) => isGood[index]);
  const others = once.filter((_, index) => !isGood[index]);
  return [...inTurns(good), ...inTurns(others)].slice(0, MAX_ADDRESSES);
}

/** Alternates between the families, beginning with that of the first address. */
function inTurns(addresses: readonly Address[]): readonly Address[] {
  const first = addresses.filter((address) => address.length === addresses[0].length);
  const second = addresses.filter((address) => address.length !== addresses[0].length);
  const longer = Math.max(first.length, second.length);
  return Array.from({ length: longer }, (_, i) => [
    ...first.slice(i, i + 1),
    ...second.slice(i, i + 1),
  ]).flat();
}

/** Whether the host has a route to an address. */
export function hasRoute(address: Address): boolean {
  return lookUpRoute({ address, port: SOME_PORT }).reachable;
}
