/** Has the launcher build a tunnel. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { WgWrapError } from '../errors.ts';
import { unnamedFile } from './ffi.ts';

/** Descriptors that the launcher gets; the numbers that it sees are in docs/architecture.md. */
export interface PinDescriptors {
  readonly lock: number;
  readonly stateDirectory: number;
  readonly udp4: number | 'ignore';
  readonly udp6: number | 'ignore';
}

/** `argv[0]` that makes the launcher a pin. */
const PIN = 'wg-wrap-pin';
/** The same for applying a configuration to a tunnel that lives. */
const APPLY = 'wg-wrap-apply';
/** All that a pin ever says on its standard output. The end of the child with status 0 says the same. */
const READY = 'ready\n';

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
  await runLauncher(PIN, launcher, plan, configuration, descriptors);
}

/**
 * Changes the network of the tunnel of a state directory, and has its pin replace the engine. Without
 * sockets it keeps those that it has.
 * @throws {WgWrapError} `setup` with no line to print.
 */
export async function applyToPin(
  launcher: string,
  plan: string,
  configuration: string,
  descriptors: PinDescriptors,
): Promise<void> {
  await runLauncher(APPLY, launcher, plan, configuration, descriptors);
}

async function runLauncher(
  role: string,
  launcher: string,
  plan: string,
  configuration: string,
  descriptors: PinDescriptors,
): Promise<void> {
  // Not pipes: those would be filled bit by bit, while the launcher waits for the end.
  const texts = [plan, configuration].map(fileOf);
  const child = spawn(launcher, [], {
    argv0: role,
    stdio: [
      'ignore',
      'pipe',
      'inherit',
      ...texts,
      descriptors.lock,
      descriptors.stateDirectory,
      descriptors.udp4,
      descriptors.udp6,
    ],
  });
  for (const file of texts) closeSync(file);
  const failure = await failureOf(child);
  if (failure === undefined) return;
  throw new WgWrapError('setup', failure === '' ? [] : [`cannot run ${launcher} (${failure})`]);
}

/**
 * Undefined when the child is ready. Otherwise why it could not run, or nothing if it ran, for then
 * it has said itself what went wrong.
 */
async function failureOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said === READY) resolve(undefined);
    });
    child.once('error', (error) => {
      resolve('code' in error ? String(error.code) : error.message);
    });
    child.once('exit', (status) => {
      if (status === 0) resolve(undefined);
    });
    child.once('close', (_status, signal) => {
      resolve(signal ?? '');
    });
  });
}

/** A file with a text, to be read from its beginning. */
function fileOf(text: string): number {
  const file = unnamedFile('wg-wrap');
  const bytes = Buffer.from(text);
  let written = 0;
  // With a place, so that the descriptor's own stays where it is.
  while (written < bytes.length) {
    written += writeSync(file, bytes, written, bytes.length - written, written);
  }
  bytes.fill(0);
  return file;
}
