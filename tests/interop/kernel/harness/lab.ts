/**
 * One host, one virtual machine, and the guards around every test.
 *
 *     host: mount and network namespace                virtual machine, Debian's kernel
 *     the product, as an ordinary uid                   wg0 10.9.0.1 fd09::1, port 51820
 *                                                       file, digest and echo on these addresses
 *     tap0 198.51.100.2  2001:db8::2  ──── virtio ────  eth0 198.51.100.1  2001:db8::1
 *
 * Every test has keys of its own and starts with a kernel that knows nobody. After each test no
 * process of the user and no tunnel is left, and no output, log or console holds a key.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, inject, onTestFailed } from 'vitest';
import {
  describe,
  type Command,
  type CommandOptions,
  type Result,
} from '../../../e2e/harness/command.ts';
import { eventually } from '../../../e2e/harness/eventually.ts';
import { Host } from '../../../e2e/harness/host.ts';
import { findSecret, makeKeyPair } from '../../../e2e/harness/keys.ts';
import { LogKeeper } from '../../../e2e/harness/log-keeper.ts';
import { SecretWatch } from '../../../e2e/harness/secret-watch.ts';
import { KERNEL, KernelPeer, FILE_BYTES, type KernelPeerOptions } from './kernel-peer.ts';
import { Machine } from './machine.ts';

/** The host's end of the link. */
export const HOST = { tap: 'tap0', outer4: '198.51.100.2', outer6: '2001:db8::2' } as const;

/** Where the product listens in the tests in which the kernel initiates. */
export const LISTEN_PORT = 40_000;

/** The name of the file in the user's home that is as large as the one the kernel serves. */
export const UPLOAD = 'upload';

/** Which of the product and the kernel is the initiator. */
export type Initiator = 'product' | 'kernel';

/** What differs from the plain case: we initiate over IPv4, without a preshared key. */
export interface ClientOptions {
  /** The name of the file; `work.conf` if absent. */
  readonly name?: string;
  readonly initiator?: Initiator;
  readonly outer?: 4 | 6;
  /** What the config has; the kernel has the same unless told otherwise. */
  readonly presharedKey?: string;
  readonly kernelPresharedKey?: string;
  /** The last number of our tunnel addresses; 2 if absent. */
  readonly number?: number;
}

/** A configuration on the host's disk, and the kernel's side of it. */
export interface Client {
  readonly name: string;
  readonly initiator: Initiator;
  readonly inner4: string;
  readonly inner6: string;
  /** Us, as the kernel is to know us. */
  readonly peer: KernelPeerOptions;
}

const TAP_UP = `
ip tuntap add ${HOST.tap} mode tap
ip link set ${HOST.tap} addrgenmode none
ip address add ${HOST.outer4}/24 dev ${HOST.tap}
ip address add ${HOST.outer6}/64 dev ${HOST.tap} nodad
ip link set ${HOST.tap} up
`;

/** Ends with its input, and says before that it runs. */
const HOLD = ['sh', '-c', 'echo up; exec cat'] as const;
const HOLD_LIMIT_MS = 60_000;
const TEAR_DOWN_LIMIT_MS = 10_000;

/** Lock files stay, since removing one that somebody waits for would make two locks of it. */
const MAY_STAY = /^wg-wrap\/[^/]+\/lock$/;

interface Parts {
  readonly host: Host;
  readonly logs: LogKeeper;
  readonly secrets: SecretWatch;
  machine: Machine;
  kernel: KernelPeer;
}

/** What a test file of this directory works with. */
export class Lab {
  #host: Host | undefined;
  #parts: Parts | undefined;

  get host(): Host {
    return this.#built.host;
  }

  get kernel(): KernelPeer {
    return this.#built.kernel;
  }

  /** Makes keys and writes a configuration; the kernel learns of it by {@link introduce}. */
  client(options: ClientOptions = {}): Client {
    const { name = 'work.conf', initiator = 'product', outer = 4, number = 2 } = options;
    const { presharedKey, kernelPresharedKey = presharedKey } = options;
    const keys = makeKeyPair();
    const [inner4, inner6] = [`10.9.0.${number}`, `fd09::${number}`];
    const [here, there] =
      outer === 4 ? [HOST.outer4, KERNEL.outer4] : [`[${HOST.outer6}]`, `[${KERNEL.outer6}]`];
    const lines = [
      '[Interface]',
      `PrivateKey = ${keys.privateKey}`,
      `Address = ${inner4}/32, ${inner6}/128`,
      `DNS = ${KERNEL.inner4}`,
      ...(initiator === 'kernel' ? [`ListenPort = ${LISTEN_PORT}`] : []),
      '[Peer]',
      `PublicKey = ${this.kernel.keys.publicKey}`,
      'AllowedIPs = 0.0.0.0/0, ::/0',
      ...(initiator === 'product' ? [`Endpoint = ${there}:${KERNEL.port}`] : []),
      ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    ];
    this.host.write(name, `${lines.join('\n')}\n`);
    const peer = {
      publicKey: keys.publicKey,
      allowedIps: [`${inner4}/32`, `${inner6}/128`],
      ...(kernelPresharedKey !== undefined && { presharedKey: kernelPresharedKey }),
      ...(initiator === 'kernel' && { endpoint: `${here}:${LISTEN_PORT}` }),
    };
    return { name, initiator, inner4, inner6, peer };
  }

  /** Has the kernel know these clients and nobody else. */
  async introduce(...clients: readonly Client[]): Promise<void> {
    await this.kernel.setPeers(clients.map((client) => client.peer));
  }

