/**
 * Addresses, prefixes and endpoints as text, held against slow references: sets of bits as BigInt, and
 * the rules of RFC 5952 one by one.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatAddress,
  formatPrefix,
  formatSocketAddress,
  maskPrefix,
  parseAddress,
  parsePrefix,
  parseSocketAddress,
  prefixContains,
  type Address,
  type Prefix,
} from '../../src/ip.ts';

/** Bytes that are often zero, since runs of zeros are what IPv6 text is about. */
const byte = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 }));

function addressOf(length: number): fc.Arbitrary<Address> {
  return fc
    .array(byte, { minLength: length, maxLength: length })
    .map((bytes) => Uint8Array.from(bytes));
}

function prefixOf(bytes: number): fc.Arbitrary<Prefix> {
  return fc.record({ address: addressOf(bytes), length: fc.integer({ min: 0, max: 8 * bytes }) });
}

const address = fc.oneof(addressOf(4), addressOf(16));
const prefix = fc.oneof(prefixOf(4), prefixOf(16));
const port = fc.integer({ min: 1, max: 65_535 });

function toBigInt(bytes: Uint8Array): bigint {
  return bytes.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function containsByBigInt(outer: Prefix, inner: Address): boolean {
  if (outer.address.length !== inner.length) return false;
  const hostBits = BigInt(8 * inner.length - outer.length);
  return toBigInt(outer.address) >> hostBits === toBigInt(inner) >> hostBits;
}

test('an address that is formatted parses to itself', () => {
  fc.assert(
    fc.property(address, (value) => {
      expect(parseAddress(formatAddress(value))).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

test('a prefix that is formatted parses to itself, host bits included', () => {
  fc.assert(
    fc.property(prefix, (value) => {
      expect(parsePrefix(formatPrefix(value))).toEqual(value);
    }),
  );
});

test('an endpoint that is formatted parses to itself', () => {
  fc.assert(
    fc.property(fc.record({ address, port }), (value) => {
      expect(parseSocketAddress(formatSocketAddress(value))).toEqual(value);
    }),
  );
});

test('IPv6 text has the form of RFC 5952', () => {
  fc.assert(
    fc.property(addressOf(16), (value) => {
      const text = formatAddress(value);
      expect(text).toMatch(/^[0-9a-f:]+$/);
      const groups = text.split(':').filter((group) => group !== '');
      expect(groups.every((group) => /^(0|[1-9a-f][0-9a-f]{0,3})$/.test(group))).toBe(true);
      expect(text.split('::').length, '"::" at most once').toBeLessThanOrEqual(2);
      const [shortened] = /(?:^|:)(?:0:)+0(?::|$)/.exec(text) ?? [];
      if (!text.includes('::')) expect(shortened, 'two groups of zeros').toBeUndefined();
      else expect(8 - groups.length, 'one group is not shortened').toBeGreaterThanOrEqual(2);
    }),
    { numRuns: 500 },
  );
});

test.each([
  // RFC 5952 4.1, 4.2.1, 4.2.2, 4.2.3, 4.3.
  ['2001:0db8::0001', '2001:db8::1'],
  ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
  ['2001:db8::0:1', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:DB8::ABCD', '2001:db8::abcd'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['1:0:0:0:0:0:0:0', '1::'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
])('%s is written as %s', (text, canonical) => {
  const parsed = parseAddress(text);
  expect(parsed && formatAddress(parsed)).toBe(canonical);
});

test.each([
  '',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '1:2:3:4::5:6:7:8',
  ':1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '[::1]',
  '::1.2.3',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '::1.2.3.256',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.04',
  '1.2.3.256',
  '1.2.3.-4',
  ' 1.2.3.4',
  '1.2.3.4\n',
  '0x1.2.3.4',
])('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

test.each(['1.2.3.4/33', '::/129', '1.2.3.4/', '1.2.3.4/-1', '1.2.3.4/1/2', '1.2.3.4/ 8', '/8'])(
  '%j is no prefix',
  (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  },
);

test.each([
  '1.2.3.4',
  '1.2.3.4:0',
  '1.2.3.4:65536',
  '::1:5',
  '[1.2.3.4]:5',
  '[::1]',
  '[::1]:',
  ':5',
])('%j is no endpoint', (text) => {
  expect(parseSocketAddress(text)).toBeUndefined();
});

test('no text makes a parser throw, and what it accepts it understands', () => {
  const addressText = fc
    .array(fc.constantFrom(...Array.from('0123456789abcdef:./[]% ')), { maxLength: 45 })
    .map((characters) => characters.join(''));
  fc.assert(
    fc.property(addressText, (text) => {
      for (const parse of [parseAddress, parsePrefix, parseSocketAddress]) parse(text);
      const parsed = parseAddress(text);
      if (parsed) expect(parseAddress(formatAddress(parsed))).toEqual(parsed);
    }),
    { numRuns: 1_000 },
  );
});

test('a prefix contains what a comparison of its bits says', () => {
  fc.assert(
    fc.property(prefix, address, (outer, inner) => {
      expect(prefixContains(outer, inner)).toBe(containsByBigInt(outer, inner));
    }),
    { numRuns: 500 },
  );
});

test('a prefix contains addresses that differ from it in host bits only', () => {
  fc.assert(
    fc.property(prefix, fc.nat(127), (outer, position) => {
      const bit = position % (8 * outer.address.length);
      const inner = Uint8Array.from(outer.address);
      inner[bit >>> 3] ^= 0x80 >>> (bit & 7);
      expect(prefixContains(outer, inner)).toBe(bit >= outer.length);
      expect(containsByBigInt(outer, inner), 'the reference agrees').toBe(bit >= outer.length);
    }),
    { numRuns: 500 },
  );
});

test('a masked prefix has no host bits and contains the same addresses', () => {
  fc.assert(
    fc.property(prefix, (value) => {
      const masked = maskPrefix(value);
      const hostBits = BigInt(8 * value.address.length - value.length);
      expect(toBigInt(masked.address)).toBe((toBigInt(value.address) >> hostBits) << hostBits);
      expect(masked.length).toBe(value.length);
      expect(prefixContains(masked, value.address)).toBe(true);
      expect(maskPrefix(masked)).toEqual(masked);
    }),
    { numRuns: 500 },
  );
});
