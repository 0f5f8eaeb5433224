/** Has the launcher build a tunnel: the only importer of execa. */
import { execa } from 'execa';
import { WgWrapError } from '../errors.ts';

/** Descriptors that the pin gets; the numbers that it sees are in docs/architecture.md. */
export interface PinDescriptors {
  readonly lock: number;
  readonly stateDirectory: number;
  readonly udp4: number;
  readonly udp6: number;
}

/** `argv[0]` that makes the launcher a pin. */
const PIN = 'wg-wrap-pin';

/**
 * Starts the pin and waits until the tunnel is there. The launcher has printed what went wrong by
 * the time this rejects.
 * @throws {WgWrapError} `setup` with no line to print.
 */
export async function startPin(
  launcher: string,
  plan: string,
  configuration: string,
  descriptors: PinDescriptors,
): Promise<void> {
  // Any descriptor will do; execa's types list only the first few.
  const inherited = [
    descriptors.lock,
    descriptors.stateDirectory,
    descriptors.udp4,
    descriptors.udp6,
  ] as 3[];
  const child = execa(launcher, [], {
    argv0: PIN,
    reject: false,
    stripFinalNewline: false,
    stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe', ...inherited],
  });
  writeAll(child.stdio[3], plan);
  writeAll(child.stdio[4], configuration);
  const result = await child;
  if (result.exitCode === 0 && result.stdout === 'ready\n') return;
  // Without an exit status the launcher itself could not run, and has said nothing.
  const why = result.signal ?? result.code ?? 'unknown reason';
  const silent = result.exitCode === undefined ? [`cannot run ${launcher} (${why})`] : [];
  throw new WgWrapError('setup', silent);
}

/** Writes a text to a pipe of the child and closes it. A child that ended early says so itself. */
function writeAll(stream: unknown, text: string): void {
  const pipe = stream as NodeJS.WritableStream;
  pipe.on('error', () => undefined);
  pipe.end(text);
}
