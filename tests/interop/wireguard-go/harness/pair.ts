/**
 * The product and wireguard-go, either of them as the initiator.
 *
 * Only the initiator knows the other's endpoint, so roles can't be swapped by chance. Where that is
 * wireguard-go, it learns of us when our sockets are there: it would try again only after five
 * seconds.
 *
 * Each outer family has a wireguard-go that has never sent over the other one. Releases since 2023
 * reuse the address that they send to: after an IPv4 address it has room for four bytes only, and the
 * first datagrams over IPv6 go to the prefix of it that fits (2001:db8:: instead of 2001:db8::2).
 */
import { expect } from 'vitest';
import type { Client } from '../../../e2e/harness/client.ts';
import type { Command, CommandOptions } from '../../../e2e/harness/command.ts';
import { eventually } from '../../../e2e/harness/eventually.ts';
import { TUNNEL_PORT, type Site } from '../../../e2e/harness/site.ts';
import type { Topology } from '../../../e2e/harness/topology.ts';

/** Where the product listens when wireguard-go initiates. */
export const LISTEN_PORT = 40_000;

/** Who makes the first handshake. */
export type Initiator = 'product' | 'wireguard-go';

/** What differs from the plain case: the product initiates over IPv4, without a preshared key. */
export interface PairOptions {
  /** The name of the file; `work.conf` if absent. */
  readonly name?: string;
  /** The first one if absent. */
  readonly site?: Site;
  readonly initiator?: Initiator;
  readonly outer?: 4 | 6;
  /** What the config has; wireguard-go has the same unless told otherwise. */
  readonly presharedKey?: string;
  readonly peerPresharedKey?: string;
}

/** The outer family that each site's wireguard-go has spoken. */
const families = new WeakMap<Site, 4 | 6>();

const HOLD = ['sh', '-c', 'echo up; exec cat'] as const;
const SESSION_LIMIT_MS = 60_000;
const START_LIMIT_MS = 10_000;

/** A configuration, and wireguard-go at the other end of it. */
export class Pair {
  readonly client: Client;
  readonly site: Site;
  readonly #topology: Topology;
  readonly #initiator: Initiator;
  readonly #logBefore: number;

  private constructor(topology: Topology, site: Site, client: Client, initiator: Initiator) {
    this.#topology = topology;
    this.site = site;
    this.client = client;
    this.#initiator = initiator;
    this.#logBefore = site.peer.log.length;
  }

  /** Makes keys and a configuration. A wireguard-go that is to initiate knows nobody until then. */
  static async make(topology: Topology, options: PairOptions = {}): Promise<Pair> {
    const { site = topology.site, initiator = 'product', outer = 4, ...keys } = options;
    if ((families.get(site) ?? outer) !== outer) await site.peer.restart();
    families.set(site, outer);
    const { outer4, outer6, host4, host6, inner4 } = site.addresses;
    const [here, there] = outer === 4 ? [host4, outer4] : [`[${host6}]`, `[${outer6}]`];
    const roles =
      initiator === 'product'
        ? { endpoint: `${there}:${TUNNEL_PORT}` }
        : {
            endpoint: false as const,
            interfaceLines: [`ListenPort = ${LISTEN_PORT}`, `DNS = ${inner4}`],
            ourEndpoint: `${here}:${LISTEN_PORT}`,
            // Without one it would have nothing to send, and so nothing to shake hands for.
            keepaliveSeconds: 1,
          };
    const client = await topology.client({ ...roles, ...keys }, [site]);
    if (initiator === 'wireguard-go') await site.peer.setPeers([]);
    return new Pair(topology, site, client, initiator);
  }

  /** What wireguard-go has logged since the pair was made. */
  get log(): string {
    return this.site.peer.log.slice(this.#logBefore);
  }

  /** Starts a command, and introduces us to a wireguard-go that is to initiate. */
  async start(argv: readonly string[], options: CommandOptions = {}): Promise<Command> {
    const command = this.#topology.start(this.client, argv, options);
    await this.meet();
    return command;
  }

  /** Once a command was started: introduces us to a wireguard-go that is to initiate. */
  async meet(): Promise<void> {
    if (this.#initiator !== 'wireguard-go') return;
    await this.listening();
    await this.client.introduce();
  }

  /** Starts a session that lasts until its input ends, and waits until it runs. */
  async hold(): Promise<Command> {
    const options = { inputStaysOpen: true, limitMs: SESSION_LIMIT_MS };
    const session = await this.start(HOLD, options);
    await session.until(/^up\n/m);
    return session;
  }

  /** Waits until the tunnel has its sockets. */
  async listening(): Promise<void> {
    const file = `/${this.client.name}`;
    await eventually(
      () => this.#topology.host.pins().some((pin) => pin.get('config')?.endsWith(file)),
      START_LIMIT_MS,
      () => 'no tunnel was there to speak to',
    );
  }

  /** Runs a shell script inside; throws unless it succeeds without a word on stderr. */
  async inside(script: string, limitMs = 20_000): Promise<string> {
    return await this.#topology.output(this.client, ['sh', '-euc', script], { limitMs });
  }

  /** Pings wireguard-go from inside once a second until one answer comes. */
  async expectAnswer(limitS = 10): Promise<void> {
    const script = `ping -q -c 1 -w ${limitS} ${this.site.addresses.inner4}`;
    expect(await this.inside(script, (limitS + 10) * 1000)).toContain(' 1 received');
  }

  /** wireguard-go's log shows handshakes that the initiator began, and none that the other did. */
  expectInitiator(): void {
    const theirs = 'Received handshake response';
    const ours = 'Received handshake initiation';
    const [seen, unseen] = this.#initiator === 'wireguard-go' ? [theirs, ours] : [ours, theirs];
    expect(this.log).toContain(seen);
    expect(this.log).not.toContain(unseen);
  }
}
