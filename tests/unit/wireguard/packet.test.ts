import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyOuterEcn,
  checksum,
  claimedLength,
  destinationAddress,
  hasHeader,
  ipVersion,
  outerEcn,
  sourceAddress,
} from '../../../src/wireguard/packet.ts';
import { hex, ipv4Packet, ipv6Packet, sequence } from './stand-ins.ts';

const V4 = ipv4Packet([10, 0, 0, 1], [10, 0, 0, 2], 28);
const V6 = ipv6Packet(sequence(0x20, 16), sequence(0x40, 16), 48);

function withEcn(packet: Uint8Array, codepoint: number): Uint8Array {
  const copy = packet.slice();
  if (ipVersion(copy) === 6) {
    copy[1] |= codepoint << 4;
    return copy;
  }
  copy[1] |= codepoint;
  const sum = checksum(copy.subarray(0, 20));
  copy.set([sum >>> 8, sum & 0xff], 10);
  return copy;
}

function ecnOf(packet: Uint8Array): number {
  return ipVersion(packet) === 4 ? packet[1] & 3 : (packet[1] >>> 4) & 3;
}

describe('an IP packet', () => {
  it('has a version, addresses and a length', () => {
    expect([ipVersion(V4), ipVersion(V6)]).toEqual([4, 6]);
    expect(sourceAddress(V4)).toEqual(hex('0a000001'));
    expect(destinationAddress(V4)).toEqual(hex('0a000002'));
    expect(sourceAddress(V6)).toEqual(sequence(0x20, 16));
    expect(destinationAddress(V6)).toEqual(sequence(0x40, 16));
    expect([claimedLength(V4), claimedLength(V6)]).toEqual([28, 48]);
  });

  it('is none without a version, and incomplete without its header', () => {
    expect(ipVersion(new Uint8Array(0))).toBe(0);
    for (const version of [0, 1, 5, 7, 15]) {
      expect(ipVersion(Uint8Array.of(version << 4))).toBe(0);
    }
    expect([19, 20].map((length) => hasHeader(new Uint8Array(length), 4))).toEqual([false, true]);
    expect([39, 40].map((length) => hasHeader(new Uint8Array(length), 6))).toEqual([false, true]);
  });

  it('of IPv6 may claim more than 16 bits hold', () => {
    const packet = V6.slice();
    packet.set([0xff, 0xff], 4);
    expect(claimedLength(packet)).toBe(65_575);
  });
});

describe('the Internet checksum', () => {
  it('of the example of RFC 1071 3 is the complement of ddf2', () => {
    expect(checksum(hex('0001f203f4f5f6f7'))).toBe(0xddf2 ^ 0xffff);
  });

  it('takes an odd byte for the upper half of a word', () => {
    expect(checksum(hex('010203'))).toBe(checksum(hex('01020300')));
  });

  it('makes the sum over data and checksum zero', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 100 }), (bytes) => {
        bytes.fill(0, 0, 2);
        const sum = checksum(bytes);
        bytes.set([sum >>> 8, sum & 0xff]);
        expect(checksum(bytes)).toBe(0);
      }),
    );
  });

  it('folds the carries of the longest packet', () => {
    expect(checksum(new Uint8Array(65_534).fill(0xff), 0xffff)).toBe(0);
  });
});

describe('ECN', () => {
  it('goes out as it is inside, but CE as ECT(0) (RFC 3168 9.1.1)', () => {
    for (const packet of [V4, V6]) {
      const codepoints = [0, 1, 2, 3].map((inner) => outerEcn(withEcn(packet, inner)));
      expect(codepoints).toEqual([0, 1, 2, 2]);
    }
    expect(outerEcn(new Uint8Array(0)), 'a keepalive').toBe(0);
  });

  // RFC 6040 figure 4, but that not-ECT under CE is delivered unchanged: inner, then by outer.
  const FIGURE_4: readonly (readonly number[])[] = [
    [0, 0, 0, 0],
    [1, 1, 1, 3],
    [2, 1, 2, 3],
    [3, 3, 3, 3],
  ];

  it.each([
    ['IPv4', V4],
    ['IPv6', V6],
  ])('comes in as RFC 6040 figure 4 says, over %s', (_name, packet) => {
    const results = [0, 1, 2, 3].map((inner) =>
      [0, 1, 2, 3].map((outer) => {
        const received = withEcn(packet, inner);
        applyOuterEcn(received, outer);
        return ecnOf(received);
      }),
    );
    expect(results).toEqual(FIGURE_4);
  });

  it('changes nothing but the codepoint and the checksum, which stays right (RFC 1624)', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.integer({ min: 1, max: 2 }),
        (bytes, inner) => {
          bytes[0] = 0x45;
          bytes[1] &= 0xfc;
          bytes.set([0, 0], 10);
          const packet = withEcn(bytes, inner);
          const expected = withEcn(bytes, 3);
          applyOuterEcn(packet, 3);
          expect(checksum(packet)).toBe(0);
          expect(packet.subarray(0, 10)).toEqual(expected.subarray(0, 10));
          expect(packet.subarray(12)).toEqual(expected.subarray(12));
        },
      ),
    );
  });

  it('gives the checksum 0000, not ffff, in the case of RFC 1624 4', () => {
    // All other words sum up so that the change brings the checksum to zero.
    const packet = new Uint8Array(20);
    packet.set([0x45, 0x02], 0);
    packet.set([0xba, 0xfc], 2);
    const sum = checksum(packet);
    packet.set([sum >>> 8, sum & 0xff], 10);
    expect(sum).toBe(0x0001);
    applyOuterEcn(packet, 3);
    expect([packet[10], packet[11]]).toEqual([0, 0]);
    expect(checksum(packet)).toBe(0);
  });
});
