/**
 * One value of a configuration at a time: text to value, or what is wrong with the text.
 *
 * What wg(8) reads (keys, ports, AllowedIPs, Endpoint) may hold space anywhere, since wg(8) takes it
 * all out; what wg-quick(8) reads (Address, DNS) is a list with commas, space, or both between its
 * elements. No refusal of a key holds any of its text.
 */
import { isZero } from '../bytes.ts';
import {
  formatAddress,
  maskPrefix,
  parseAddress,
  parsePrefix,
  type Address,
  type Prefix,
} from '../ip.ts';
import { parseKey, SecretKey } from '../key.ts';
import { quote } from './diagnostic.ts';

/** What is wrong with a value, and how far from its start. */
export class Refusal {
  readonly message: string;
  readonly offset: number;

  constructor(message: string, offset = 0) {
    this.message = message;
    this.offset = offset;
  }
}

/** Understands one value. `key` is for messages. */
export type FieldParser<T> = (value: string, key: string) => T | Refusal;

/** Understands a list: its elements in order, each a value or what is wrong with it. */
export type ListParser<T> = (value: string) => readonly (T | Refusal)[];

/** Where a peer is said to be, without its line. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Parses the base64 text of a public key. */
export function parsePublicKey(value: string, key: string): Uint8Array | Refusal {
  const text = withoutSpace(value);
  const bytes = parseKey(text);
  if (bytes && !isZero(bytes)) return bytes;
  return new Refusal(`${key} is not a WireGuard key (${describeKey(text)})${adviseOnKey(text)}`);
}

/** Parses a private key. */
export function parsePrivateKey(value: string, key: string): SecretKey | Refusal {
  const bytes = parsePublicKey(value, key);
  return bytes instanceof Refusal ? bytes : new SecretKey(bytes);
}

/** Parses a preshared key; undefined for one of zeros, which means none. */
export function parsePresharedKey(value: string, key: string): SecretKey | undefined | Refusal {
  const bytes = parseKey(withoutSpace(value));
  if (bytes && isZero(bytes)) return undefined;
  return parsePrivateKey(value, key);
}

/** A parser of decimal numbers. */
export function integer(minimum: number, maximum: number): FieldParser<number> {
  return (value, key) =>
    parseDecimal(withoutSpace(value), minimum, maximum) ??
    new Refusal(`${key} must be ${minimum} to ${maximum}`);
}

/** Parses an interval in seconds; `off` is 0. */
export function parseKeepalive(value: string, key: string): number | Refusal {
  const text = withoutSpace(value).toLowerCase();
  const seconds = text === 'off' ? 0 : parseDecimal(text, 0, 65535);
  return seconds ?? new Refusal(`${key} must be 0 to 65535, or off`);
}

/** Parses a firewall mark; `off` is 0. */
export function parseFwMark(value: string, key: string): number | Refusal {
  const text = withoutSpace(value).toLowerCase();
  const mark = text === 'off' ? 0 : parseMark(text);
  return mark ?? new Refusal(`${key} must be a number up to 0xffffffff, or off`);
}

/** Checks the name of a routing table. */
export function parseTable(value: string, key: string): string | Refusal {
  const text = value.toLowerCase();
  const isTable = text === 'off' || text === 'auto' || parseMark(text) !== undefined;
  return isTable ? text : new Refusal(`${key} must be a number, auto or off`);
}

/** Parses `true` or `false`. */
export function parseBoolean(value: string, key: string): boolean | Refusal {
  const text = value.toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  return new Refusal(`${key} must be true or false`);
}

/** Parses the three reserved bytes: as numbers with commas, or as base64. */
export function parseReserved(value: string, key: string): Uint8Array | Refusal {
  const text = withoutSpace(value);
  if (/^[A-Za-z0-9+/]{4}$/.test(text)) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }
  const bytes = text.split(',', 4).map((part) => parseDecimal(part, 0, 255));
  if (bytes.length === 3 && bytes.every((byte) => byte !== undefined))
    return Uint8Array.from(bytes);
  return new Refusal(`${key} must be three numbers 0 to 255 (a,b,c), or 3 bytes in base64`);
}

/** Parses the addresses of an interface; their host bits stay. */
export function parseAddresses(value: string): (Prefix | Refusal)[] {
  return looseElements(value).map(({ text, offset }) => toPrefix(text, offset));
}

/** Parses allowed IPs and cuts off their host bits. An empty value is an empty list. */
export function parseAllowedIPs(value: string): (Prefix | Refusal)[] {
  if (value === '') return [];
  return elements(value).map(({ text, offset }) => {
    const prefix = toPrefix(withoutSpace(text), offset);
    return prefix instanceof Refusal ? prefix : maskPrefix(prefix);
  });
}

