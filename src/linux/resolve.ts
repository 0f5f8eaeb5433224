/**
 * Names through the host's resolver, in the host's namespaces: a name inside the tunnel could never
 * be resolved before there is a tunnel.
 */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAddress, type Address } from '../ip.ts';
import { endProcess } from './ffi.ts';

/** What the host's resolver says: addresses in its order, or why there are none. */
export type Resolution = { readonly addresses: readonly Address[] } | { readonly failure: string };

const NO_ANSWER = 'no answer from the host resolver';

/** Asks the host's resolver once, for both families; no answer within `limitMs` is a failure, too. */
export async function resolveName(name: string, limitMs: number): Promise<Resolution> {
  const answered = new AbortController();
  const late = delay(Math.max(0, limitMs), undefined, { signal: answered.signal });
  const resolution = await Promise.race([ask(name), late]);
  if (resolution) {
    answered.abort();
    // It lost the race, and tells so by rejecting.
    late.catch(() => undefined);
    return resolution;
  }
  leaveThreadsBehind();
  return { failure: NO_ANSWER };
}

/**
 * A call of getaddrinfo(3) can't be cancelled, and when the process ends Node waits for the thread that
 * is in it: with a resolver that is silent, for many seconds.
 */
function leaveThreadsBehind(): void {
  if (!process.listeners('exit').includes(endProcess)) process.once('exit', endProcess);
}

async function ask(name: string): Promise<Resolution> {
  try {
    const found = await lookup(name, { all: true, verbatim: true });
    const addresses = found.map((entry) => parseAddress(entry.address));
    return { addresses: addresses.filter((address) => address !== undefined) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { failure: FAILURES[code] ?? code };
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'NXDOMAIN from the host resolver',
  EAI_AGAIN: NO_ANSWER,
};

/** The servers that the host's `resolv.conf` names, without zones; none if there is no such file. */
export function hostNameservers(path = '/etc/resolv.conf'): readonly Address[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Absent, dangling or unreadable: glibc then asks 127.0.0.1, which the tunnel doesn't reach.
    return [];
  }
  const servers = text
    .split('\n')
    .map((line) => /^nameserver[ \t]+([^\s%]+)/.exec(line))
    .map((match) => match && parseAddress(match[1]));
  return servers.filter((address) => address !== null && address !== undefined);
}
