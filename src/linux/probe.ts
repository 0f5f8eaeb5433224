/**
 * Asks the host and the network whether they let a datagram through to an endpoint.
 *
 * The tunnel's own sockets are not connected, and the kernel tells such a socket nothing of ICMP
 * errors. A connected one is told, so an empty datagram on a socket of its own finds out who refuses.
 */
import { createSocket } from 'node:dgram';
import { addressFamily, formatAddress, type SocketAddress } from '../ip.ts';

/** How long the network may take to refuse. */
const PATIENCE_MS = 300;

/** The name of the errno with which the datagram was refused; undefined if it was not. */
export async function probeEndpoint(endpoint: SocketAddress): Promise<string | undefined> {
  const family = addressFamily(endpoint.address);
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  return new Promise((resolve) => {
    const finish = (code: string | undefined): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      // An error after this one has nobody left to tell.
      socket.on('error', () => undefined);
      socket.close();
      resolve(code);
    };
    const refused = (error: Error): void => {
      finish('code' in error ? String(error.code) : error.name);
    };
    const timer = setTimeout(finish, PATIENCE_MS, undefined);
    socket.on('error', refused);
    // Not as connect's callback: that one is called in place of 'error' when connecting fails.
    socket.once('connect', () => {
      socket.send(new Uint8Array(0), (error) => {
        if (error) refused(error);
      });
    });
    socket.connect(endpoint.port, formatAddress(endpoint.address));
  });
}
