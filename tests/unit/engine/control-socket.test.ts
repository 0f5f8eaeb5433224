import { spawn, type ChildProcess } from 'node:child_process';
import { connect, type Server, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveControlSocket, type ControlListener } from '../../../src/engine/control-socket.ts';

/** Waits are answered when the test says so. */
class Listener implements ControlListener {
  readonly requests: string[] = [];
  answer = 'listen_port=1\nerrno=0\n\n';
  /** What a change is answered with, if that takes a while. */
  change?: Promise<string>;
  readonly waits: { answer: (text: string) => void; signal: AbortSignal }[] = [];

  onGet(): string {
    this.requests.push('get');
    return this.answer;
  }

  onSet(request: string): string | Promise<string> {
    this.requests.push(request);
    return this.change ?? 'errno=0\n\n';
  }

  onStatus(): string {
    this.requests.push('status');
    return 'status={}\nerrno=0\n\n';
  }

  onWait(milliseconds: number, signal: AbortSignal): Promise<string> {
    this.requests.push(`wait ${milliseconds}`);
    return new Promise((answer) => {
      this.waits.push({ answer, signal });
    });
  }
}

const BINDER = `
  const server = require('node:net').createServer();
  server.listen(process.argv[1], () => process.send('bound', server._handle));
`;

let directory: string;
let binder: ChildProcess;
let server: Server;
let listener: Listener;
let path: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wg-wrap-'));
  path = join(directory, 'control.sock');
  // As with the pin, one process binds the socket and another one serves the descriptor.
  binder = spawn(process.execPath, ['-e', BINDER, path], { stdio: ['ignore', 2, 2, 'ipc'] });
  const [, handle] = (await once(binder, 'message')) as [string, { readonly fd: number }];
  const { fd } = handle;
  // A listening server of Node's accepts at once: this one must leave that to the other.
  binder.kill('SIGSTOP');
  listener = new Listener();
  server = serveControlSocket(fd, listener);
  await once(server, 'listening');
});

