/**
 * A name server of the test's own on the host, whose answers a test may change: dnsmasq on the loopback
 * address, started anew for each change, and the host's resolv.conf, which names it.
 */
import type { Command } from './command.ts';
import type { Host } from './host.ts';

const ADDRESS = '127.0.0.1';

/** One name server, and what it says. */
export class NameServer {
  readonly #host: Host;
  #daemon: Command | undefined;

  private constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Has the host's resolver ask a server that knows these names during `test`: each record is the
   * name and its addresses, separated by commas. Other names below `test` don't exist.
   */
  static async during(
    host: Host,
    records: readonly string[],
    test: (server: NameServer) => Promise<void>,
  ): Promise<void> {
    const server = new NameServer(host);
    await host.namespace.sh('cp -p /etc/resolv.conf /run/resolv.conf.kept');
    try {
      await host.namespace.sh(`echo "nameserver ${ADDRESS}" >/etc/resolv.conf`);
      await server.answer(records);
      await test(server);
    } finally {
      await server.#stop();
      await host.namespace.sh('mv /run/resolv.conf.kept /etc/resolv.conf');
    }
  }

  /** Changes what it knows. */
  async answer(records: readonly string[]): Promise<void> {
    await this.#stop();
    this.#daemon = await this.#host.namespace.daemon(
      [
        'dnsmasq',
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--pid-file=',
        '--user=root',
        '--group=root',
        '--no-hosts',
        '--no-resolv',
        '--bind-interfaces',
        `--listen-address=${ADDRESS}`,
        '--log-queries',
        '--log-facility=-',
        '--local=/test/',
        ...records.map((record) => `--host-record=${record}`),
      ],
      /started, version/,
    );
  }

  /** How often it was asked for a name since it was last changed. */
  queriesFor(name: string): number {
    const lines = (this.#daemon?.errors ?? '').split('\n');
    return lines.filter((line) => line.includes('query[') && line.includes(` ${name} `)).length;
  }

  async #stop(): Promise<void> {
    if (this.#daemon) await this.#host.namespace.stop(this.#daemon);
    this.#daemon = undefined;
  }
}
