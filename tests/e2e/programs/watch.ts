/**
 * The watch on the host: sockets where name-service daemons would listen, and markers for captures.
 *
 *     node watch.js '{"sockets":["/run/nscd/socket"],"markers":["198.51.100.1"]}'
 *
 * A path socket crosses network namespaces, so a wrapped program that asks a daemon of the host has
 * leaked a name. Every connection is counted and closed. Each line of stdin is a number: the program
 * sends a datagram of that many bytes to port 9 of each marker address, which tells a capture that all
 * earlier packets have passed, and then prints the number and the connections since the last line.
 */
import { createSocket } from 'node:dgram';
import { chmodSync, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

interface Options {
  readonly sockets: readonly string[];
  readonly markers: readonly string[];
}

const DISCARD_PORT = 9;

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '') as Options;
  let seen: string[] = [];
  for (const path of options.sockets) {
    await listen(path, () => seen.push(path));
  }
  const markers = createSocket('udp4');
  process.stdout.write('ready\n');
  for await (const line of createInterface({ input: process.stdin })) {
    for (const address of options.markers) {
      await new Promise((resolve) => {
        markers.send(new Uint8Array(Number(line)), DISCARD_PORT, address, resolve);
      });
    }
    // A connection made before the line came is in the backlog: one turn of the loop accepts it,
    // since a listener takes all that wait.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    process.stdout.write(`${line} ${JSON.stringify(seen)}\n`);
    seen = [];
  }
}

async function listen(path: string, onConnection: () => void): Promise<void> {
  const isAbstract = path.startsWith('\0');
  if (!isAbstract) mkdirSync(dirname(path), { recursive: true });
  const server = createServer((socket) => {
    onConnection();
    // The peer may be gone already.
    socket.on('error', () => undefined);
    socket.destroy();
  });
  server.listen(path);
  await once(server, 'listening');
  if (!isAbstract) chmodSync(path, 0o666);
}

void main();
