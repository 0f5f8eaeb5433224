/**
 * Looks for keys where they could lie open while the product runs: in the arguments and the environment
 * of each of the user's processes, and in the files of the tunnels' state.
 *
 * It samples: a process that lives shorter than the interval may be missed in one test, but hardly in
 * all of them.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findSecret } from './keys.ts';

const INTERVAL_MS = 100;
/** A test may have put a pipe in the place of a file. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
/** A variable that the test itself filled with a configuration. */
const GIVEN = /(?:^|\0)WG_WRAP_CONFIG_(?:TEXT|BASE64)=[^\0]*/g;
const STATE_FILES = /\/(?:log|about|about\.new|pin|pin\.new|lock|inside|sessions\/[^/]*)$/;

/** What is looked at; a {@link Host} is one. */
export interface SecretSource {
  /** The directory that state files are named from. */
  readonly runtime: string;
  stateFiles(): readonly string[];
  processes(): readonly { readonly pid: number; readonly command: string }[];
}

/** What was found since the last {@link take}. */
export class SecretWatch {
  readonly #host: SecretSource;
  readonly #timer: NodeJS.Timeout;
  #found = new Set<string>();

  constructor(host: SecretSource) {
    this.#host = host;
    this.#timer = setInterval(() => {
      this.#sample();
    }, INTERVAL_MS);
  }

  /** Where keys were seen, after one more look; forgets it. */
  take(): readonly string[] {
    this.#sample();
    const found = [...this.#found];
    this.#found = new Set();
    return found;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    for (const { pid, command } of this.#host.processes()) {
      for (const file of ['cmdline', 'environ']) this.#search(`/proc/${pid}/${file}`, command);
    }
    for (const file of this.#host.stateFiles()) {
      if (STATE_FILES.test(file)) this.#search(join(this.#host.runtime, file), 'state');
    }
  }

  #search(path: string, whose: string): void {
    let text: string;
    try {
      const fd = openSync(path, OPEN_FLAGS);
      try {
        text = readFileSync(fd, 'latin1');
      } finally {
        closeSync(fd);
      }
    } catch {
      // The process or the tunnel ended between the listing and the reading.
      return;
    }
    const secret = findSecret(text.replaceAll(GIVEN, ''));
    if (secret !== undefined) this.#found.add(`${secret} in ${path} (${whose})`);
  }
}
