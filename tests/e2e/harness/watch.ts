/**
 * The watch on the host: listens where name-service daemons would, and marks points in time.
 *
 * One question answers both "did anything connect?" and "have the captures seen everything so far?".
 */
import type { Capture } from './capture.ts';
import type { Command } from './command.ts';
import type { Namespace } from './namespace.ts';
import type { Site } from './site.ts';

/** Where glibc's resolver modules look for daemons, below the host's own /run, and one abstract name. */
const SOCKETS = [
  '/run/nscd/socket',
  '/run/systemd/resolve/io.systemd.Resolve',
  '/run/avahi-daemon/socket',
  // A name without a path, which the hostile program of attack/ tries.
  '\0wg-wrap-sentinel',
] as const;

/** What was seen since the last look. */
export interface Sighting {
  /** Paths of sockets that somebody connected to. */
  readonly connections: readonly string[];
  /** Packets that left the host and were not the tunnel's. */
  readonly packets: readonly string[];
  /** The mark that ends what was seen, for a capture that a test has started itself. */
  readonly mark: number;
}

/** The recording sockets and the captures of all links. */
export class Watch {
  readonly #program: Command;
  readonly #captures: readonly Capture[];
  #marks = 0;

  private constructor(program: Command, captures: readonly Capture[]) {
    this.#program = program;
    this.#captures = captures;
  }

  static async start(
    host: Namespace,
    sites: readonly Site[],
    captures: readonly Capture[],
    programs: string,
  ): Promise<Watch> {
    const options = { sockets: SOCKETS, markers: sites.map((site) => site.addresses.outer4) };
    const program = await host.daemon(
      [process.execPath, `${programs}/watch.js`, JSON.stringify(options)],
      /^ready$/m,
      { inputStaysOpen: true },
    );
    return new Watch(program, captures);
  }

  /** Everything since the last look, complete up to this moment. */
  async look(): Promise<Sighting> {
    this.#marks += 1;
    const mark = this.#marks;
    this.#program.write(`${mark}\n`);
    const [, connections = '[]'] = await this.#program.until(new RegExp(`^${mark} (.*)$`, 'm'));
    await Promise.all(this.#captures.map((capture) => capture.reached(mark)));
    return {
      mark,
      connections: JSON.parse(connections) as readonly string[],
      packets: this.#captures.flatMap((capture) => capture.take()),
    };
  }
}
