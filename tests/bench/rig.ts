/**
 * What is measured, and where: installations of the product, the machine of the end-to-end tests with
 * one site whose peer is Debian's wireguard-go, and the two small programs that take the times.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { makeClient, type Client } from '../e2e/harness/client.ts';
import { describe, type Command, type Result } from '../e2e/harness/command.ts';
import { eventually } from '../e2e/harness/eventually.ts';
import { Host } from '../e2e/harness/host.ts';
import { Site } from '../e2e/harness/site.ts';

const TEAR_DOWN_LIMIT_MS = 10_000;
const CC = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-static'];

/** The machine with everything on it. */
export class Rig {
  readonly host: Host;
  readonly site: Site;
  readonly client: Client;
  /** Launchers, by the name that the report gives them. */
  readonly launchers: ReadonlyMap<string, string>;
  readonly #scratch: string;

  private constructor(
    scratch: string,
    machine: { readonly host: Host; readonly site: Site; readonly client: Client },
    launchers: ReadonlyMap<string, string>,
  ) {
    this.#scratch = scratch;
    this.host = machine.host;
    this.site = machine.site;
    this.client = machine.client;
    this.launchers = launchers;
  }

  /** Builds it. Without `prefixes` the sources in `repository` are installed and measured. */
  static async build(repository: string, prefixes: readonly string[]): Promise<Rig> {
    const scratch = mkdtempSync(join(tmpdir(), 'wg-wrap-bench-'));
    // mkdtemp makes 0700, but the product runs as another uid.
    chmodSync(scratch, 0o755);
    const sources = join(repository, 'tests/bench');
    for (const name of ['timer', 'observer']) {
      execFileSync('gcc', [...CC, join(sources, `${name}.c`), '-o', join(scratch, name)]);
    }
    buildSync({
      entryPoints: [join(repository, 'tests/e2e/programs/servers.ts')],
      outdir: scratch,
      bundle: true,
      platform: 'node',
      target: 'node20.19',
      format: 'cjs',
      logLevel: 'warning',
    });
    const installed = prefixes.length > 0 ? prefixes : [install(repository, scratch)];
    const uid = 20_000 + (process.pid % 20_000);
    const places = { prefix: installed[0], programs: scratch, scratch, uid };
    const host = await Host.create(places);
    const site = await Site.create(0, host.namespace, scratch);
    const client = await makeClient(host, [site]);
    return new Rig(
      scratch,
      { host, site, client },
      new Map(installed.map((prefix) => [prefix, join(prefix, 'bin/wg-wrap')])),
    );
  }

  /** Path of one of the two programs. */
  program(name: 'timer' | 'observer'): string {
    return join(this.#scratch, name);
  }

  /** `launcher -c CONFIG -- argv`. */
  wrapped(launcher: string, argv: readonly string[]): readonly string[] {
    return [launcher, '-c', this.client.name, '--', ...argv];
  }

  /** Runs the timer as the user; gives the numbers of each of its lines. */
  async time(words: readonly string[], limitMs: number): Promise<readonly (readonly number[])[]> {
    const result = await this.#run([this.program('timer'), ...words], limitMs);
    return result.text.split('\n').map((line) => line.split(' ').map(Number));
  }

  /** Starts a session that keeps the tunnel until its input ends. */
  async hold(launcher: string): Promise<Command> {
    const session = this.host.user(this.wrapped(launcher, ['sh', '-c', 'echo held; exec cat']), {
      inputStaysOpen: true,
      limitMs: 3_600_000,
    });
    await session.until(/^held$/m);
    return session;
  }

  /** Waits until the tunnel has ended, with every process of it. */
  async settled(): Promise<void> {
    await eventually(
      () => this.host.processes().length === 0,
      TEAR_DOWN_LIMIT_MS,
      () => `still there: ${JSON.stringify(this.host.processes())}`,
    );
  }

  /** The state directory, which is there after the first tunnel, and stays. */
  stateDirectory(): string {
    const lock = this.host.stateFiles().find((file) => file.endsWith('/lock'));
    if (lock === undefined) throw new Error('no tunnel has ever run here');
    return join(this.host.runtime, dirname(lock));
  }

  async close(): Promise<void> {
    await this.site.close();
    await this.host.close();
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  async #run(argv: readonly string[], limitMs: number): Promise<Result> {
    const result = await this.host.user(argv, { limitMs }).wait();
    if (result.status !== 0 || result.stderr !== '') throw new Error(describe(result));
    return result;
  }
}

/** Installs the sources of `repository` below `scratch`; returns the prefix. */
export function install(repository: string, scratch: string): string {
  const prefix = join(scratch, 'prefix');
  execFileSync('make', ['--no-print-directory', '-s', 'install', `PREFIX=${prefix}`], {
    cwd: repository,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return prefix;
}
