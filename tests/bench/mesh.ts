/**
 * Two machines with a cable between them, and on each all that is compared, at the same time:
 *
 *     near                                                                                       far
 *     wg-wrap, an ordinary uid      10.7.0.1          UDP 51820          10.7.0.2      wg-wrap
 *     wireguard-go                  10.7.0.3          UDP 51821          10.7.0.4      wireguard-go
 *     forward (no WireGuard at all) 10.7.1.1          UDP 51822          10.7.1.2      forward
 *           └── 198.51.100.2 ─────────────────────── veth ─────────────────────── 198.51.100.1 ──┘
 *
 * Every WireGuard here is a peer of both at the other machine, so that each can be measured against
 * itself and against the other. Whatever has nothing to do costs nothing. All interfaces are tuned as
 * wg-wrap's own is. Each measured program runs as the user, in the namespace of the interface.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, describe, must, type CommandOptions } from '../e2e/harness/command.ts';
import { eventually } from '../e2e/harness/eventually.ts';
import { Host } from '../e2e/harness/host.ts';
import { makeKeyPair, type KeyPair } from '../e2e/harness/keys.ts';
import { WireguardGo } from '../e2e/harness/wireguard-go.ts';
import { usageOf, type Usage } from './usage.ts';

const MTU = 1420;
const LIMIT_MS = 3_600_000;
const TEAR_DOWN_LIMIT_MS = 20_000;
const SIDES = ['near', 'far'] as const;
const PORTS = { ours: 51_820, theirs: 51_821, ceiling: 51_822 } as const;
const CONFIG = 'bench.conf';
/** A frame of `forward` is one datagram's worth: this, its header, and some room. */
const CEILING_GSO_MAX_BYTES = 65_000;

/** What can be at an end: wg-wrap, wireguard-go, or what does nothing to a packet. */
export type Kind = keyof typeof PORTS;
export type Side = (typeof SIDES)[number];

/** Who sends and who answers, as the report names it. */
export type PairName = 'ours' | 'theirs' | 'ceiling' | 'ours to theirs' | 'theirs to ours';

const PAIRS: Readonly<Record<PairName, readonly [Kind, Kind]>> = {
  ours: ['ours', 'ours'],
  theirs: ['theirs', 'theirs'],
  ceiling: ['ceiling', 'ceiling'],
  'ours to theirs': ['ours', 'theirs'],
  'theirs to ours': ['theirs', 'ours'],
};

/** What the kernel knows of an interface, as far as speed depends on it. */
export interface Tuning {
  readonly mtu: number;
  readonly txqueuelen: number;
  readonly gsoMaxBytes: number;
  readonly gsoMaxSegments: number;
}

/** One end of a tunnel. */
export interface End {
  readonly address: string;
  /** Starts a program of the user's that has this end's interface. */
  readonly start: (argv: readonly string[], options?: CommandOptions) => Command;
  /** What the processes that move its packets have used so far. */
  readonly usage: () => Usage;
}

/** Two ends that reach each other. */
export interface Pair {
  readonly name: PairName;
  readonly near: End;
  readonly far: End;
}

/** What a mesh is made of. */
export interface MeshOptions {
  readonly prefix: string;
  /** Directory with the compiled programs, which becomes the hosts' too. */
  readonly scratch: string;
  readonly wireguardGo: string;
  readonly uid: number;
}

/** Everything that is compared, running. */
export class Mesh {
  readonly pairs: ReadonlyMap<PairName, Pair>;
  readonly tuning: Tuning;
  /** Whether wireguard-go takes super-packets, too; releases before 2023 don't. */
  readonly theirsOffload: boolean;
  readonly #machines: readonly Machine[];

  private constructor(
    machines: readonly Machine[],
    tuning: Tuning,
    theirsOffload: boolean,
    pairs: ReadonlyMap<PairName, Pair>,
  ) {
    this.#machines = machines;
    this.tuning = tuning;
    this.theirsOffload = theirsOffload;
    this.pairs = pairs;
  }

