/** A real nscd in place of the sentinel that listens at its path. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from './command.ts';
import type { Host } from './host.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
/** Installed, or only unpacked by scripts/prepare: installed it would serve the machine itself. */
const PROGRAMS = ['/usr/sbin/nscd', join(REPOSITORY, 'build/debian/usr/sbin/nscd')];

const CONFIGURATION = ['enable-cache hosts yes', 'persistent hosts no', 'shared hosts no'];

/** Debian's nscd in the namespaces of a host; all other services of names stay as they are. */
export class Nscd {
  readonly #host: Host;
  #daemon: Command | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Starts it in a new directory, as the system does; a running one is stopped before. */
  async start(): Promise<void> {
    const program = PROGRAMS.find((path) => existsSync(path));
    if (program === undefined) throw new Error('there is no nscd: run scripts/prepare test');
    const { namespace } = this.#host;
    if (this.#daemon) await namespace.stop(this.#daemon);
    await namespace.sh(`
      rm -rf /run/nscd; mkdir /run/nscd
      printf '%s\\n' ${CONFIGURATION.map((line) => `'${line}'`).join(' ')} >/run/nscd.conf`);
    // In the foreground it prints each request, and nothing that says when it is ready.
    this.#daemon = await namespace.daemon([program, '-d', '-f', '/run/nscd.conf'], /./);
    await namespace.sh('until [ -S /run/nscd/socket ]; do sleep 0.05; done');
  }

  /** The names that the present one has been asked for. */
  questions(): readonly string[] {
    const text = `${this.#daemon?.output ?? ''}${this.#daemon?.errors ?? ''}`;
    return [...text.matchAll(/\b(?:GETAI|GETHOSTBY\w+) \(([^)]*)\)/g)].map((match) => match[1]);
  }

  async stop(): Promise<void> {
    if (this.#daemon) await this.#host.namespace.stop(this.#daemon);
    await this.#host.namespace.sh('rm -rf /run/nscd /run/nscd.conf');
  }
}
