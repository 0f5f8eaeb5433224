/**
 * One host, one or two sites, and the guards around every test.
 *
 *     host: mount and network namespace               site 0, site 1: namespaces of their own
 *     own /etc, /run, /dev/net/tun
 *     the product, as an ordinary uid                  wg0 10.9.0.1 fd09::1   wireguard-go :51820
 *                                                     HTTP, UDP echo, DNS on the tunnel addresses
 *     site0 198.51.100.2  2001:db8::2   ──── veth ──── uplink 198.51.100.1  2001:db8::1, host's DNS
 *     site1 203.0.113.2   2001:db8:1::2 ──── veth ──── uplink 203.0.113.1   2001:db8:1::1
 *           │ captured: nothing but the tunnel's datagrams may leave        (10.8.0.1, fd08::1)
 *
 * After each test, whatever it was about: no process of the user is left, mounts, links and files of
 * the host are the same, the state directory holds no tunnel, nothing but the tunnel's datagrams has
 * left the host, no name-service daemon was asked, no engine has gone on without its pump, and no
 * output, log, state file, argument or environment held a key.
 */
import { afterAll, afterEach, beforeAll, beforeEach, inject, onTestFailed } from 'vitest';
import { Capture } from './capture.ts';
import { makeClient, type Client, type ClientOptions } from './client.ts';
import { describe, type Command, type CommandOptions, type Result } from './command.ts';
import { eventually } from './eventually.ts';
import { Host } from './host.ts';
import { findSecret } from './keys.ts';
import { LogKeeper } from './log-keeper.ts';
import { SecretWatch } from './secret-watch.ts';
import { Site } from './site.ts';
import { takeSnapshot, type Snapshot } from './snapshot.ts';
import { Watch, type Sighting } from './watch.ts';

/** How long the pin may take to end a tunnel after its last session. */
const TEAR_DOWN_LIMIT_MS = 20_000;

/** Ends with its input, and says before that it runs. */
const HOLD = ['sh', '-c', 'readlink /proc/self/ns/net; exec cat'] as const;

/** Lock files stay, since removing one that somebody waits for would make two locks of it. */
const MAY_STAY = /^wg-wrap\/[^/]+\/lock$/;

interface Parts {
  readonly host: Host;
  readonly sites: readonly Site[];
  readonly watch: Watch;
  readonly logs: LogKeeper;
  readonly secrets: SecretWatch;
}

/** A host with its sites; usable inside tests and hooks. */
export class Topology {
  readonly #siteCount: 1 | 2;
  #parts: Parts | undefined;
  #before: Snapshot | undefined;
  #allowed: RegExp[] = [];
  #mayLackPump = false;
  #mayAskNameServices = false;
  /** The logs of tunnels that the last guard has taken. */
  #log = '';
  /** What was seen within the test, for the guard after it. */
  #sighted: Sighting[] = [];

  constructor(siteCount: 1 | 2) {
    this.#siteCount = siteCount;
  }

  get host(): Host {
    return this.#built.host;
  }

  get sites(): readonly Site[] {
    return this.#built.sites;
  }

  /** The first site, which is the only one in most files. */
  get site(): Site {
    return this.#built.sites[0];
  }

  /** Writes a configuration that the sites' peers know; by default the first site's alone. */
  async client(options: ClientOptions = {}, sites: readonly Site[] = [this.site]): Promise<Client> {
    return await makeClient(this.host, sites, options);
  }

  /** Starts `wg-wrap -c CONFIG -- ARGV…` as the user. */
  start(client: Client, argv: readonly string[], options: CommandOptions = {}): Command {
    return this.host.wrap(['-c', client.name, '--', ...argv], options);
  }

  /** Runs `wg-wrap -c CONFIG -- ARGV…` to its end, whatever that is. */
  async run(client: Client, argv: readonly string[], options?: CommandOptions): Promise<Result> {
    return await this.start(client, argv, options).wait();
  }