/** Parses name servers, which are addresses, and search domains, which are names. */
export function parseDns(value: string): (Address | string | Refusal)[] {
  return looseElements(value).map(({ text, offset }) => {
    const address = parseAddress(text);
    if (address) return address;
    // What looks like an address to wg-quick(8) must be one.
    const isName = !/^[0-9.]+$|:/.test(text) && isDomain(text);
    return isName ? text : new Refusal(`${quote(text)} is not an address or a domain`, offset);
  });
}

/** Parses `NAME:PORT`, `IPV4:PORT` or `[IPV6]:PORT`. The text of an address becomes canonical. */
export function parseEndpoint(value: string): HostAndPort | Refusal {
  const text = withoutSpace(value);
  if (text === '') return new Refusal('Endpoint has no value');
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(text);
  if (!match) return refuseColons(text);
  const [, host, port = ''] = match;
  if (port.includes(':')) return refuseColons(text);
  if (port === '') {
    return new Refusal(`Endpoint needs a port: ${quote(text)}${exampleWithPort(host)}`);
  }
  const parsedHost = host.startsWith('[') ? parseBracketed(host) : parseHost(host);
  if (parsedHost instanceof Refusal) return parsedHost;
  const parsedPort = parseDecimal(port, 1, 65535);
  if (parsedPort === undefined) return new Refusal('the port of Endpoint must be 1 to 65535');
  return { host: parsedHost, port: parsedPort };
}

/** The elements between commas, each without outer space and with its offset in the value. */
function elements(value: string): { text: string; offset: number }[] {
  let start = 0;
  return value.split(',').map((raw) => {
    const offset = start + raw.length - raw.trimStart().length;
    start += raw.length + 1;
    return { text: raw.trim(), offset };
  });
}

/** The elements between commas, space, or both; an empty one is none. */
function looseElements(value: string): { text: string; offset: number }[] {
  return elements(value.replace(/\s/g, ',')).filter(({ text }) => text !== '');
}

function toPrefix(text: string, offset: number): Prefix | Refusal {
  return parsePrefix(text) ?? new Refusal(`${quote(text)} is not an address range`, offset);
}

function describeKey(text: string): string {
  if (text.length === 1) return '1 character, expected 44';
  if (text.length !== 44) return `${text.length} characters, expected 44`;
  return parseKey(text) ? 'all zeros' : 'not 32 bytes in base64';
}

function adviseOnKey(text: string): string {
  if (!text.startsWith('$')) return '';
  return '; variables are not expanded here';
}

function refuseColons(text: string): Refusal {
  const colon = text.lastIndexOf(':');
  const [host, port] = [text.slice(0, colon), text.slice(colon + 1)];
  if (isIPv6(host) && parseDecimal(port, 1, 65535) !== undefined) {
    return new Refusal(`put an IPv6 address in brackets: [${host}]:${port}`);
  }
  if (isIPv6(text)) return new Refusal(`put an IPv6 address in brackets: [${text}]:51820`);
  return new Refusal(`Endpoint must be HOST:PORT, not ${quote(text)}`);
}

function exampleWithPort(host: string): string {
  const isUsable =
    typeof (host.startsWith('[') ? parseBracketed(host) : parseHost(host)) === 'string';
  return isUsable && quote(host) === `"${host}"` ? ` (for example ${host}:51820)` : '';
}

function parseBracketed(text: string): string | Refusal {
  const inner = text.slice(1, -1);
  const address = isIPv6(inner) ? parseAddress(inner) : undefined;
  if (!address) return new Refusal(`${quote(inner)} is not an IPv6 address`);
  return formatAddress(address);
}

function parseHost(text: string): string | Refusal {
  if (parseAddress(text)) return text;
  // A resolver takes a name that ends in a number for an address, in one of several old notations.
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/i.test(text)) {
    return new Refusal(`${quote(text)} is not an IPv4 address`);
  }
  return isHostName(text) ? text : new Refusal(`${quote(text)} is not a host name`);
}

/** Whether a resolver can be asked for it. */
export function isHostName(text: string): boolean {
  return text.length <= 254 && /^(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?$/.test(text);
}

/** A domain to search, or with `~` in front one that only routes queries, as resolvers write it. */
function isDomain(text: string): boolean {
  return text === '~.' || isHostName(text.startsWith('~') ? text.slice(1) : text);
}

function isIPv6(text: string): boolean {
  return text.includes(':') && parseAddress(text) !== undefined;
}

function parseMark(text: string): number | undefined {
  const isNumber = /^(?:\d{1,10}|0x[0-9a-f]{1,8})$/i.test(text);
  return isNumber && Number(text) <= 0xffffffff ? Number(text) : undefined;
}

function parseDecimal(text: string, minimum: number, maximum: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  return Number(text) >= minimum && Number(text) <= maximum ? Number(text) : undefined;
}

function withoutSpace(text: string): string {
  return text.replace(/\s/g, '');
}
