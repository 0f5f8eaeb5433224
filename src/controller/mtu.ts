/**
 * The MTU inside the tunnel: what the command line or the file says, else what the host's routes to
 * the endpoints carry, less WireGuard's overhead over IPv6, since an endpoint may change family.
 */

const OVERHEAD_BYTES = 80;
const MINIMUM = 1280;
const MAXIMUM = 1420;

/** An MTU in bytes and what to tell about it. */
export interface MtuDecision {
  readonly mtu: number;
  readonly warnings: readonly string[];
}

/** Route to an endpoint, as far as it is known. */
export interface EndpointRoute {
  readonly address: string;
  readonly mtu: number;
}

/** Decides; `asked` is `--mtu` or else `MTU=`. */
export function decideMtu(
  asked: number | undefined,
  routes: readonly EndpointRoute[],
): MtuDecision {
  const narrowest = routes.reduce<EndpointRoute | undefined>(
    (found, route) => (found && found.mtu <= route.mtu ? found : route),
    undefined,
  );
  const carried = narrowest ? narrowest.mtu - OVERHEAD_BYTES : MAXIMUM;
  if (asked === undefined) {
    return { mtu: Math.max(MINIMUM, Math.min(MAXIMUM, carried)), warnings: [] };
  }
  const isTooLarge = narrowest !== undefined && asked > carried;
  return {
    mtu: asked,
    warnings: isTooLarge
      ? [
          `MTU = ${asked} is above what the route to ${narrowest.address} carries (${carried}); large packets may be lost`,
        ]
      : [],
  };
}
