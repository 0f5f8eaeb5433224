/**
 * IP addresses, prefixes and endpoints as values and as text. A leaf.
 *
 * An address is its bytes in network order: 4 for IPv4, 16 for IPv6. An IPv4-mapped IPv6 address is
 * an IPv6 address here. Text follows RFC 4291 on the way in and RFC 5952 on the way out.
 */

/** An address in network byte order, 4 or 16 bytes. */
export type Address = Uint8Array;

/** An address with a prefix length in bits: 0 to 32, or 0 to 128. Host bits may be set. */
export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

/** A UDP endpoint. */
export interface SocketAddress {
  readonly address: Address;
  readonly port: number;
}

/**
 * A peer's place on the host's network, as the core's opaque endpoint. Immutable; all its texts are
 * made once, since an endpoint is met with every datagram.
 */
export class UdpEndpoint implements SocketAddress {
  readonly address: Address;
  readonly port: number;
  /** The address as text, with a zone where it is link-local. */
  readonly host: string;
  /** Source address and port: what a cookie is bound to (WP 5.4.7). */
  readonly cookieBytes: Uint8Array;
  readonly #text: string;

  constructor(address: Address, port: number, host: string = formatAddress(address)) {
    this.address = address;
    this.port = port;
    this.host = host;
    this.cookieBytes = Uint8Array.of(...address, port >>> 8, port & 0xff);
    this.#text = address.length === 4 ? `${host}:${port}` : `[${host}]:${port}`;
  }

  /** What counts as one source for rate limiting: an IPv4 address, or an IPv6 /64. */
  get rateLimitKey(): string {
    return this.address.length === 4 ? this.host : this.address.subarray(0, 8).join('.');
  }

  /** Same address, zone and port? */
  equals(other: object): boolean {
    return other instanceof UdpEndpoint && other.#text === this.#text;
  }

  toString(): string {
    return this.#text;
  }
}

/** 4 or 6, from the length of the address. */
export function addressFamily(address: Address): 4 | 6 {
  return address.length === 4 ? 4 : 6;
}

/** Parses an IPv4 or IPv6 address without brackets or zone; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text);
}

/** Formats an address; IPv6 in the canonical form of RFC 5952. */
export function formatAddress(address: Address): string {
  return address.length === 4 ? address.join('.') : formatIPv6(address);
}

/** Parses `ADDRESS` or `ADDRESS/LENGTH`; a bare address is a host prefix. Host bits are kept. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address) return undefined;
  const bits = address.length * 8;
  if (slash < 0) return { address, length: bits };
  const lengthText = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(lengthText) || Number(lengthText) > bits) return undefined;
  return { address, length: Number(lengthText) };
}

/** Formats a prefix as `ADDRESS/LENGTH`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

/** The same prefix with its host bits cleared. */
export function maskPrefix(prefix: Prefix): Prefix {
  const address = prefix.address.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix.length - 8 * index));
    return byte & (0xff00 >> kept);
  });
  return { address, length: prefix.length };
}

/** Tells whether `address` is of the prefix's family and inside it. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix.address.length !== address.length) return false;
  for (let i = 0, left = prefix.length; left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 0xff : 0xff00 >> left;
    if (((prefix.address[i] ^ address[i]) & mask) !== 0) return false;
  }
  return true;
}

/** Parses `1.2.3.4:5` or `[2001:db8::1]:5` with a port of 1 to 65535; undefined for anything else. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const address = text.startsWith('[') ? parseIPv6(match[1]) : parseIPv4(match[2]);
  const port = Number(match[3]);
  if (!address || port < 1 || port > 65535) return undefined;
  return { address, port };
}

/** Formats an endpoint; IPv6 in brackets. */
export function formatSocketAddress(endpoint: SocketAddress): string {
  const text = formatAddress(endpoint.address);
  return endpoint.address.length === 4 ? `${text}:${endpoint.port}` : `[${text}]:${endpoint.port}`;
}

function parseIPv4(text: string): Address | undefined {
  // A leading zero is refused: some programs read such a part as octal, others don't.
  if (!/^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  return parts.some((part) => part > 255) ? undefined : Uint8Array.from(parts);
}

function parseIPv6(text: string): Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group (RFC 4291 2.2).
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]));
}

/** Groups of a half of an IPv6 address; an embedded IPv4 address may end the last half. */
function parseGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16));
      continue;
    }
    const ipv4 = isLast && index === parts.length - 1 ? parseIPv4(part) : undefined;
    if (!ipv4) return undefined;
    groups.push((ipv4[0] << 8) | ipv4[1], (ipv4[2] << 8) | ipv4[3]);
  }
  return groups;
}

function formatIPv6(address: Address): string {
  const groups = Array.from({ length: 8 }, (_, i) => (address[2 * i] << 8) | address[2 * i + 1]);
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

/** The first of the longest runs of zero groups (RFC 5952 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}
