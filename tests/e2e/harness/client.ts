/**
 * A configuration for the product, and the peers' side of it.
 *
 * Each client has keys of its own, and the peers forget every earlier client when they learn of it:
 * no test inherits a handshake from the one before.
 */
import { makeKeyPair } from './keys.ts';
import type { Host } from './host.ts';
import { TUNNEL_PORT, type Site } from './site.ts';

/** What differs from the plain case: one peer, at its IPv4 address, that gets everything. */
export interface ClientOptions {
  /** The name of the file; `work.conf` if absent. */
  readonly name?: string;
  /** What the config has as PresharedKey; the peer has the same unless told otherwise. */
  readonly presharedKey?: string;
  readonly peerPresharedKey?: string;
  /** `ADDRESS:PORT`, or false for none; the site's IPv4 address if absent. */
  readonly endpoint?: string | false;
  /** For each site in turn; everything, to one site, if absent. */
  readonly allowedIps?: readonly string[];
  /** What follows in the [Interface] section; a DNS line if absent. */
  readonly interfaceLines?: readonly string[];
  /** What follows in each [Peer] section. */
  readonly peerLines?: readonly string[];
  /** Where wireguard-go shall look for us. */
  readonly ourEndpoint?: string;
  readonly keepaliveSeconds?: number;
}

/** A configuration on the host's disk. */
export interface Client {
  /** The name of the file, relative to the user's home. */
  readonly name: string;
  readonly text: string;
  /** What the peers know us by. */
  readonly publicKey: string;
  /** Has the peers forget everybody and learn of this client again, so that they start anew. */
  readonly introduce: () => Promise<void>;
}

/** Makes keys, introduces them to the sites' peers, and writes the configuration. */
export async function makeClient(
  host: Host,
  sites: readonly Site[],
  options: ClientOptions = {},
): Promise<Client> {
  const keys = makeKeyPair();
  const first = sites[0].addresses;
  const lines = [
    '[Interface]',
    `PrivateKey = ${keys.privateKey}`,
    `Address = ${first.client4}/32, ${first.client6}/128`,
    ...(options.interfaceLines ?? [`DNS = ${first.inner4}`]),
  ];
  for (const [index, site] of sites.entries()) {
    lines.push(...peerSection(site, options, index));
  }
  const text = `${lines.join('\n')}\n`;
  const name = options.name ?? 'work.conf';
  host.write(name, text);
  const introduceToAll = async (): Promise<void> => {
    for (const site of sites) await introduce(site, keys.publicKey, first, options);
  };
  await introduceToAll();
  return { name, text, publicKey: keys.publicKey, introduce: introduceToAll };
}

function peerSection(site: Site, options: ClientOptions, index: number): readonly string[] {
  const { presharedKey, endpoint = `${site.addresses.outer4}:${TUNNEL_PORT}` } = options;
  return [
    '',
    '[Peer]',
    `PublicKey = ${site.peer.keys.publicKey}`,
    `AllowedIPs = ${options.allowedIps?.[index] ?? '0.0.0.0/0, ::/0'}`,
    ...(endpoint === false ? [] : [`Endpoint = ${endpoint}`]),
    ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    ...(options.peerLines ?? []),
  ];
}

async function introduce(
  site: Site,
  publicKey: string,
  at: Site['addresses'],
  options: ClientOptions,
): Promise<void> {
  const presharedKey = options.peerPresharedKey ?? options.presharedKey;
  await site.peer.setPeers([
    {
      publicKey,
      allowedIps: [`${at.client4}/32`, `${at.client6}/128`],
      ...(presharedKey !== undefined && { presharedKey }),
      ...(options.ourEndpoint !== undefined && { endpoint: options.ourEndpoint }),
      ...(options.keepaliveSeconds !== undefined && {
        keepaliveSeconds: options.keepaliveSeconds,
      }),
    },
  ]);
}
