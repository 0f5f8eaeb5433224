/**
 * Byte order and hexadecimal text, held against DataView and against the obvious.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  equalConstantTime,
  formatHex,
  isZero,
  parseHex,
  readUint16BE,
  readUint32BE,
  readUint32LE,
  readUint64LE,
  writeUint16BE,
  writeUint32BE,
  writeUint32LE,
  writeUint64LE,
} from '../../src/bytes.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const offset = fc.nat(8);
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });

test('integers are read as DataView reads them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), offset, (buffer, at) => {
      const view = new DataView(buffer.buffer, buffer.byteOffset);
      expect(readUint16BE(buffer, at)).toBe(view.getUint16(at));
      expect(readUint32BE(buffer, at)).toBe(view.getUint32(at));
      expect(readUint32LE(buffer, at)).toBe(view.getUint32(at, true));
      expect(readUint64LE(buffer, at)).toBe(Number(view.getBigUint64(at, true)));
    }),
  );
});

test('integers are written as DataView writes them, and nothing beside them', () => {
  const safe = fc.maxSafeNat();
  fc.assert(
    fc.property(offset, uint16, uint32, safe, (at, small, middle, large) => {
      const writers = [
        [writeUint16BE, small, (view: DataView) => view.setUint16(at, small)],
        [writeUint32BE, middle, (view: DataView) => view.setUint32(at, middle)],
        [writeUint32LE, middle, (view: DataView) => view.setUint32(at, middle, true)],
        [writeUint64LE, large, (view: DataView) => view.setBigUint64(at, BigInt(large), true)],
      ] as const;
      for (const [write, value, writeByView] of writers) {
        const ours = new Uint8Array(16).fill(0xee);
        const expected = new Uint8Array(16).fill(0xee);
        write(ours, at, value);
        writeByView(new DataView(expected.buffer));
        expect(ours).toEqual(expected);
      }
    }),
  );
});

test.each([0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52, 2 ** 53 - 2 ** 13 - 1, 2 ** 53 - 1])(
  'a counter of %d survives being written and read',
  (counter) => {
    const buffer = new Uint8Array(8);
    writeUint64LE(buffer, 0, counter);
    expect(readUint64LE(buffer, 0)).toBe(counter);
  },
);

test('a 64-bit integer beyond the exact ones is never read as one of them', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), (value) => {
      const buffer = new Uint8Array(8);
      new DataView(buffer.buffer).setBigUint64(0, value, true);
      expect(readUint64LE(buffer, 0)).toBeGreaterThanOrEqual(2 ** 53);
    }),
  );
});

test('bytes that are formatted as hexadecimal parse to themselves, in either case', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      const text = formatHex(value);
      expect(text).toMatch(/^([0-9a-f]{2})*$/);
      expect(parseHex(text)).toEqual(value);
      expect(parseHex(text.toUpperCase())).toEqual(value);
    }),
  );
});

test('nothing but pairs of hexadecimal digits parses', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), (text) => {
      const digits = Array.from(text);
      const isHex =
        text.length % 2 === 0 && digits.every((c) => '0123456789abcdefABCDEF'.includes(c));
      expect(parseHex(text) !== undefined).toBe(isHex);
    }),
  );
  for (const text of ['0', '0g', '-1', '+1', ' 1', '0x', '1\n']) {
    expect(parseHex(text), text).toBeUndefined();
  }
});

test('two arrays are equal in constant time if and only if they are equal', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, position, change) => {
      const copy = Uint8Array.from(value);
      expect(equalConstantTime(value, copy)).toBe(true);
      expect(equalConstantTime(value, Uint8Array.of(...value, 0))).toBe(false);
      if (value.length === 0) return;
      copy[position % copy.length] ^= change;
      expect(equalConstantTime(value, copy)).toBe(false);
    }),
  );
});

test('an array is zero if and only if every byte is', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 0, 0, 0, 1, 0x80), { maxLength: 8 }), (value) => {
      expect(isZero(Uint8Array.from(value))).toBe(value.every((byte) => byte === 0));
    }),
  );
});
