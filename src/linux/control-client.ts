/**
 * Asks an engine over its control socket: one request, one answer.
 *
 * The pin holds the listening socket, so a tunnel that lives can be connected to even while its engine
 * is started again. What breaks is a connection: when the engine dies, and when it has as many as it
 * serves at a time. Neither means that the tunnel has ended, so both are tried again.
 */
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A socket address holds 107 characters (unix(7)). */
const MAX_SOCKET_PATH = 107;
/** A connection that the engine closed without an answer. */
const BROKEN: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);
/** Nobody tells when the engine has room for one more. */
const PAUSE_MS = 100;

/** The engine could not be asked, or ended before it had answered. */
export class ControlSocketError extends Error {
  override readonly name = 'ControlSocketError';
  /** The name of errno. */
  readonly code: string;

  constructor(code: string, options?: { cause?: unknown }) {
    super(`control socket: ${code}`, options);
    this.code = code;
  }
}

/**
 * Sends what `request` gives, which ends with an empty line, to the socket at `path`; gives the answer
 * with its empty line.
 * @throws {ControlSocketError} ETIMEDOUT if there is none within `limitMs`.
 */
export async function askEngine(
  path: string,
  request: () => string,
  limitMs: number,
): Promise<string> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    try {
      return await askOnce(path, request(), deadline - performance.now());
    } catch (error) {
      const isBroken = error instanceof ControlSocketError && BROKEN.has(error.code);
      if (!isBroken || performance.now() + PAUSE_MS >= deadline) throw error;
    }
    await delay(PAUSE_MS);
  }
}

/** Whether somebody listens at `path`. It is the pin that does, so this needs no engine. */
export async function isListening(path: string): Promise<boolean> {
  try {
    return await connected(path, async (socket) => {
      await once(socket, 'connect');
      return true;
    });
  } catch (error) {
    const code = error instanceof ControlSocketError ? error.code : undefined;
    // A queue that is full has a listener.
    return code === 'EAGAIN';
  }
}

async function askOnce(path: string, request: string, limitMs: number): Promise<string> {
  return await connected(path, async (socket) => {
    const timer = setTimeout(() => socket.destroy(new ControlSocketError('ETIMEDOUT')), limitMs);
    try {
      return await exchange(socket, request);
    } finally {
      clearTimeout(timer);
    }
  });
}

/** Does something with a socket that is being connected to `path`. */
async function connected<Result>(
  path: string,
  use: (socket: Socket) => Promise<Result>,
): Promise<Result> {
  // A longer path goes through a descriptor of its directory.
  const directory = path.length > MAX_SOCKET_PATH ? openDirectory(dirname(path)) : undefined;
  const socket = connect(
    directory === undefined ? path : `/proc/self/fd/${directory}/${basename(path)}`,
  );
  try {
    return await use(socket);
  } catch (error) {
    throw asControlSocketError(error);
  } finally {
    socket.destroy();
    if (directory !== undefined) closeSync(directory);
  }
}

function openDirectory(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw asControlSocketError(error);
  }
}

function asControlSocketError(error: unknown): ControlSocketError {
  if (error instanceof ControlSocketError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return new ControlSocketError(code, { cause: error });
}

async function exchange(socket: Socket, request: string): Promise<string> {
  socket.setEncoding('utf8');
  socket.write(request);
  let answer = '';
  for await (const text of socket) {
    answer += String(text);
    if (answer.endsWith('\n\n')) return answer;
  }
  throw new ControlSocketError('ECONNRESET');
}
