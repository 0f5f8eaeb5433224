import { describe, expect, it } from 'vitest';
import {
  encodeCookieReply,
  encodeInitiation,
  encodeResponse,
  encodeTransportHeader,
  messageType,
  receiverIndex,
  senderIndex,
  transportCounter,
} from '../../../src/wireguard/messages.ts';
import { hex } from './stand-ins.ts';

/** A datagram of zeros but for its first bytes. */
function datagram(length: number, ...first: number[]): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(first.slice(0, length));
  return bytes;
}

describe('a message', () => {
  it.each([
    [1, 148],
    [2, 92],
    [3, 64],
  ])('of type %i has exactly %i bytes', (type, length) => {
    expect(messageType(datagram(length, type))).toBe(type);
    expect(messageType(datagram(length - 1, type))).toBe(0);
    expect(messageType(datagram(length + 1, type))).toBe(0);
  });

  it('of type 4 has 32 bytes or more', () => {
    expect(messageType(datagram(31, 4))).toBe(0);
    for (const length of [32, 33, 148, 1_500, 65_535]) {
      expect(messageType(datagram(length, 4))).toBe(4);
    }
  });

  it.each([1, 2, 3])('with a reserved byte, the one at %i, is none', (offset) => {
    for (const [type, length] of [
      [1, 148],
      [2, 92],
      [3, 64],
      [4, 32],
    ]) {
      const bytes = datagram(length, type);
      bytes[offset] = 1;
      expect(messageType(bytes)).toBe(0);
    }
  });

  it('of another type, or too short for one, is none', () => {
    for (const type of [0, 5, 255]) expect(messageType(datagram(148, type))).toBe(0);
    for (let length = 0; length < 32; length++) expect(messageType(datagram(length, 1))).toBe(0);
  });

  it('has its indices in little-endian order', () => {
    const response = encodeResponse(0x04030201, 0xfeedbeef);
    expect(response.subarray(0, 12)).toEqual(hex('02000000 01020304 efbeedfe'));
    expect([senderIndex(response), receiverIndex(response)]).toEqual([0x04030201, 0xfeedbeef]);
    expect(senderIndex(encodeInitiation(0xffffffff))).toBe(0xffffffff);
    expect(receiverIndex(encodeCookieReply(0x80000000))).toBe(0x80000000);
  });

  it('of transport data has a counter of 64 bits', () => {
    const bytes = datagram(32);
    encodeTransportHeader(bytes, 0x01020304, 2 ** 40 + 5);
    expect(bytes.subarray(0, 16)).toEqual(hex('04000000 04030201 0500000000010000'));
    expect(transportCounter(bytes)).toBe(2 ** 40 + 5);
    expect(receiverIndex(bytes)).toBe(0x01020304);
    bytes.fill(0xff, 8, 16);
    expect(transportCounter(bytes)).toBeGreaterThanOrEqual(2 ** 53);
  });
});