  /**
   * Starts a session that lasts until its input ends, and waits until it runs. The kernel learns of
   * the client before, or, where it is to initiate, as soon as somebody listens.
   */
  async hold(client: Client): Promise<Command> {
    const options = { inputStaysOpen: true, limitMs: HOLD_LIMIT_MS };
    if (client.initiator === 'product') await this.introduce(client);
    const command = this.start(client, HOLD, options);
    if (client.initiator === 'kernel') {
      await this.tunnels(1);
      await this.introduce(client);
    }
    await command.until(/^up\n/m);
    return command;
  }

  /** Waits until so many tunnels have their sockets. */
  async tunnels(count: number): Promise<void> {
    await eventually(
      () => this.host.pins().length === count,
      15_000,
      () => `there are ${this.host.pins().length} tunnels`,
    );
  }

  /** Starts `wg-wrap -c CONFIG -- ARGV…` as the user. */
  start(client: Client, argv: readonly string[], options: CommandOptions = {}): Command {
    return this.host.wrap(['-c', client.name, '--', ...argv], options);
  }

  /** Runs a shell script inside; throws unless it succeeds without a word on stderr. */
  async inside(client: Client, script: string, limitMs = 30_000): Promise<string> {
    return clean(await this.start(client, ['sh', '-euc', script], { limitMs }).wait()).text;
  }

  /** Waits until no process of the user is left. */
  async settled(): Promise<void> {
    await eventually(
      () => this.host.processes().length === 0,
      TEAR_DOWN_LIMIT_MS,
      () => `still there: ${JSON.stringify(this.host.processes())}`,
    );
  }

  /** Runs a command that would leave a file, with two seconds to connect. */
  async runInVain(client: Client): Promise<Result> {
    const options = ['-c', client.name, '--connect-timeout', '2s', '--'];
    return await this.host.wrap([...options, 'touch', 'marker']).wait();
  }

  /** Has the machine lose its power and boot again, with the keys that it had and knowing nobody. */
  async restartKernel(): Promise<void> {
    const built = this.#built;
    await built.machine.switchOff();
    built.machine = await this.#boot(built.host);
    built.kernel = await KernelPeer.start(built.machine, built.kernel.keys);
  }

  async build(): Promise<void> {
    const host = await Host.create({
      prefix: inject('prefix'),
      programs: inject('programs'),
      scratch: inject('scratch'),
      uid: inject('uid'),
    });
    this.#host = host;
    await host.namespace.sh(TAP_UP);
    host.write(UPLOAD, randomBytes(FILE_BYTES));
    const machine = await this.#boot(host);
    const kernel = await KernelPeer.start(machine);
    this.#parts = {
      host,
      machine,
      kernel,
      logs: new LogKeeper(host),
      secrets: new SecretWatch(host),
    };
  }

  async demolish(): Promise<void> {
    this.#parts?.logs.stop();
    this.#parts?.secrets.stop();
    // The emulator is one of the namespace's daemons, and is there even if nothing after it is.
    await this.#host?.close();
  }

  begin(): void {
    this.host.commands.length = 0;
    this.host.forgetState();
    this.#built.logs.take();
    this.#built.secrets.take();
  }

  /** After a test: throws one error with everything that is left of it. */
  async end(): Promise<void> {
    const complaints: string[] = [];
    try {
      await this.settled();
    } catch (error) {
      complaints.push(error instanceof Error ? error.message : String(error));
      // So that the next test starts clean, and commands that wait for them end.
      for (const { pid } of this.host.processes()) process.kill(pid, 'SIGKILL');
    }
    const files = this.host.stateFiles().filter((file) => !MAY_STAY.test(file));
    if (files.length > 0) complaints.push(`state files are left: ${files.join(' ')}`);
    complaints.push(...(await this.#findSecrets()), ...this.#built.secrets.take());
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  }

  /** All commands of the test with their outputs, and what both ends logged. */
  async explain(): Promise<string> {
    const ended = await Promise.all(this.host.commands.map((command) => command.wait()));
    const log = await this.kernel.log().catch(String);
    return [
      ...ended.map(describe),
      `the kernel's log:\n${log}`,
      `its console:\n${this.#built.machine.console}`,
    ].join('\n');
  }

  async #boot(host: Host): Promise<Machine> {
    const console = join(inject('scratch'), 'console');
    const { namespace } = host;
    return await Machine.boot({ image: inject('image'), namespace, tap: HOST.tap, console });
  }

  async #findSecrets(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const command of this.host.commands) {
      const { stdout, stderr } = await command.wait();
      const secret = findSecret(stdout) ?? findSecret(stderr);
      if (secret !== undefined) found.push(`printed ${secret}: ${command.argv.join(' ')}`);
    }
    const secret = findSecret(this.#built.logs.take());
    if (secret !== undefined) found.push(`the engine's log holds ${secret}`);
    return found;
  }

  get #built(): Parts {
    if (!this.#parts) throw new Error('the laboratory is built before the first test');
    return this.#parts;
  }
}

/** Builds a laboratory for a test file and guards each of its tests. */
export function useLab(): Lab {
  const lab = new Lab();
  beforeAll(async () => {
    await lab.build();
  });
  afterAll(async () => {
    await lab.demolish();
  });
  beforeEach(() => {
    lab.begin();
    onTestFailed(async () => {
      process.stderr.write(`${await lab.explain()}\n`);
    });
  });
  afterEach(async () => {
    await lab.end();
  });
  return lab;
}

/** The result itself if the command succeeded and stderr is empty; throws what happened if not. */
export function clean(result: Result): Result {
  if (result.status === 0 && result.stderr === '' && result.overdue === undefined) return result;
  throw new Error(describe(result));
}
