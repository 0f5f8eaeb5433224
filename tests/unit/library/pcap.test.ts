/** The capture file: its bytes, its bounds, and what tcpdump makes of it. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { PacketCapture, type CaptureOptions } from '../../../src/library/pcap.ts';
import { ipv4Packet, ipv6Packet } from '../wireguard/stand-ins.ts';

const IPV4 = ipv4Packet([10, 0, 0, 1], [10, 0, 0, 2], 48);
const IPV6 = ipv6Packet(address(1), address(2), 60);
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

describe('a capture', () => {
  it('begins with a header for raw IP and nanoseconds, even without a packet', () => {
    const { file } = makeCapture({ snapLength: 96 });
    expect(formatHex(file())).toBe('4d3cb2a1020004000000000000000000' + '6000000065000000');
  });

  it('has each packet behind its time and its lengths', () => {
    const { capture, file } = makeCapture({
      wallClock: () => ({ seconds: 0x65432100, nanoseconds: 999_999_999 }),
    });
    capture.record(IPV4);
    const record = formatHex(file().subarray(FILE_HEADER_BYTES));
    expect(record).toBe('00214365' + 'ffc99a3b' + '30000000' + '30000000' + formatHex(IPV4));
  });

  it('keeps no more of a packet than the snapshot length, and says how long it was', () => {
    const { capture, file } = makeCapture({ snapLength: 20 });
    capture.record(IPV4);
    const record = formatHex(file().subarray(FILE_HEADER_BYTES + 8));
    expect(record).toBe('14000000' + '30000000' + formatHex(IPV4.subarray(0, 20)));
  });

  it('records a packet before the sink that it wraps has it, which may change it', () => {
    const { capture, file } = makeCapture();
    const passed: number[] = [];
    const sink = capture.wrap((packet) => {
      passed.push(file().length);
      packet.fill(0);
    });
    sink(IPV4.slice());
    expect(passed).toEqual([FILE_HEADER_BYTES + RECORD_HEADER_BYTES + IPV4.length]);
    expect(file().subarray(-IPV4.length)).toEqual(IPV4);
  });

  it('ends at its bound, before the first packet without room, while packets go on', () => {
    const record = RECORD_HEADER_BYTES + IPV4.length;
    const { capture, file } = makeCapture({ maxBytes: FILE_HEADER_BYTES + 2 * record + 40 });
    let passed = 0;
    const sink = capture.wrap(() => passed++);
    for (let i = 0; i < 3; i++) sink(IPV4);
    // This one would fit, but would leave a gap that nobody sees.
    sink(IPV4.subarray(0, 20));
    expect(passed).toBe(4);
    expect(file()).toHaveLength(FILE_HEADER_BYTES + 2 * record);
    expect(capture).toMatchObject({ recordedPackets: 2, unrecordedPackets: 2 });
  });

  it('refuses limits that no file can keep', () => {
    for (const maxBytes of [0, 23, NaN])
      expect(() => makeCapture({ maxBytes })).toThrow(RangeError);
    for (const snapLength of [0, 1.5, 65_536]) {
      expect(() => makeCapture({ snapLength })).toThrow(RangeError);
    }
  });

  it('is read by tcpdump: times to the nanosecond, both families, and what was cut', () => {
    let seconds = 1_700_000_000;
    const wallClock = (): { seconds: number; nanoseconds: number } => ({
      seconds: seconds++,
      nanoseconds: 123_456_789,
    });
    const { capture, file } = makeCapture({ wallClock, snapLength: 40 });
    // Protocol 253, an experiment of which tcpdump says no more than the length.
    capture.record(IPV4.with(9, 253));
    capture.record(IPV6);
    const argv = ['-n', '-tt', '--time-stamp-precision=nano', '-r', '-'];
    const { stdout, stderr } = spawnSync('tcpdump', argv, { input: file(), encoding: 'utf8' });
    expect(stderr).toContain('link-type RAW (Raw IP), snapshot length 40');
    expect(stdout.trimEnd().split('\n')).toEqual([
      '1700000000.123456789 IP 10.0.0.1 > 10.0.0.2:  ip-proto-253 28',
      '1700000001.123456789 IP6 fd00::1 > fd00::2:  [|udp]',
    ]);
  });
});

/** A capture into memory; `file` is what has been written of it. */
function makeCapture(options: Partial<CaptureOptions> = {}): {
  readonly capture: PacketCapture;
  readonly file: () => Uint8Array;
} {
  const bytes: number[] = [];
  const capture = new PacketCapture({
    write: (written) => bytes.push(...written),
    wallClock: () => ({ seconds: 0, nanoseconds: 0 }),
    maxBytes: 100_000,
    ...options,
  });
  return { capture, file: () => Uint8Array.from(bytes) };
}

function address(last: number): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes[0] = 0xfd;
  bytes[15] = last;
  return bytes;
}