  static async build(options: MeshOptions): Promise<Mesh> {
    const [near, far] = [
      await Machine.create('near', options),
      await Machine.create('far', options),
    ];
    await near.link(far);
    await near.start(far, options);
    await far.start(near, options);
    // Those who know where the others are begin.
    await far.join(near);
    await near.join(far);
    const tuning = await near.ourTuning();
    for (const machine of [near, far]) await machine.tune(tuning);
    const pairs = new Map<PairName, Pair>();
    for (const [name, [from, to]] of Object.entries(PAIRS) as [PairName, [Kind, Kind]][]) {
      pairs.set(name, { name, near: near.end(from), far: far.end(to) });
    }
    return new Mesh([near, far], tuning, await near.theirsOffload(), pairs);
  }

  /** Ends everything; waits until wg-wrap is gone by itself. */
  async close(): Promise<void> {
    for (const machine of this.#machines) await machine.close();
  }
}

/** One of the two machines. */
class Machine {
  readonly #side: Side;
  readonly #host: Host;
  readonly #keys: KeyPair = makeKeyPair();
  #theirs: WireguardGo | undefined;
  #ceiling: Command | undefined;
  #session: Command | undefined;
  readonly #programs: string;
  /** For whatever runs at an end. */
  readonly #path: string;

  private constructor(side: Side, host: Host, programs: string) {
    this.#side = side;
    this.#host = host;
    this.#programs = programs;
    this.#path = [programs, dirname(process.execPath), '/usr/bin', '/bin'].join(':');
  }

  static async create(side: Side, options: MeshOptions): Promise<Machine> {
    const scratch = join(options.scratch, side);
    mkdirSync(scratch, { recursive: true, mode: 0o755 });
    const uid = options.uid + SIDES.indexOf(side);
    const places = { prefix: options.prefix, programs: options.scratch, scratch, uid };
    return new Machine(side, await Host.create(places), options.scratch);
  }

  /** Lays the cable. */
  async link(other: Machine): Promise<void> {
    await this.#host.namespace.sh(
      `ip link add cable type veth peer name cable netns ${other.#host.namespace.pid}`,
    );
    for (const { namespace, address } of [this.#outer(), other.#outer()]) {
      await namespace.sh(
        `ip link set cable addrgenmode none
        ip address add ${address}/24 dev cable
        ip link set cable up
        echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range`,
      );
    }
  }

