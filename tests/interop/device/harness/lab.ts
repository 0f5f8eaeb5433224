/**
 * Two hosts, and what runs on them.
 *
 *     here: the product                                there: wireguard-go
 *     wg0    10.9.0.2 fd09::2                          wg0    10.9.0.1 fd09::1, port 51820
 *     uplink 198.51.100.2 2001:db8::2  ──── veth ────  uplink 198.51.100.1 2001:db8::1
 *
 * Each host is a mount and a network namespace with its own /run/wireguard and /dev/net/tun. The
 * product's daemons outlive the command that starts them, so after every test the lab sees to it that
 * none is left, nor a link, nor a socket, and that none had a key in its arguments or its environment;
 * and that a device that is there at the end had its packets moved as the run says.
 */
import { connect } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import { parseEngineStatus, type EngineStatus } from '../../../../src/engine-status.ts';
import { must, type CommandOptions } from '../../../e2e/harness/command.ts';
import { DATA_PATH } from '../../../e2e/harness/data-path.ts';
import { eventually } from '../../../e2e/harness/eventually.ts';
import { makeKeyPair, type KeyPair } from '../../../e2e/harness/keys.ts';
import { Namespace } from '../../../e2e/harness/namespace.ts';
import { SecretWatch } from '../../../e2e/harness/secret-watch.ts';
import { WireguardGo } from '../../../e2e/harness/wireguard-go.ts';

const PRIVATE_DIRECTORIES = `
  mount -t tmpfs tun /mnt
  mknod /mnt/tun c 10 200
  chmod 0666 /mnt/tun
  mount --bind /mnt/tun /dev/net/tun
  mkdir -p /run/wireguard
  mount -t tmpfs -o mode=0755 run /run/wireguard`;

export const PEER_PORT = 51820;
export const PEER_ENDPOINT: string = `198.51.100.1:${PEER_PORT}`;

/** What the product is started with. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  LANG: 'C.UTF-8',
  ...(DATA_PATH === 'typescript' && { WG_WRAP_PUMP: 'off' }),
};

/** One process of the product's. */
export interface Process {
  readonly pid: number;
  readonly words: readonly string[];
}