  /** Runs it and returns stdout; throws unless it succeeds without a word on stderr. */
  async output(client: Client, argv: readonly string[], options?: CommandOptions): Promise<string> {
    return clean(await this.run(client, argv, options)).text;
  }

  /**
   * Starts a session that prints its network namespace and lasts until its input ends, and waits
   * until it runs.
   */
  async hold(client: Client): Promise<Command> {
    const command = this.start(client, HOLD, { inputStaysOpen: true });
    await command.until(/^net:/m);
    return command;
  }

  /** Lets packets that match leave the host in this test, besides the tunnel's. */
  allow(packet: RegExp): void {
    this.#allowed.push(packet);
  }

  /** Lets an engine of this test go on without its pump. */
  allowNoPump(): void {
    this.#mayLackPump = true;
  }

  /**
   * Lets name services of the host be asked in this test: for an endpoint's name, which is resolved as
   * any program of the host does it.
   */
  allowNameServices(): void {
    this.#mayAskNameServices = true;
  }

  /** What the watch has seen since the last look; what it was is the test's to judge. */
  async look(): Promise<Sighting> {
    return await this.#built.watch.look();
  }

  /** A look that leaves it to the guard after the test to judge. */
  async #glance(): Promise<Sighting> {
    const sighting = await this.look();
    this.#sighted.push(sighting);
    return sighting;
  }

  /**
   * Captures everything that leaves towards the first site from this moment on, the tunnel's
   * datagrams too; the returned function tells what did.
   */
  async captureAll(): Promise<() => Promise<readonly string[]>> {
    const capture = await Capture.start(this.host.namespace, this.site, true);
    return async () => {
      await capture.reached((await this.#glance()).mark);
      await capture.stop();
      return capture.take();
    };
  }

  /** What the engines of this test have logged, each to its end: waits until no tunnel is left. */
  async engineLog(): Promise<string> {
    await this.settled();
    this.#log += this.#built.logs.take();
    return this.#log;
  }

  /** Waits until no process of the user is left. */
  async settled(limitMs: number = TEAR_DOWN_LIMIT_MS): Promise<void> {
    await eventually(
      () => this.host.processes().length === 0,
      limitMs,
      () => `still there: ${JSON.stringify(this.host.processes())}`,
    );
  }

  async build(): Promise<void> {
    const host = await Host.create({
      prefix: inject('prefix'),
      programs: inject('programs'),
      scratch: inject('scratch'),
      uid: inject('uid'),
    });
    const sites: Site[] = [];
    for (let number: 0 | 1 = 0; number < this.#siteCount; number++) {
      sites.push(await Site.create(number === 0 ? 0 : 1, host.namespace, host.programs));
    }
    await host.namespace.sh(
      `ip route add default via ${sites[0].addresses.outer4}
      ip -6 route add default via ${sites[0].addresses.outer6}`,
    );
    const captures = await Promise.all(sites.map((site) => Capture.start(host.namespace, site)));
    const watch = await Watch.start(host.namespace, sites, captures, host.programs);
    this.#parts = { host, sites, watch, logs: new LogKeeper(host), secrets: new SecretWatch(host) };
  }

  async demolish(): Promise<void> {
    if (!this.#parts) return;
    this.#parts.logs.stop();
    this.#parts.secrets.stop();
    for (const site of this.#parts.sites) await site.close();
    await this.#parts.host.close();
  }

  /** Before a test: notes how things are, and has a failure explained. */
  begin(): void {
    this.#before = takeSnapshot(this.host.namespace.pid);
    this.#allowed = [];
    this.#mayLackPump = false;
    this.#mayAskNameServices = false;
    this.host.commands.length = 0;
    this.host.forgetState();
    this.#log = '';
    this.#sighted = [];
    this.#built.logs.take();
    this.#built.secrets.take();
  }

  /** After a test: throws one error with everything that is not as before. */
  async end(tearDownMs: number = TEAR_DOWN_LIMIT_MS): Promise<void> {
    const complaints = [await this.#leftProcesses(tearDownMs), ...this.#leftThings()];
    await this.#glance();
    for (const packet of this.#sighted.flatMap(({ packets }) => packets)) {
      if (!this.#allowed.some((allowed) => allowed.test(packet))) {
        complaints.push(`left the host outside of the tunnel: ${packet}`);
      }
    }
    const connections = this.#sighted.flatMap((sighting) => sighting.connections);
    for (const path of this.#mayAskNameServices ? [] : connections) {
      complaints.push(`a name service was asked: ${path}`);
    }
    this.#log += this.#built.logs.take();
    const withoutPump = /^.* (?:lost|could not use) the pump .*$/m.exec(this.#log)?.[0];
    if (!this.#mayLackPump) complaints.push(withoutPump);
    complaints.push(await this.#outputsWithSecrets(), ...this.#built.secrets.take());
    const found = complaints.filter((complaint) => complaint !== undefined);
    if (found.length > 0) throw new Error(found.join('\n'));
  }

  /** All commands of the test with their outputs, and the end of the engine's log. */
  async explain(): Promise<string> {
    const ended = await Promise.all(this.host.commands.map((command) => command.wait()));
    const tail = this.#log.split('\n').slice(-30).join('\n');
    const peers = this.sites.map(({ addresses, peer }) => {
      return `wireguard-go behind ${addresses.link}:\n${peer.log.split('\n').slice(-12).join('\n')}`;
    });
    return [...ended.map(describe), `engine log:\n${tail}`, ...peers].join('\n');
  }

  async #leftProcesses(limitMs: number): Promise<string | undefined> {
    try {
      await this.settled(limitMs);
      return undefined;
    } catch (error) {
      // So that the next test starts clean, and commands that wait for them end.
      for (const { pid } of this.host.processes()) killIfThere(pid);
      return error instanceof Error ? error.message : String(error);
    }
  }

  #leftThings(): readonly (string | undefined)[] {
    const before = this.#before;
    const after = takeSnapshot(this.host.namespace.pid);
    const files = this.host.stateFiles().filter((file) => !MAY_STAY.test(file));
    return [
      before?.mounts === after.mounts ? undefined : `mounts changed:\n${after.mounts}`,
      before?.links === after.links ? undefined : `links changed: ${after.links}`,
      before?.files === after.files ? undefined : `files of the host changed:\n${after.files}`,
      files.length === 0 ? undefined : `state files are left: ${files.join(' ')}`,
    ];
  }

  async #outputsWithSecrets(): Promise<string | undefined> {
    for (const command of this.host.commands) {
      const result = await command.wait();
      const secret = findSecret(result.stdout) ?? findSecret(result.stderr);
      if (secret !== undefined) return `printed ${secret}: ${command.argv.join(' ')}`;
    }
    const secret = findSecret(this.#log);
    return secret === undefined ? undefined : `the engine's log holds ${secret}`;
  }

  get #built(): Parts {
    if (!this.#parts) throw new Error('the topology is built before the first test');
    return this.#parts;
  }
}

/** Builds a topology for a test file and guards each of its tests. */
export function useTopology(siteCount: 1 | 2 = 1): Topology {
  const topology = new Topology(siteCount);
  beforeAll(async () => {
    await topology.build();
  });
  afterAll(async () => {
    await topology.demolish();
  });
  beforeEach(() => {
    topology.begin();
    onTestFailed(async () => {
      process.stderr.write(`${await topology.explain()}\n`);
    });
  });
  afterEach(async () => {
    await topology.end();
  });
  return topology;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it ended by itself meanwhile.
  }
}

/** The result itself if the command succeeded and stderr is empty; throws what happened if not. */
export function clean(result: Result): Result {
  if (result.status === 0 && result.stderr === '' && result.overdue === undefined) return result;
  throw new Error(describe(result));
}