  /** Starts what needs nobody at the other end yet. */
  async start(other: Machine, options: MeshOptions): Promise<void> {
    const { namespace } = this.#host;
    this.#theirs = await WireguardGo.start(namespace, {
      name: 'theirs',
      listenPort: PORTS.theirs,
      addresses: [`${addressOf(this.#side, 'theirs')}/32`],
      executable: options.wireguardGo,
    });
    this.#ceiling = await namespace.daemon(
      [
        join(this.#programs, 'forward'),
        'ceiling',
        String(PORTS.ceiling),
        other.#outer().address,
        String(PORTS.ceiling),
      ],
      /^ready$/m,
      { inputStaysOpen: true, limitMs: LIMIT_MS },
    );
    await namespace.sh(
      `ip link set ceiling addrgenmode none mtu ${MTU}
      ip address add ${addressOf(this.#side, 'ceiling')}/24 dev ceiling
      ip link set ceiling up`,
    );
  }

  /** Tells both WireGuards of those at the other end, and starts ours. */
  async join(peer: Machine): Promise<void> {
    const theirs = required(peer.#theirs).keys.publicKey;
    const peers = (['ours', 'theirs'] as const).map((kind) => ({
      publicKey: kind === 'ours' ? peer.#keys.publicKey : theirs,
      allowedIps: [`${addressOf(peer.#side, kind)}/32`],
      // The far end learns where the near one is.
      ...(this.#side === 'near' && { endpoint: `${peer.#outer().address}:${PORTS[kind]}` }),
    }));
    await required(this.#theirs).setPeers(peers);
    this.#host.write(
      CONFIG,
      [
        '[Interface]',
        `PrivateKey = ${this.#keys.privateKey}`,
        `Address = ${addressOf(this.#side, 'ours')}/32`,
        `ListenPort = ${PORTS.ours}`,
        `MTU = ${MTU}`,
        ...peers.flatMap((options) => [
          '[Peer]',
          `PublicKey = ${options.publicKey}`,
          `AllowedIPs = ${options.allowedIps.join(', ')}`,
          ...(options.endpoint === undefined ? [] : [`Endpoint = ${options.endpoint}`]),
        ]),
        '',
      ].join('\n'),
    );
    this.#session = this.#wrap(['sh', '-c', 'echo held; exec cat'], {
      inputStaysOpen: true,
      limitMs: LIMIT_MS,
    });
    await this.#session.until(/^held$/m);
  }

  /** How wg-wrap has tuned its interface. */
  async ourTuning(): Promise<Tuning> {
    return await tuningOf(['nsenter', `--net=/proc/${this.#host.enginePid()}/ns/net`], 'wg0');
  }

  /** Tunes the interfaces of the others in the same way. */
  async tune(tuning: Tuning): Promise<void> {
    const common = `mtu ${tuning.mtu} txqueuelen ${tuning.txqueuelen} gso_max_segs ${tuning.gsoMaxSegments}`;
    const ceilingBytes = Math.min(tuning.gsoMaxBytes, CEILING_GSO_MAX_BYTES);
    await this.#host.namespace.sh(
      `ip link set theirs ${common} gso_max_size ${tuning.gsoMaxBytes}
      ip link set ceiling ${common} gso_max_size ${ceilingBytes}`,
    );
  }

  async theirsOffload(): Promise<boolean> {
    return (await this.#host.namespace.sh('ip -d link show theirs')).includes('vnet_hdr on');
  }

  /** The end of one tunnel. */
  end(kind: Kind): End {
    return {
      address: addressOf(this.#side, kind),
      start: (argv, options = {}) => {
        const limited = { limitMs: LIMIT_MS, env: { PATH: this.#path }, ...options };
        return kind === 'ours' ? this.#wrap(argv, limited) : this.#host.user(argv, limited);
      },
      usage: () => usageOf(this.#pids(kind)),
    };
  }

  async close(): Promise<void> {
    await this.#session?.finish();
    await eventually(
      () => this.#host.processes().length === 0,
      TEAR_DOWN_LIMIT_MS,
      () => `still there: ${JSON.stringify(this.#host.processes())}`,
    );
    await this.#theirs?.close();
    if (this.#ceiling) await this.#host.namespace.stop(this.#ceiling);
    await this.#host.close();
  }

  #pids(kind: Kind): readonly number[] {
    if (kind === 'theirs') return [required(this.#theirs).pid];
    if (kind === 'ceiling') return [required(this.#ceiling).pid];
    return [this.#host.pinPid(), this.#host.enginePid()];
  }

  #wrap(argv: readonly string[], options: CommandOptions): Command {
    // Nobody asks for names here; and the far end mustn't wait for the near one.
    return this.#host.wrap(['-c', CONFIG, '--dns', 'none', '--no-wait', '--', ...argv], options);
  }

  #outer(): { readonly namespace: Host['namespace']; readonly address: string } {
    const address = `198.51.100.${this.#side === 'near' ? 2 : 1}`;
    return { namespace: this.#host.namespace, address };
  }
}

function addressOf(side: Side, kind: Kind): string {
  const number = SIDES.indexOf(side) + 1;
  if (kind === 'ceiling') return `10.7.1.${number}`;
  return `10.7.0.${kind === 'ours' ? number : number + 2}`;
}

async function tuningOf(enter: readonly string[], name: string): Promise<Tuning> {
  const [link] = JSON.parse(await must([...enter, 'ip', '-j', '-d', 'link', 'show', name])) as {
    mtu: number;
    txqlen: number;
    gso_max_size: number;
    gso_max_segs: number;
  }[];
  return {
    mtu: link.mtu,
    txqueuelen: link.txqlen,
    gsoMaxBytes: link.gso_max_size,
    gsoMaxSegments: link.gso_max_segs,
  };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('used before it was started');
  return value;
}

/** Waits for a command that has to succeed without a word on stderr; gives its output. */
export async function outputOf(command: Command): Promise<string> {
  const result = await command.wait();
  if (result.status !== 0 || result.overdue !== undefined) throw new Error(describe(result));
  return result.text;
}
