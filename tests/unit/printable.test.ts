import { expect, it } from 'vitest';
import { printable, printableJson } from '../../src/printable.ts';

it('control characters, line ends and changes of direction become numbers', () => {
  expect(printable('a\x1b[2J\n\r\x7f\x9bb')).toBe(String.raw`a\x1b[2J\x0a\x0d\x7f\x9bb`);
  expect(printable('\u202eevil\u2066\u2028')).toBe(String.raw`\u202eevil\u2066\u2028`);
});

it('JSON has nothing in it for a terminal, and loses nothing', () => {
  const value = { a: ['\x1b[2J\x9b', '\u202eevil', 'ü 日本 🙂\t"'] };
  const text = printableJson(value);
  expect(text).toBe(printable(text));
  expect(JSON.parse(text)).toEqual(value);
});

it('everything else stays, tabs and other scripts as well', () => {
  expect(printable('a\tb ü 日本 🙂')).toBe('a\tb ü 日本 🙂');
});