/** The two hosts; usable inside tests and hooks. */
export class Lab {
  #here: Namespace | undefined;
  #there: Namespace | undefined;
  #peer: WireguardGo | undefined;
  #dataPath: EngineStatus['dataPath'] | undefined = DATA_PATH;
  /** A device keeps nothing in files. */
  readonly #secrets: SecretWatch = new SecretWatch({
    runtime: '/',
    stateFiles: () => [],
    processes: () => this.processes().map(({ pid, words }) => ({ pid, command: words.join(' ') })),
  });

  /** Where the product runs. */
  get here(): Namespace {
    return built(this.#here);
  }

  /** Where the peer runs. */
  get there(): Namespace {
    return built(this.#there);
  }

  get peer(): WireguardGo {
    return built(this.#peer);
  }

  /** The launcher, by its path. */
  get launcher(): string {
    return `${inject('installation')}/bin/wg-wrap`;
  }

  async build(): Promise<void> {
    this.#here = await Namespace.create(PRIVATE_DIRECTORIES);
    this.#there = await Namespace.create(PRIVATE_DIRECTORIES);
    await this.#here.sh(`
      ip link add uplink type veth peer name uplink netns ${this.#there.pid}
      ip link set uplink addrgenmode none up
      ip address add 198.51.100.2/24 dev uplink
      ip address add 2001:db8::2/64 dev uplink nodad`);
    await this.#there.sh(`
      ip link set uplink addrgenmode none up
      ip address add 198.51.100.1/24 dev uplink
      ip address add 2001:db8::1/64 dev uplink nodad`);
    this.#peer = await WireguardGo.start(this.#there, {
      name: 'wg0',
      listenPort: PEER_PORT,
      addresses: ['10.9.0.1/24', 'fd09::1/64'],
    });
  }

  async demolish(): Promise<void> {
    this.#secrets.stop();
    await this.#there?.close();
    await this.#here?.close();
  }

  /** Runs a shell script where the product is, with the launcher as `$W`. */
  async sh(script: string, options: CommandOptions = {}): Promise<string> {
    return await must(this.here.enter(['sh', '-euc', `W=${this.launcher}\n${script}`]), {
      env: ENVIRONMENT,
      ...options,
    });
  }

  /** Gives text to `wg ARGUMENTS /dev/stdin`, which has to be a pipe. */
  async wg(words: string, input: string): Promise<void> {
    await this.sh(`cat | wg ${words} /dev/stdin`, { input });
  }

  /** Makes a device with a key that the peer knows; its link is down. */
  async makeDevice(
    name: string = 'wg0',
    env: Readonly<Record<string, string>> = {},
  ): Promise<KeyPair> {
    const keys = makeKeyPair();
    await this.sh(`$W device ${name}`, { env: { ...ENVIRONMENT, ...env } });
    await this.introduce(keys, name);
    return keys;
  }

  /** Has a device and the peer know each other. */
  async introduce(keys: KeyPair, name: string = 'wg0'): Promise<void> {
    await this.peer.setPeers([
      { publicKey: keys.publicKey, allowedIps: ['10.9.0.2/32', 'fd09::2/128'] },
    ]);
    await this.wg(`setconf ${name}`, this.configuration(keys));
  }

  /** The product's side of the peering, as `wg setconf` takes it. */
  configuration(keys: KeyPair): string {
    return [
      '[Interface]',
      `PrivateKey = ${keys.privateKey}`,
      '[Peer]',
      `PublicKey = ${this.peer.keys.publicKey}`,
      'AllowedIPs = 10.9.0.0/24, fd09::/64',
      `Endpoint = ${PEER_ENDPOINT}`,
      '',
    ].join('\n');
  }

  /** Processes of the product's that run here or did so when their namespace was made. */
  processes(): readonly Process[] {
    const found: Process[] = [];
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').slice(0, -1);
        if (words.some((word) => word.startsWith(`${inject('installation')}/`))) {
          found.push({ pid: Number(entry), words });
        }
      } catch {
        // It has ended meanwhile.
      }
    }
    return found;
  }

  /** The one process that keeps devices, or the one engine. */
  process(role: 'keeper' | 'engine'): Process {
    const isEngine = ({ words }: Process): boolean =>
      words.includes('device') && words[0] === 'node';
    const of = this.processes().filter((one) => isEngine(one) === (role === 'engine'));
    if (of.length !== 1) throw new Error(`not one ${role}: ${JSON.stringify(this.processes())}`);
    return of[0];
  }

  /** How a device's engine is, by its own word. */
  async status(name: string = 'wg0'): Promise<EngineStatus> {
    const status = parseEngineStatus(await this.ask('status=1\n\n', name));
    if (!status) throw new Error(`the engine of ${name} tells no status`);
    return status;
  }

  /** Lets packets be moved otherwise in this test than in others. */
  allowOtherDataPath(): void {
    this.#dataPath = undefined;
  }

  /** Who moves the packets of wg0, if it is there and that isn't who should; resets what was allowed. */
  async takeWrongDataPath(): Promise<string | undefined> {
    const expected = this.#dataPath;
    this.#dataPath = DATA_PATH;
    const sockets = await this.sh('ls /run/wireguard');
    if (expected === undefined || !sockets.split('\n').includes('wg0.sock')) return undefined;
    const { dataPath } = await this.status();
    return dataPath === expected ? undefined : dataPath;
  }

  /** Waits until nothing of the product's is left: no process, no interface, no socket. */
  async gone(): Promise<void> {
    let left = '';
    await eventually(
      async () => {
        left = await this.sh('ip -o link show | grep wg || true; ls -A /run/wireguard');
        for (const { words } of this.processes()) left += words.join(' ');
        return left === '';
      },
      5000,
      () => `still there: ${left}`,
    );
  }

  /** Where keys were seen since the last look. */
  takeSecrets(): readonly string[] {
    return this.#secrets.take();
  }

  /** Sends raw bytes to a device's socket, in pieces, and returns all that comes in a while. */
  async converse(
    pieces: readonly string[],
    answers: number,
    name: string = 'wg0',
  ): Promise<string> {
    const socket = connect(`/proc/${this.here.pid}/root/run/wireguard/${name}.sock`);
    socket.setEncoding('utf8');
    let text = '';
    const done = new Promise<string>((resolve, reject) => {
      socket.on('data', (chunk: string) => {
        text += chunk;
        if (text.split('errno=').length > answers && text.endsWith('\n\n')) resolve(text);
      });
      socket.on('error', reject);
      socket.on('close', () => {
        resolve(`${text}(closed)`);
      });
    });
    for (const piece of pieces) {
      socket.write(piece);
      await new Promise(setImmediate);
    }
    try {
      return await done;
    } finally {
      socket.destroy();
    }
  }

  /** One request, one answer. */
  async ask(request: string, name?: string): Promise<string> {
    return await this.converse([request], 1, name);
  }
}

/** Builds a lab for a test file; after each test nothing of the product's may be left. */
export function useLab(): Lab {
  const lab = new Lab();
  beforeAll(async () => {
    await lab.build();
  });
  afterAll(async () => {
    await lab.demolish();
  });
  afterEach(async () => {
    const secrets = lab.takeSecrets();
    let wrong: string | undefined;
    try {
      wrong = await lab.takeWrongDataPath();
    } finally {
      await lab.sh('for link in wg0 wg1; do ip link delete $link 2>/dev/null || true; done');
    }
    try {
      await lab.gone();
    } finally {
      for (const { pid } of lab.processes()) process.kill(pid, 'SIGKILL');
      await lab.sh('rm -f /run/wireguard/*');
    }
    if (wrong !== undefined) throw new Error(`the packets were moved by ${wrong}`);
    if (secrets.length > 0) throw new Error(secrets.join('\n'));
  });
  return lab;
}

function built<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the lab is built before the first test');
  return part;
}
