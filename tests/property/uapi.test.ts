/**
 * Hostile requests: whatever text comes through the control socket, it is understood, or refused at a
 * line that it has.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatSet, parseSet, readLines, UAPI_ERRNO } from '../../src/uapi.ts';
import { runs } from './runs.ts';

const KEY = '11'.repeat(32);
const KEYS = [
  'set',
  'get',
  'private_key',
  'listen_port',
  'fwmark',
  'replace_peers',
  'public_key',
  'remove',
  'update_only',
  'preshared_key',
  'endpoint',
  'persistent_keepalive_interval',
  'replace_allowed_ips',
  'allowed_ip',
  'protocol_version',
  'errno',
];
const VALUES = [
  '1',
  '0',
  'true',
  'false',
  '65535',
  '65536',
  '-1',
  '0x10',
  '4294967296',
  '1e9',
  KEY,
  KEY.slice(1),
  '0'.repeat(64),
  '203.0.113.4:51820',
  '[2001:db8::1]:1234',
  '[fe80::1%eth0]:1',
  '[::ffff:192.0.2.1]:1',
  '203.0.113.4:0',
  '10.0.0.0/8',
  '10.0.0.0/33',
  'fd00::/8',
  '-10.0.0.0/8',
  '::/0',
  '',
];

const line = fc
  .tuple(
    fc.oneof({ arbitrary: fc.constantFrom(...KEYS), weight: 8 }, fc.string()),
    fc.constantFrom('=', '=', '=', '=', ' = ', '', '=='),
    fc.oneof(
      { arbitrary: fc.constantFrom(...VALUES), weight: 6 },
      fc.string(),
      fc.nat().map(String),
    ),
  )
  .map((parts) => parts.join(''));
const request = fc.oneof(
  {
    arbitrary: fc
      .tuple(
        fc.array(line, { maxLength: 20 }),
        fc.constantFrom('\n\n', '\n', '', '\r\n\r\n', '\0\n\n'),
      )
      .map(([lines, end]) => `set=1\n${lines.join('\n')}${end}`),
    weight: 8,
  },
  fc.string({ unit: 'binary', maxLength: 300 }),
);
const ERRNOS: readonly number[] = Object.values(UAPI_ERRNO);

test('any text is understood, or refused at one of its lines', () => {
  fc.assert(
    fc.property(request, (text) => {
      const result = parseSet(text);
      if (result.ok) return;
      expect(ERRNOS).toContain(result.errno);
      expect(result.errno).toBeLessThan(0);
      expect(result.line).toBeGreaterThanOrEqual(0);
      expect(result.line).toBeLessThanOrEqual(text.split('\n').length);
    }),
    runs(2_000),
  );
});

test('what was understood means the same when it is written anew', () => {
  fc.assert(
    fc.property(request, (text) => {
      const result = parseSet(text);
      fc.pre(result.ok);
      expect(parseSet(formatSet(result.set))).toEqual(result);
    }),
    runs(300),
  );
});

test('no line is read that the text does not have', () => {
  fc.assert(
    fc.property(request, (text) => {
      const lines = readLines(text);
      if (!Array.isArray(lines)) return;
      for (const { key, value } of lines) expect(text).toContain(`${key}=${value}`);
    }),
    runs(1_000),
  );
});
