/**
 * wireguard-go as a counterpart, configured with `wg`.
 *
 * It runs in the foreground in the namespace that it serves and is told about one peer at a time,
 * the one that the current test is. `WG_WRAP_TEST_WIREGUARD_GO` names another executable than the
 * one in PATH, so that the same tests can be held against another release.
 */
import { Command } from './command.ts';
import { makeKeyPair, type KeyPair } from './keys.ts';
import type { Namespace } from './namespace.ts';

const EXECUTABLE = process.env['WG_WRAP_TEST_WIREGUARD_GO'] ?? 'wireguard-go';

/** What the interface is. */
export interface InterfaceOptions {
  readonly name: string;
  readonly listenPort: number;
  /** `ADDRESS/LENGTH` each. */
  readonly addresses: readonly string[];
  /** The program; that of all tests if absent. */
  readonly executable?: string;
}

/** A peer as `wg` takes it. */
export interface PeerOptions {
  readonly publicKey: string;
  readonly presharedKey?: string;
  readonly allowedIps: readonly string[];
  readonly endpoint?: string;
  readonly keepaliveSeconds?: number;
}

/** What `wg show dump` says about a peer. */
export interface PeerState {
  /** `ADDRESS:PORT`, or `(none)`. */
  readonly endpoint: string;
  /** Seconds since 1970, 0 for never. */
  readonly latestHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** A running wireguard-go. */
export class WireguardGo {
  readonly keys: KeyPair = makeKeyPair();
  readonly #namespace: Namespace;
  readonly #options: InterfaceOptions;
  #daemon: Command;
  #peers: readonly PeerOptions[] = [];
  /** What it said before it was last started again. */
  #earlierLog = '';

  private constructor(namespace: Namespace, options: InterfaceOptions, daemon: Command) {
    this.#namespace = namespace;
    this.#options = options;
    this.#daemon = daemon;
  }

  /** Starts it with no peer. */
  static async start(namespace: Namespace, options: InterfaceOptions): Promise<WireguardGo> {
    const self = new WireguardGo(namespace, options, await launch(namespace, options));
    await self.#setUp();
    return self;
  }

  /**
   * Kills it and starts it again with what a file would still know: its key, its port, and the peers
   * as they were set, without the endpoints to which they have roamed.
   */
  async restart(): Promise<void> {
    this.#earlierLog = this.log;
    await this.close();
    this.#daemon = await launch(this.#namespace, this.#options);
    await this.#setUp();
  }

  /** The process that moves the packets. */
  get pid(): number {
    return this.#daemon.pid;
  }

  /** Its log since the first start, which names each handshake. */
  get log(): string {
    // What it says on stderr, it says at the start: so a log only ever grows at its end.
    return `${this.#earlierLog}${this.#daemon.errors}${this.#daemon.output}`;
  }

  /** Replaces all peers, and routes what they are allowed to the interface. */
  async setPeers(peers: readonly PeerOptions[]): Promise<void> {
    this.#peers = peers;
    const { name, listenPort } = this.#options;
    const config = [
      '[Interface]',
      `PrivateKey = ${this.keys.privateKey}`,
      `ListenPort = ${listenPort}`,
      ...peers.flatMap(formatPeer),
      '',
    ].join('\n');
    // Node's stdin for a child is a socket, which can't be opened by name; behind cat it is a pipe.
    await this.#namespace.sh(`cat | wg setconf ${name} /dev/stdin`, { input: config });
    for (const allowed of peers.flatMap((peer) => peer.allowedIps)) {
      await this.#namespace.sh(`ip route replace ${allowed} dev ${name} || true`);
    }
  }

  /** The state of the only peer. */
  async peerState(): Promise<PeerState> {
    const dump = await this.#namespace.sh(`wg show ${this.#options.name} dump`);
    const [, peer = ''] = dump.split('\n');
    const fields = peer.split('\t');
    return {
      endpoint: fields[2] ?? '',
      latestHandshake: Number(fields[4]),
      rxBytes: Number(fields[5]),
      txBytes: Number(fields[6]),
    };
  }

  async close(): Promise<void> {
    await this.#namespace.stop(this.#daemon);
  }

  async #setUp(): Promise<void> {
    const { name, addresses } = this.#options;
    await this.#namespace.sh(
      [
        `ip link set ${name} addrgenmode none mtu 1420`,
        ...addresses.map((address) => `ip address add ${address} dev ${name} nodad`),
        `ip link set ${name} up`,
      ].join('\n'),
    );
    // Last, because routes need a link that is up.
    await this.setPeers(this.#peers);
  }
}

async function launch(namespace: Namespace, options: InterfaceOptions): Promise<Command> {
  const argv = [options.executable ?? EXECUTABLE, '-f', options.name];
  // What makes it say that it is ready costs nothing later: no packet is logged.
  return await namespace.daemon(argv, /UAPI listener started/, {
    env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'verbose' },
  });
}

function formatPeer(peer: PeerOptions): readonly string[] {
  const { presharedKey, endpoint, keepaliveSeconds } = peer;
  return [
    '[Peer]',
    `PublicKey = ${peer.publicKey}`,
    `AllowedIPs = ${peer.allowedIps.join(', ')}`,
    ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
    ...(keepaliveSeconds === undefined ? [] : [`PersistentKeepalive = ${keepaliveSeconds}`]),
  ];
}
