/**
 * The host's UDP sockets, opened by the controller before the namespaces exist; and those of a device
 * that is in the host's namespaces itself.
 *
 * A socket keeps the network namespace it was made in, so these carry the encrypted datagrams from
 * inside the tunnel to the host's network. They are bare descriptors and not Node's dgram sockets: a
 * second reader in this process would eat the engine's datagrams.
 *
 * Both families use one port, as WireGuard has a single listen port. DF stays clear, so the outer
 * path may fragment, as the kernel's driver allows.
 */
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { Address, SocketAddress } from '../ip.ts';
import {
  bind,
  closeDescriptor,
  connect,
  getSocketOption,
  setSocketOption,
  socketName,
  SystemCallError,
  udpSocket,
} from './ffi.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_SNDBUF = 7;
const SO_MARK = 36;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IP_MTU_DISCOVER = 10;
const IP_MTU = 14;
const IPV6_MTU_DISCOVER = 23;
const IPV6_MTU = 24;
const IPV6_V6ONLY = 26;
const PMTUDISC_DONT = 0;

/** What the kernel is asked for; it gives at most `net.core.rmem_max` and `wmem_max`. */
const BUFFER_BYTES = 7 << 20;
/** How often a free port of IPv4 may turn out to be taken in IPv6 before giving up. */
const PORT_ATTEMPTS = 16;

/** Two descriptors on one port. A family that the host lacks has `/dev/null` in its place. */
export interface HostSockets {
  readonly udp4: number;
  readonly udp6: number;
  readonly port: number;
  readonly hasIPv4: boolean;
  readonly hasIPv6: boolean;
  /** Closes this process's copies; copies in other processes live on. */
  close(): void;
}

/**
 * Opens both sockets on `port`, or on a free one if it is 0.
 * @throws {SystemCallError} EADDRINUSE if the port is taken, EAFNOSUPPORT if there is no family at all.
 */
export function openHostSockets(port: number): HostSockets {
  for (let attempt = 1; ; attempt++) {
    const udp4 = openSocket(AF_INET, port);
    const chosen = port === 0 && udp4 !== undefined ? portOf(udp4) : port;
    try {
      return hostSockets(udp4, openSocket(AF_INET6, chosen));
    } catch (error) {
      if (udp4 !== undefined) closeDescriptor(udp4);
      const isTaken = error instanceof SystemCallError && error.code === 'EADDRINUSE';
      if (!isTaken || port !== 0 || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/**
 * Marks what both sockets send (socket(7), SO_MARK); 0 for no mark.
 * @throws {SystemCallError} EPERM without CAP_NET_ADMIN.
 */
export function markSockets(sockets: HostSockets, mark: number): void {
  if (sockets.hasIPv4) setSocketOption(sockets.udp4, SOL_SOCKET, SO_MARK, mark);
  if (sockets.hasIPv6) setSocketOption(sockets.udp6, SOL_SOCKET, SO_MARK, mark);
}

function hostSockets(udp4: number | undefined, udp6: number | undefined): HostSockets {
  const bound = udp4 ?? udp6;
  if (bound === undefined) throw new SystemCallError('socket', constants.errno.EAFNOSUPPORT);
  const sockets = { udp4: udp4 ?? devNull(), udp6: udp6 ?? devNull() };
  return {
    ...sockets,
    port: portOf(bound),
    hasIPv4: udp4 !== undefined,
    hasIPv6: udp6 !== undefined,
    close() {
      closeSync(sockets.udp4);
      closeSync(sockets.udp6);
    },
  };
}

/** One bound socket; undefined where the host has no such family. */
function openSocket(family: number, port: number): number | undefined {
  let fd: number;
  try {
    fd = udpSocket(family);
  } catch (error) {
    if (isMissingFamily(error)) return undefined;
    throw error;
  }
  try {
    configure(fd, family);
    bind(fd, encodeSocketAddress(family, undefined, port));
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    // The sysctl disable_ipv6 leaves the family, but no address to bind to.
    if (family === AF_INET6 && isMissingFamily(error)) return undefined;
    throw error;
  }
}

function configure(fd: number, family: number): void {
  setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
  setSocketOption(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
  if (family === AF_INET6) {
    setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    setSocketOption(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT);
  } else {
    setSocketOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT);
  }
}

function isMissingFamily(error: unknown): boolean {
  return (
    error instanceof SystemCallError &&
    (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL')
  );
}

function devNull(): number {
  return openSync('/dev/null', 'r+');
}

/** What the host's network says about sending to an endpoint. */
export type Route =
  | { readonly reachable: true; readonly mtu: number }
  | { readonly reachable: false; readonly code: string };

/** Asks the kernel for the route to `endpoint` and its MTU in bytes; no datagram is sent. */
export function lookUpRoute(endpoint: SocketAddress): Route {
  return withConnectedSocket(endpoint, (fd, family) => ({
    reachable: true,
    mtu:
      family === AF_INET
        ? getSocketOption(fd, IPPROTO_IP, IP_MTU)
        : getSocketOption(fd, IPPROTO_IPV6, IPV6_MTU),
  }));
}

function withConnectedSocket(
  endpoint: SocketAddress,
  ask: (fd: number, family: number) => Route,
): Route {
  const family = familyOf(endpoint.address);
  let fd: number | undefined;
  try {
    fd = udpSocket(family);
    connect(fd, encodeSocketAddress(family, endpoint.address, endpoint.port));
    return ask(fd, family);
  } catch (error) {
    if (error instanceof SystemCallError) return { reachable: false, code: error.code };
    throw error;
  } finally {
    if (fd !== undefined) closeDescriptor(fd);
  }
}

function familyOf(address: Address): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

/** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)); no address is the wildcard. */
function encodeSocketAddress(
  family: number,
  address: Address | undefined,
  port: number,
): Uint8Array {
  const bytes = new Uint8Array(family === AF_INET ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port, false);
  if (address) bytes.set(address, family === AF_INET ? 4 : 8);
  return bytes;
}

function portOf(fd: number): number {
  return new DataView(socketName(fd).buffer).getUint16(2, false);
}
