import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { parseAddress, UdpEndpoint } from '../../../src/ip.ts';
import { encodeEndpoint } from '../../../src/linux/pump.ts';

/** The scope that the pump is told for a link-local address in a zone. */
function scopeIn(zone: string): number {
  const address = parseAddress('fe80::1') ?? new Uint8Array(16);
  const encoded = encodeEndpoint(new UdpEndpoint(address, 5, `fe80::1%${zone}`));
  return new DataView(encoded.buffer).getUint32(4, true);
}

test('the zone of an endpoint may be a number or the name of an interface', () => {
  expect(networkInterfaces()).toHaveProperty('lo');
  expect(scopeIn('lo')).toBe(1);
  expect(scopeIn('7')).toBe(7);
});

test('the zone of an interface that is not there is none', () => {
  expect(scopeIn('no-interface')).toBe(0);
});
