/**
 * A counterpart's place: namespaces of its own behind one veth from the host, with Debian's
 * wireguard-go in it and servers on its tunnel addresses.
 *
 * The servers also listen on nothing else, so an answer proves that the packet came by the tunnel.
 * The one thing on the outer address besides WireGuard is the resolver that the host uses, which
 * gives false answers for inside names: a name resolved outside shows itself by its address.
 */
import type { Command } from './command.ts';
import { Namespace } from './namespace.ts';
import { WireguardGo } from './wireguard-go.ts';

/** The addresses of a site; everything is derived from its number, 0 or 1. */
export interface SiteAddresses {
  /** The veth on the host's side. */
  readonly link: string;
  readonly outer4: string;
  readonly outer6: string;
  readonly host4: string;
  readonly host6: string;
  readonly inner4: string;
  readonly inner6: string;
  /** What our end of the tunnel has. */
  readonly client4: string;
  readonly client6: string;
}

/** Where wireguard-go listens at every site. */
export const TUNNEL_PORT = 51820;
/** A UDP port at the outer address that takes datagrams and never answers. */
export const SILENT_PORT = 5555;
/** A UDP port at the outer address where nothing listens. */
export const CLOSED_PORT = 5556;
/** The name that resolves to the inner addresses, by the resolver inside only. */
export const INSIDE_NAME = 'inside.test';
/** The name that the host's resolver gives for the outer addresses. */
export const ENDPOINT_NAME = 'vpn.test';
/** What the host's resolver says about {@link INSIDE_NAME}. */
export const FALSE_ADDRESS = '198.51.100.66';

const OUTER4 = ['198.51.100', '203.0.113'] as const;
const OUTER6 = ['2001:db8', '2001:db8:1'] as const;

/** A site with its peer and its servers. */
export class Site {
  readonly addresses: SiteAddresses;
  readonly namespace: Namespace;
  readonly peer: WireguardGo;
  readonly #resolver: Command;

  private constructor(
    addresses: SiteAddresses,
    namespace: Namespace,
    peer: WireguardGo,
    resolver: Command,
  ) {
    this.addresses = addresses;
    this.namespace = namespace;
    this.peer = peer;
    this.#resolver = resolver;
  }

  /** Builds site `number` and links it to the host; `programs` holds the compiled servers. */
  static async create(number: 0 | 1, host: Namespace, programs: string): Promise<Site> {
    const at = siteAddresses(number);
    const namespace = await Namespace.create('mount -t tmpfs -o mode=755 run /run');
    await host.sh(
      [
        `ip link add ${at.link} type veth peer name uplink netns ${namespace.pid}`,
        addressLink(at.link, at.host4, at.host6),
      ].join('\n'),
    );
    await namespace.sh(addressLink('uplink', at.outer4, at.outer6));
    const peer = await WireguardGo.start(namespace, {
      name: 'wg0',
      listenPort: TUNNEL_PORT,
      addresses: [`${at.inner4}/24`, `${at.inner6}/64`],
    });
    await startServers(namespace, at, programs);
    const resolver = await startResolver(
      namespace,
      [at.inner4, at.inner6],
      [`${INSIDE_NAME},${at.inner4},${at.inner6}`],
    );
    if (number === 0) {
      await startResolver(
        namespace,
        [at.outer4],
        [`${INSIDE_NAME},${FALSE_ADDRESS}`, `${ENDPOINT_NAME},${at.outer4}`],
      );
    }
    return new Site(at, namespace, peer, resolver);
  }

  /** How often the resolver inside has been asked for `name`. */
  queriesFor(name: string): number {
    const questions = this.#resolver.errors.split('\n');
    return questions.filter((line) => line.includes('query[') && line.includes(` ${name} `)).length;
  }

  async close(): Promise<void> {
    await this.namespace.close();
  }
}

function siteAddresses(number: 0 | 1): SiteAddresses {
  return {
    link: `site${number}`,
    outer4: `${OUTER4[number]}.1`,
    outer6: `${OUTER6[number]}::1`,
    host4: `${OUTER4[number]}.2`,
    host6: `${OUTER6[number]}::2`,
    inner4: `10.${9 - number}.0.1`,
    inner6: `fd0${9 - number}::1`,
    client4: `10.${9 - number}.0.2`,
    client6: `fd0${9 - number}::2`,
  };
}

function addressLink(link: string, v4: string, v6: string): string {
  return [
    // No address but ours, so that the link carries no router or multicast chatter of its own.
    `ip link set ${link} addrgenmode none`,
    `ip address add ${v4}/24 dev ${link}`,
    `ip address add ${v6}/64 dev ${link} nodad`,
    `ip link set ${link} up`,
  ].join('\n');
}

async function startServers(
  namespace: Namespace,
  at: SiteAddresses,
  programs: string,
): Promise<void> {
  const options = { addresses: [at.inner4, at.inner6], silent: [at.outer4, SILENT_PORT] };
  await namespace.daemon(
    [process.execPath, `${programs}/servers.js`, JSON.stringify(options)],
    /^ready$/m,
  );
}

async function startResolver(
  namespace: Namespace,
  addresses: readonly string[],
  records: readonly string[],
): Promise<Command> {
  const argv = [
    'dnsmasq',
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--pid-file=',
    '--user=root',
    '--group=root',
    '--no-hosts',
    '--no-resolv',
    '--bind-interfaces',
    '--except-interface=lo',
    '--log-queries',
    '--log-facility=-',
    '--local=/test/',
    ...addresses.map((address) => `--listen-address=${address}`),
    ...records.map((record) => `--host-record=${record}`),
  ];
  return await namespace.daemon(argv, /started, version/);
}
