/**
 * What leaves the host, seen on a site's link by tcpdump.
 *
 * The kernel's filter drops what may leave: the tunnel's datagrams, address resolution, and the
 * host's own "port unreachable" when a peer speaks to a tunnel that has ended. Every line that
 * tcpdump still prints is a leak, unless a test has named it. The stricter capture counts the
 * tunnel's datagrams too.
 */
import type { Command } from './command.ts';
import type { Namespace } from './namespace.ts';
import { CLOSED_PORT, SILENT_PORT, TUNNEL_PORT, type Site } from './site.ts';

const NEIGHBOUR_DISCOVERY = '(icmp6 and ip6[40] >= 133 and ip6[40] <= 137)';
/** Version 2 reports of joined groups carry a hop-by-hop header before ICMPv6 (RFC 3810 5.2). */
const LISTENER_REPORT = '(ip6[6] == 0 and ip6[48] == 143)';
const UNREACHABLE = '((icmp and icmp[0] == 3) or (icmp6 and ip6[40] == 1))';

/** tcpdump looks up the user that it becomes: not at the name services that a test watches. */
const UNSEEN = [
  'unshare',
  '--mount',
  'sh',
  '-euc',
  'mount -t tmpfs run /run; exec "$@"',
  'sh',
] as const;

/** A capture of one link's outgoing packets. */
export class Capture {
  readonly #host: Namespace;
  readonly #tcpdump: Command;
  #consumed = 0;

  private constructor(host: Namespace, tcpdump: Command) {
    this.#host = host;
    this.#tcpdump = tcpdump;
  }

  /** Captures what leaves towards `site`; with `tunnel`, the tunnel's datagrams as well. */
  static async start(host: Namespace, site: Site, tunnel = false): Promise<Capture> {
    const { outer4, outer6, link } = site.addresses;
    const ports = [TUNNEL_PORT, SILENT_PORT, CLOSED_PORT].join(' or dst port ');
    const flow = `(udp and (dst host ${outer4} or dst host ${outer6}) and (dst port ${ports}))`;
    const allowed = [
      'arp',
      NEIGHBOUR_DISCOVERY,
      LISTENER_REPORT,
      UNREACHABLE,
      ...(tunnel ? [] : [flow]),
    ];
    const argv = ['tcpdump', '-l', '-n', '-t', '--immediate-mode', '-Q', 'out', '-i', link];
    const tcpdump = await host.daemon(
      [...UNSEEN, ...argv, `not (${allowed.join(' or ')})`],
      /listening on/,
    );
    return new Capture(host, tcpdump);
  }

  /** Resolves when the mark, a datagram to port 9 of this many bytes, has been captured. */
  async reached(mark: number): Promise<void> {
    await this.#tcpdump.until(new RegExp(`\\.9: UDP, length ${mark}$`, 'm'));
  }

  /** The packets since the last call, as tcpdump prints them, without the marks. */
  take(): readonly string[] {
    const lines = this.#tcpdump.output.split('\n').slice(0, -1);
    const fresh = lines.slice(this.#consumed);
    this.#consumed = lines.length;
    return fresh.filter((line) => !line.includes('.9: UDP'));
  }

  /** Ends the capture; what it has is still to be taken. */
  async stop(): Promise<void> {
    await this.#host.stop(this.#tcpdump);
  }
}
