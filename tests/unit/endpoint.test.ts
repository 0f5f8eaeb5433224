import { describe, expect, it } from 'vitest';
import { parseAddress, UdpEndpoint } from '../../src/ip.ts';

const at = (address: string, port: number, host?: string): UdpEndpoint =>
  new UdpEndpoint(parseAddress(address)!, port, host);

describe('an endpoint', () => {
  it('binds a cookie to the address and to the port', () => {
    expect(at('1.2.3.4', 0x0506).cookieBytes).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect(at('2001:db8::1', 1).cookieBytes).toHaveLength(18);
    expect(at('2001:db8::1', 1).cookieBytes).not.toEqual(at('2001:db8::1', 2).cookieBytes);
  });

  it('is limited with its address, or with its /64', () => {
    expect(at('1.2.3.4', 1).rateLimitKey).toBe(at('1.2.3.4', 2).rateLimitKey);
    expect(at('1.2.3.4', 1).rateLimitKey).not.toBe(at('1.2.3.5', 1).rateLimitKey);
    expect(at('2001:db8::1', 1).rateLimitKey).toBe(at('2001:db8::ffff:1', 1).rateLimitKey);
    expect(at('2001:db8::1', 1).rateLimitKey).not.toBe(at('2001:db8:0:1::1', 1).rateLimitKey);
  });

  it('equals another of the same address, zone and port', () => {
    expect(at('1.2.3.4', 1).equals(at('1.2.3.4', 1))).toBe(true);
    expect(at('1.2.3.4', 1).equals(at('1.2.3.4', 2))).toBe(false);
    expect(at('fe80::1', 1, 'fe80::1%a').equals(at('fe80::1', 1, 'fe80::1%b'))).toBe(false);
  });

  it('prints as it is written in a configuration', () => {
    expect(String(at('1.2.3.4', 51820))).toBe('1.2.3.4:51820');
    expect(String(at('2001:db8::1', 51820))).toBe('[2001:db8::1]:51820');
  });
});
