/**
 * From what the observer saw of one cold start to the times of its phases: nothing in the product is
 * there to be measured, so this reads its processes, its datagrams and its files.
 */
import { Command } from '../e2e/harness/command.ts';
import type { Host } from '../e2e/harness/host.ts';

/** WireGuard's first two messages, by their lengths. */
const INITIATION_BYTES = 148;
const RESPONSE_BYTES = 92;

/** What happens between the user's run and its first byte, and the observer's line that tells it. */
const MILESTONES: ReadonlyMap<string, RegExp> = new Map([
  ['controller is executed', /^exec (\d+) \d+ \S*node .*controller\.js cold /m],
  ['pin is executed', /^exec (\d+) \d+ wg-wrap-pin/m],
  ['engine is executed', /^exec (\d+) \d+ node .*engine\.js/m],
  ['record is in place', /^file (\d+) pin$/m],
  ['first initiation leaves', new RegExp(`^sent (\\d+) ${INITIATION_BYTES}$`, 'm')],
  ['response arrives', new RegExp(`^received (\\d+) ${RESPONSE_BYTES}$`, 'm')],
  // The record is written to in place.
  [
    'record says connected',
    new RegExp(`^received \\d+ ${RESPONSE_BYTES}\n(?:.*\n)*?file (\\d+) pin$`, 'm'),
  ],
  ['command is executed', /^exec (\d+) \d+ curl /m],
]);

/** The moments of a start, in the order in which they come. */
export const MILESTONE_NAMES: readonly string[] = [...MILESTONES.keys()];

/** Milliseconds from the start to each moment; one that did not happen is not there. */
export type Moments = ReadonlyMap<string, number>;

/** Reads the moments since `begin`, in nanoseconds of the observer's clock, out of its lines. */
export function momentsOf(seen: string, begin: number): Moments {
  // Before it there may be the end of the run before.
  const lines = seen
    .split('\n')
    .filter((line) => Number(line.split(' ')[1]) >= begin)
    .join('\n');
  const moments = new Map<string, number>();
  for (const [name, pattern] of MILESTONES) {
    const time = pattern.exec(lines)?.[1];
    if (time !== undefined) moments.set(name, (Number(time) - begin) / 1e6);
  }
  return moments;
}

/** A running observer. */
export class Observer {
  readonly #command: Command;
  #answers = 0;
  #seen = 0;

  private constructor(command: Command) {
    this.#command = command;
  }

  /** Watches the host's user, its link to the site, and the files of `directory`. */
  static async start(
    program: string,
    host: Host,
    link: string,
    directory: string,
  ): Promise<Observer> {
    const netns = `/proc/${host.namespace.pid}/ns/net`;
    const command = Command.start([program, String(host.uid), netns, link, directory], {
      inputStaysOpen: true,
      limitMs: 3_600_000,
    });
    await command.until(/^watching$/m);
    return new Observer(command);
  }

  /** Everything since the last call, as lines. */
  async take(): Promise<string> {
    const end = `taken ${++this.#answers}`;
    this.#command.write(`${end}\n`);
    await this.#command.until(new RegExp(`^${end}$`, 'm'));
    const { output } = this.#command;
    const lines = output.slice(this.#seen);
    this.#seen = output.length;
    return lines;
  }

  async stop(): Promise<void> {
    await this.#command.finish();
  }
}
