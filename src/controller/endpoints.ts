/**
 * Where the peers are: names of `Endpoint=` to addresses, through the host's resolver.
 *
 * A resolver that fails is asked again with growing pauses until the time is over, whatever it said: a
 * machine that has just booted says NXDOMAIN too. Of several addresses the first one counts that the
 * host has a route to.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config, EndpointConfig } from '../config/config.ts';
import { WgWrapError } from '../errors.ts';
import { parseAddress, type Address, type SocketAddress } from '../ip.ts';
import { lookUpRoute } from '../linux/host-sockets.ts';
import { resolveName } from '../linux/resolve.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;

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
): Promise<readonly (SocketAddress | undefined)[]> {
  return Promise.all(
    config.peers.map(async ({ endpoint }) => {
      if (!endpoint) return undefined;
      const addresses = await resolve(shown, endpoint, deadline);
      return { address: preferred(addresses, endpoint.port), port: endpoint.port };
    }),
  );
}

async function resolve(
  shown: string,
  endpoint: EndpointConfig,
  deadline: Deadline,
): Promise<readonly Address[]> {
  const numeric = parseAddress(endpoint.host);
  if (numeric) return [numeric];
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

function preferred(addresses: readonly Address[], port: number): Address {
  return addresses.find((address) => lookUpRoute({ address, port }).reachable) ?? addresses[0];
}
