/**
 * A UDP endpoint on the simulated link: what the engine's endpoint is to the core, without a local
 * address.
 */
import { addressFamily, formatSocketAddress, parseSocketAddress } from '../../src/ip.ts';
import { formatHex, writeUint16BE } from '../../src/bytes.ts';
import type { Endpoint } from '../../src/wireguard/ports.ts';

/** An address and a port. */
export class SimEndpoint implements Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
  readonly #text: string;

  constructor(address: Uint8Array, port: number) {
    this.address = address;
    this.port = port;
    this.#text = formatSocketAddress({ address, port });
  }

  /** Parses `192.0.2.1:5` or `[2001:db8::1]:5`. */
  static of(text: string): SimEndpoint {
    const parsed = parseSocketAddress(text);
    if (!parsed) throw new Error(`not an endpoint: ${text}`);
    return new SimEndpoint(parsed.address, parsed.port);
  }

  equals(other: Endpoint): boolean {
    return other.toString() === this.#text;
  }

  toString(): string {
    return this.#text;
  }

  get cookieBytes(): Uint8Array {
    const bytes = new Uint8Array(this.address.length + 2);
    bytes.set(this.address);
    writeUint16BE(bytes, this.address.length, this.port);
    return bytes;
  }

  get rateLimitKey(): string {
    const isIPv4 = addressFamily(this.address) === 4;
    return formatHex(isIPv4 ? this.address : this.address.subarray(0, 8));
  }
}
