import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { abbreviateKey, formatKey, KEY_BYTES, parseKey, SecretKey } from '../../src/key.ts';

const BYTES = Uint8Array.from({ length: KEY_BYTES }, (_, index) => 7 * index + 1);
const TEXT = Buffer.from(BYTES).toString('base64');
const HEX = Buffer.from(BYTES).toString('hex');

describe('a key as text', () => {
  test('is base64 of 32 bytes', () => {
    expect(formatKey(BYTES)).toBe(TEXT);
    expect(parseKey(TEXT)).toEqual(BYTES);
  });

  test.each([
    ['without its sign', TEXT.slice(0, 43)],
    ['one shorter', TEXT.slice(1)],
    ['one longer', `A${TEXT}`],
    ['with a line end', `${TEXT}\n`],
    ['with space before it', ` ${TEXT}`],
    ['in the alphabet of URLs', `-_${TEXT.slice(2)}`],
    ['of 31 bytes', Buffer.alloc(31, 9).toString('base64')],
    ['of 33 bytes', Buffer.alloc(33, 9).toString('base64')],
    ['in hexadecimal', HEX],
    ['empty', ''],
  ])('is none %s', (_, text) => {
    expect(parseKey(text)).toBeUndefined();
  });

  test('is none with bits that no byte has, so that each key has one text', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    for (const [index, last] of Array.from(alphabet).entries()) {
      const parsed = parseKey(`${TEXT.slice(0, 42)}${last}=`);
      expect(parsed !== undefined, last).toBe(index % 4 === 0);
    }
  });

  test('is abbreviated as four characters at both ends', () => {
    expect(abbreviateKey(BYTES)).toBe(`${TEXT.slice(0, 4)}…${TEXT.slice(39, 43)}`);
  });
});

describe('a secret key', () => {
  test('shows itself only when asked to', () => {
    const key = SecretKey.parse(TEXT);
    expect(key?.reveal()).toEqual(BYTES);
    expect(key?.revealHex()).toBe(HEX);
  });

  test('is hidden as text, in JSON, when inspected and among its properties', () => {
    const key = new SecretKey(BYTES);
    expect(String(key)).toBe('(hidden)');
    expect(JSON.stringify({ key })).toBe('{"key":"(hidden)"}');
    expect(inspect(key, { showHidden: true, depth: 9 })).not.toMatch(/\d/);
    expect(Object.keys(key)).toEqual([]);
    expect(Object.assign({}, key)).toEqual({});
  });

  test('keeps a copy of its bytes', () => {
    const bytes = Uint8Array.from(BYTES);
    const key = new SecretKey(bytes);
    bytes.fill(0);
    expect(key.reveal()).toEqual(BYTES);
  });

  test('has 32 bytes', () => {
    expect(() => new SecretKey(new Uint8Array(31))).toThrow('a key has 32 bytes');
    expect(() => new SecretKey(new Uint8Array(33))).toThrow(RangeError);
    expect(SecretKey.parse(TEXT.slice(1))).toBeUndefined();
  });
});
