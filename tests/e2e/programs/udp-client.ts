/**
 * Sends datagrams of many sizes to a UDP echo and compares what comes back.
 *
 *     node udp-client.js ADDRESS PORT SIZE…
 *
 * One datagram at a time; prints `echoed N` and ends with status 0 when all came back unchanged.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const ANSWER_MS = 5_000;

async function main(): Promise<void> {
  const [address = '', port = '', ...sizes] = process.argv.slice(2);
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.connect(Number(port), address);
  await once(socket, 'connect');
  for (const size of sizes) {
    const sent = randomBytes(Number(size));
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
    socket.send(sent);
    const [received] = (await answer) as [Buffer];
    if (!received.equals(sent)) throw new Error(`${size} bytes came back changed`);
  }
  socket.close();
  process.stdout.write(`echoed ${sizes.length}\n`);
}

void main();
