/**
 * Tries to get out: many TCP connections and datagrams to the given addresses.
 *
 *     node knock.js COUNT ADDRESS…
 *
 * Waits for the end of stdin before it starts, so that a test decides when. Prints one JSON object:
 * how many connections succeeded, and how many datagrams the kernel accepted. A connection that is
 * still unanswered after the limit counts as failed.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, isIPv6 } from 'node:net';

const PORT = 80;
const LIMIT_MS = 1_500;

async function main(): Promise<void> {
  const [count = '', ...addresses] = process.argv.slice(2);
  process.stdout.write('waiting\n');
  process.stdin.resume();
  await once(process.stdin, 'end');
  const attempts = Array.from({ length: Number(count) }, (_, index) =>
    knock(addresses[index % addresses.length]),
  );
  const connected = (await Promise.all(attempts)).filter(Boolean).length;
  const datagrams = await Promise.all(addresses.map(throwDatagram));
  process.stdout.write(
    `${JSON.stringify({ connected, datagrams: datagrams.filter(Boolean).length })}\n`,
  );
}

async function knock(host: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port: PORT });
    const finish = (success: boolean): void => {
      clearTimeout(limit);
      socket.destroy();
      resolve(success);
    };
    const limit = setTimeout(finish, LIMIT_MS, false);
    socket.once('connect', () => {
      finish(true);
    });
    socket.once('error', () => {
      finish(false);
    });
  });
}

async function throwDatagram(address: string): Promise<boolean> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const failed = await new Promise((resolve) => {
    socket.send('knock', PORT, address, resolve);
  });
  socket.close();
  return failed === null;
}

void main();
