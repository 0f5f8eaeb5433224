/**
 * The role `resolve`: names to addresses once more, for an engine whose peer is silent. The pin starts
 * it on the host, where there is a resolver, and hands on what it prints: `NAME ADDRESS,ADDRESS`, a line
 * for each name that has addresses, as soon as it has them.
 */
import { isHostName } from '../config/fields.ts';
import { formatAddress } from '../ip.ts';
import { resolveName } from '../linux/resolve.ts';
import { hasRoute, inOrder } from './endpoints.ts';

/** Before the pin's patience ends, so that a silent resolver costs only its own names. */
const LIMIT_MS = 12_000;

/** Resolves names side by side. Words that are no host names are left out. */
export async function resolveNames(
  names: readonly string[],
  tell: (line: string) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    names.filter(isHostName).map(async (name) => {
      const resolution = await resolveName(name, LIMIT_MS);
      if (!('addresses' in resolution) || resolution.addresses.length === 0) return;
      const addresses = inOrder(resolution.addresses, hasRoute);
      await tell(`${name} ${addresses.map(formatAddress).join(',')}\n`);
    }),
  );
}