afterEach(() => {
  server.close();
  binder.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

async function client(): Promise<Socket> {
  const socket = connect(path);
  socket.setEncoding('utf8');
  await once(socket, 'connect');
  return socket;
}

/** Reads until `count` empty lines have come. */
async function answers(socket: Socket, count: number): Promise<string> {
  let text = '';
  while (text.split('\n\n').length <= count) {
    const [chunk] = (await once(socket, 'data')) as [string];
    text += chunk;
  }
  return text;
}

describe('the control socket', () => {
  it('answers get and set', async () => {
    const socket = await client();
    socket.write('get=1\n\n');
    expect(await answers(socket, 1)).toBe('listen_port=1\nerrno=0\n\n');
    socket.write('set=1\nreplace_peers=true\n\n');
    expect(await answers(socket, 1)).toBe('errno=0\n\n');
    expect(listener.requests).toEqual(['get', 'set=1\nreplace_peers=true\n']);
    socket.destroy();
  });

  it('answers a request for the status, which has no more lines', async () => {
    const socket = await client();
    socket.write('status=1\n\nstatus=1\nx=1\n\n');
    expect(await answers(socket, 2)).toBe('status={}\nerrno=0\n\nerrno=-22\n\n');
    expect(listener.requests).toEqual(['status']);
    socket.destroy();
  });

  it('takes a request in pieces, and several at once in their order', async () => {
    const socket = await client();
    socket.write('get=');
    socket.write('1\n');
    socket.write('\nset=1\n\nget=1\n\n');
    expect(await answers(socket, 3)).toBe(
      'listen_port=1\nerrno=0\n\nerrno=0\n\nlisten_port=1\nerrno=0\n\n',
    );
    socket.destroy();
  });

  it('answers a request that it does not know with EPROTO', async () => {
    const socket = await client();
    socket.write('hello\n\n');
    expect(await answers(socket, 1)).toBe('errno=-71\n\n');
    socket.destroy();
  });

  it('holds later requests back while one is waiting', async () => {
    const socket = await client();
    socket.write('wait=5000\n\nget=1\n\n');
    await expect.poll(() => listener.waits.length).toBe(1);
    expect(listener.requests).toEqual(['wait 5000']);
    listener.waits[0].answer('connected=true\nerrno=0\n\n');
    expect(await answers(socket, 2)).toBe('connected=true\nerrno=0\n\nlisten_port=1\nerrno=0\n\n');
    socket.destroy();
  });

  it('tells a wait that its client has gone', async () => {
    const socket = await client();
    socket.write('wait=5000\n\n');
    await expect.poll(() => listener.waits.length).toBe(1);
    socket.destroy();
    await expect.poll(() => listener.waits[0].signal.aborted).toBe(true);
  });

  it('tells a wait that its client sends no more', async () => {
    const socket = await client();
    socket.write('wait=5000\n\n');
    await expect.poll(() => listener.waits.length).toBe(1);
    socket.end();
    await expect.poll(() => listener.waits[0].signal.aborted).toBe(true);
  });

  it('answers all that a client has sent that sends no more, and then hangs up', async () => {
    let changed: (answer: string) => void = () => undefined;
    listener.change = new Promise((resolve) => (changed = resolve));
    const socket = connect({ path, allowHalfOpen: true });
    socket.setEncoding('utf8');
    const taken: string[] = [];
    socket.on('data', (chunk: string) => taken.push(chunk));
    socket.write('set=1\n\n');
    await expect.poll(() => listener.requests.length).toBe(1);
    socket.end('get=1\n\nget=');
    // The end of what it sends is noticed before the change is made.
    const other = await client();
    other.write('status=1\n\n');
    await answers(other, 1);
    other.destroy();
    expect(taken).toEqual([]);
    changed('errno=0\n\n');
    await once(socket, 'close');
    expect(taken.join('')).toBe('errno=0\n\nlisten_port=1\nerrno=0\n\n');
  });

  it('refuses a get or a wait with more lines', async () => {
    const socket = await client();
    socket.write('get=1\nlisten_port=7\n\nwait=5\nx=1\n\n');
    expect(await answers(socket, 2)).toBe('errno=-22\n\nerrno=-71\n\n');
    expect(listener.requests).toEqual([]);
    socket.destroy();
  });

  it('takes a request of megabytes, whose pieces end anywhere', async () => {
    const socket = await client();
    const request = `set=1\n${'x=1\n'.repeat(1 << 20)}`;
    socket.write(`${request}\nget=1\n`);
    expect(await answers(socket, 1)).toBe('errno=0\n\n');
    socket.write('\n');
    expect(await answers(socket, 1)).toBe('listen_port=1\nerrno=0\n\n');
    expect(listener.requests).toEqual([request, 'get']);
    socket.destroy();
  });

  it('makes no answer before the one before was taken', async () => {
    // More than a socket's buffer holds.
    listener.answer = `${'x'.repeat(1 << 20)}\n\n`;
    const socket = await client();
    socket.pause();
    socket.write('get=1\n\n'.repeat(8));
    await expect.poll(() => listener.requests.length).toBe(1);
    // Another client is served over and over, while the first one could have been.
    const second = await client();
    for (let i = 0; i < 20; i++) {
      second.write('set=1\n\n');
      await answers(second, 1);
    }
    expect(listener.requests.filter((request) => request === 'get')).toHaveLength(1);
    let length = 0;
    socket.on('data', (text: string) => {
      length += text.length;
    });
    socket.resume();
    await expect.poll(() => length).toBe(8 * listener.answer.length);
    socket.destroy();
    second.destroy();
  });

  it('closes on a line that is too long', async () => {
    const socket = await client();
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    socket.write('x'.repeat(5000));
    await closed;
    expect(listener.requests).toEqual([]);
  });

  it('serves 64 clients at once and refuses the next', async () => {
    const sockets = await Promise.all(Array.from({ length: 64 }, client));
    for (const socket of sockets) socket.write('get=1\n\n');
    await Promise.all(sockets.map((socket) => answers(socket, 1)));
    const next = connect(path);
    next.on('error', () => undefined);
    next.write('get=1\n\n');
    await new Promise((closed) => next.on('close', closed));
    expect(listener.requests).toHaveLength(64);
    for (const socket of sockets) socket.destroy();
  });
});
