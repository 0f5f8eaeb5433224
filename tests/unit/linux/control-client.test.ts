import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askEngine } from '../../../src/linux/control-client.ts';

const ANSWER = 'connected=true\nerrno=0\n\n';

let directory: string;
let server: Server;
let connections: Socket[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wg-wrap-'));
});

afterEach(() => {
  for (const socket of connections) socket.destroy();
  server.close();
  rmSync(directory, { recursive: true });
});

/** Serves a socket whose n-th connection, from 0, is dealt with by `behave`. */
async function serve(path: string, behave: (socket: Socket, n: number) => void): Promise<void> {
  connections = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    behave(socket, connections.push(socket) - 1);
  });
  server.listen(path);
  await once(server, 'listening');
}

const ask = (path: string, limitMs: number) => askEngine(path, () => 'wait=1\n\n', limitMs);

describe('asking an engine', () => {
  it('gives its answer, over a path of any length', async () => {
    const deep = join(directory, 'x'.repeat(90), 'y'.repeat(90));
    mkdirSync(deep, { recursive: true });
    const cwd = process.cwd();
    // A name that is relative is short enough to be bound.
    process.chdir(deep);
    try {
      await serve('control.sock', (socket) => socket.on('data', () => socket.write(ANSWER)));
    } finally {
      process.chdir(cwd);
    }
    expect(await ask(join(deep, 'control.sock'), 5000)).toBe(ANSWER);
    server.close();
  });

  it('is tried again when the engine dies or has no room, with a request of that moment', async () => {
    const path = join(directory, 'control.sock');
    await serve(path, (socket, n) => {
      if (n < 2) socket.destroy();
      else socket.on('data', (request) => socket.write(`${String(request).trim()}\n\n`));
    });
    let count = 0;
    expect(await askEngine(path, () => `request=${count++}\n\n`, 5000)).toBe('request=2\n\n');
  });

  it('ends in time when the engine never answers', async () => {
    const path = join(directory, 'control.sock');
    await serve(path, () => undefined);
    await expect(ask(path, 200)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('ends in time when the engine never has room', async () => {
    const path = join(directory, 'control.sock');
    await serve(path, (socket) => socket.destroy());
    await expect(ask(path, 400)).rejects.toThrow(/ECONNRESET|EPIPE/);
    expect(connections.length).toBeGreaterThan(1);
  });

  it('fails at once when there is no socket', async () => {
    await serve(join(directory, 'other.sock'), () => undefined);
    await expect(ask(join(directory, 'control.sock'), 60_000)).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(
      ask(join(directory, 'x'.repeat(200), 'control.sock'), 60_000),
    ).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
