/**
 * What listens at a site: HTTP, a UDP echo, and a UDP port that never answers.
 *
 *     node servers.js '{"addresses":["10.9.0.1","fd09::1"],"silent":["198.51.100.1",5555]}'
 *
 * HTTP on port 80: `GET /file` is 50 MB of the same random bytes, `GET /part` the first 5 MB of them,
 * `GET /file.sha256` and `GET /part.sha256` their hashes. `PUT` answers with the hash of what it got,
 * `GET /who` with the caller's address, and `GET /slow` sends the part at a rate that leaves time to
 * do harm to the tunnel meanwhile.
 * Prints `ready` when everything listens.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';

interface Options {
  readonly addresses: readonly string[];
  readonly silent: readonly [address: string, port: number];
}

const FILE_BYTES = 50_000_000;
const PART_BYTES = 5_000_000;
const SLOW_CHUNK_BYTES = 100_000;
const SLOW_INTERVAL_MS = 40;

const file = randomBytes(FILE_BYTES);
const fileHash = sha256(file);
const part = file.subarray(0, PART_BYTES);
const partHash = sha256(part);

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '') as Options;
  for (const address of options.addresses) {
    const http = createServer(answer).listen(80, address);
    await once(http, 'listening');
    await echo(address);
  }
  const [address, port] = options.silent;
  await bind(address, port);
  process.stdout.write('ready\n');
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'PUT') {
    const hash = createHash('sha256');
    request.on('data', (chunk: Uint8Array) => hash.update(chunk));
    request.on('end', () => response.end(hash.digest('hex')));
  } else if (request.url === '/file') {
    response.end(file);
  } else if (request.url === '/file.sha256') {
    response.end(fileHash);
  } else if (request.url === '/part') {
    response.end(part);
  } else if (request.url === '/part.sha256') {
    response.end(partHash);
  } else if (request.url === '/slow') {
    drip(response);
  } else {
    response.end(request.socket.remoteAddress);
  }
}

function drip(response: ServerResponse): void {
  let sent = 0;
  const timer = setInterval(() => {
    response.write(part.subarray(sent, sent + SLOW_CHUNK_BYTES));
    sent += SLOW_CHUNK_BYTES;
    if (sent >= PART_BYTES) response.end();
    if (sent >= PART_BYTES || response.destroyed) clearInterval(timer);
  }, SLOW_INTERVAL_MS);
}

async function echo(address: string): Promise<void> {
  const socket = await bind(address, 7);
  socket.on('message', (message, from) => {
    socket.send(message, from.port, from.address);
  });
}

async function bind(address: string, port: number): Promise<ReturnType<typeof createSocket>> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

void main();
