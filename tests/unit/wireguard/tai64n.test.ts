import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { compareTimestamps, createTimestamp } from '../../../src/wireguard/tai64n.ts';
import { hex } from './stand-ins.ts';

const at = (seconds: number, nanoseconds: number, last?: Uint8Array): Uint8Array =>
  createTimestamp({ seconds, nanoseconds }, last);

describe('a TAI64N timestamp', () => {
  it('is 2^62 + 10 + Unix seconds, then nanoseconds, all big-endian', () => {
    expect(formatHex(at(0, 0))).toBe('400000000000000a00000000');
    expect(formatHex(at(0x6553f100, 0x0a000000))).toBe('400000006553f10a0a000000');
  });

  it('does not tell the low 24 bits of the nanoseconds', () => {
    expect(formatHex(at(0, 999_999_999))).toBe('400000000000000a3b000000');
    expect(formatHex(at(0, 0xffffff))).toBe('400000000000000a00000000');
  });

  it('goes on beyond 32 bits of seconds', () => {
    expect(formatHex(at(2 ** 32 - 10, 0))).toBe('400000010000000000000000');
  });

  it('takes a clock before 1970 for 1970', () => {
    expect(at(-5, 0)).toEqual(at(0, 0));
  });

  it('is one step after the last one if the clock has not moved so far', () => {
    const last = at(1_000, 0x02000000);
    expect(formatHex(at(1_000, 0x02ffffff, last))).toBe('40000000000003f203000000');
  });

  it('is one step after the last one if the clock was set back', () => {
    expect(formatHex(at(5, 0, at(1_000, 0)))).toBe('40000000000003f201000000');
  });

  it('steps into the next second', () => {
    expect(formatHex(at(5, 0, at(1_000, 999_999_999)))).toBe('40000000000003f300000000');
  });

  it('steps over the carry of its lower word', () => {
    const last = hex('40000000ffffffff3b000000');
    expect(formatHex(at(5, 0, last))).toBe('400000010000000000000000');
  });

  it('follows the clock once that is ahead again', () => {
    expect(at(2_000, 0, at(1_000, 0))).toEqual(at(2_000, 0));
  });

  it('compares by its bytes, the first ones first', () => {
    expect(compareTimestamps(at(2, 0), at(1, 999_999_999))).toBeGreaterThan(0);
    expect(compareTimestamps(at(1, 0), at(1, 0x01000000))).toBeLessThan(0);
    expect(compareTimestamps(at(1, 0), at(1, 0))).toBe(0);
    expect(compareTimestamps(at(255, 0), at(256, 0))).toBeLessThan(0);
  });
});
