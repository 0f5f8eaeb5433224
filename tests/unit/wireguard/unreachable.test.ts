/** ICMP answers, checked by a reader of their own that verifies each checksum and length. */
import { describe, expect, it } from 'vitest';
import { checksum } from '../../../src/wireguard/packet.ts';
import { createUnreachable, UnreachableAnswers } from '../../../src/wireguard/unreachable.ts';
import { ipv4Packet, ipv6Packet, sequence } from './stand-ins.ts';

const A4 = [10, 0, 0, 2];
const B4 = [192, 0, 2, 7];
const A6 = sequence(0x20, 16);
const B6 = sequence(0x30, 16);

interface Answer {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly type: number;
  readonly code: number;
  readonly quoted: Uint8Array;
}

/** Reads an ICMP packet, and fails unless everything in it is consistent. */
function read(answer: Uint8Array | undefined): Answer {
  if (!answer) throw new Error('there is no answer');
  const icmp = answer[0] >>> 4 === 4 ? readIPv4(answer) : readIPv6(answer);
  const [type, code] = icmp.message;
  expect(icmp.message.subarray(4, 8), 'unused').toEqual(new Uint8Array(4));
  return { ...icmp, type, code, quoted: icmp.message.subarray(8) };
}

interface Carried {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly message: Uint8Array;
}

function readIPv4(answer: Uint8Array): Carried {
  expect(answer[0]).toBe(0x45);
  expect((answer[2] << 8) | answer[3], 'total length').toBe(answer.length);
  expect(answer[9], 'protocol').toBe(1);
  expect(answer[8], 'time to live').toBeGreaterThan(0);
  expect(checksum(answer.subarray(0, 20)), 'header checksum').toBe(0);
  const message = answer.subarray(20);
  expect(checksum(message), 'ICMP checksum').toBe(0);
  return { source: answer.subarray(12, 16), destination: answer.subarray(16, 20), message };
}

function readIPv6(answer: Uint8Array): Carried {
  const message = answer.subarray(40);
  expect(answer[0]).toBe(0x60);
  expect((answer[4] << 8) | answer[5], 'payload length').toBe(message.length);
  expect(answer[6], 'next header').toBe(58);
  expect(answer[7], 'hop limit').toBeGreaterThan(0);
  const pseudo = new Uint8Array(40 + message.length);
  pseudo.set(answer.subarray(8, 40));
  pseudo.set([message.length >>> 8, message.length & 0xff], 34);
  pseudo[39] = 58;
  pseudo.set(message, 40);
  expect(checksum(pseudo), 'ICMPv6 checksum').toBe(0);
  return { source: answer.subarray(8, 24), destination: answer.subarray(24, 40), message };
}

/** An IPv6 packet whose payload begins with `headers`. */
function withHeaders(next: number, headers: readonly number[]): Uint8Array {
  const packet = ipv6Packet(A6, B6, 200);
  packet[6] = next;
  packet.set(headers, 40);
  return packet;
}

describe('the answer over IPv4', () => {
  it('is host unreachable, from the packet’s destination to its source', () => {
    const packet = ipv4Packet(A4, B4, 100);
    packet.set(sequence(1, 80), 20);
    const answer = read(createUnreachable(packet));
    expect([answer.type, answer.code]).toEqual([3, 1]);
    expect(answer.source).toEqual(Uint8Array.from(B4));
    expect(answer.destination).toEqual(Uint8Array.from(A4));
    expect(answer.quoted).toEqual(packet.subarray(0, 28));
  });

  it('quotes options whole, and no more than there is', () => {
    const packet = ipv4Packet(A4, B4, 60);
    packet[0] = 0x46;
    expect(read(createUnreachable(packet)).quoted).toEqual(packet.subarray(0, 32));
    const short = ipv4Packet(A4, B4, 23);
    expect(read(createUnreachable(short)).quoted).toEqual(short);
  });

  it.each([3, 4, 5, 11, 12])('is not given to the ICMP error of type %i', (type) => {
    const packet = ipv4Packet(A4, B4, 60);
    packet[9] = 1;
    packet[20] = type;
    expect(createUnreachable(packet)).toBeUndefined();
  });

  it('is given to an echo request, and to what only looks like an ICMP error', () => {
    const echo = ipv4Packet(A4, B4, 60);
    echo[9] = 1;
    echo[20] = 8;
    expect(read(createUnreachable(echo)).type).toBe(3);
    const udp = ipv4Packet(A4, B4, 60);
    udp[20] = 3;
    expect(read(createUnreachable(udp)).type).toBe(3);
  });

  it.each([
    ['a multicast destination', A4, [224, 0, 0, 1]],
    ['a broadcast destination', A4, [255, 255, 255, 255]],
    ['an unspecified source', [0, 0, 0, 0], B4],
    ['a multicast source', [239, 1, 2, 3], B4],
    ['a broadcast source', [255, 255, 255, 255], B4],
  ])('is not given to %s', (_what, source, destination) => {
    expect(createUnreachable(ipv4Packet(source, destination, 60))).toBeUndefined();
  });

  it('is given to the first fragment only', () => {
    const fragment = ipv4Packet(A4, B4, 60);
    fragment[6] = 0x20;
    expect(createUnreachable(fragment)).toBeDefined();
    fragment[7] = 1;
    expect(createUnreachable(fragment)).toBeUndefined();
    fragment.set([0x01, 0], 6);
    expect(createUnreachable(fragment)).toBeUndefined();
  });

  it('is not given to a header that is longer than the packet, or too short', () => {
    const packet = ipv4Packet(A4, B4, 23);
    packet[0] = 0x46;
    expect(createUnreachable(packet)).toBeUndefined();
    packet[0] = 0x44;
    expect(createUnreachable(packet)).toBeUndefined();
  });
});

describe('the answer over IPv6', () => {
  it('is address unreachable, from the packet’s destination to its source', () => {
    const packet = ipv6Packet(A6, B6, 100);
    packet.set(sequence(1, 60), 40);
    const answer = read(createUnreachable(packet));
    expect([answer.type, answer.code]).toEqual([1, 3]);
    expect(answer.source).toEqual(B6);
    expect(answer.destination).toEqual(A6);
    expect(answer.quoted).toEqual(packet);
  });

  it('is 1280 bytes at most, and may have an odd length', () => {
    const long = ipv6Packet(A6, B6, 1_420);
    expect(createUnreachable(long)).toHaveLength(1_280);
    expect(read(createUnreachable(long)).quoted).toEqual(long.subarray(0, 1_232));
    expect(read(createUnreachable(ipv6Packet(A6, B6, 41))).quoted).toHaveLength(41);
  });

  it.each([
    ['directly', 58, []],
    ['behind hop-by-hop options', 0, [58, 0, 0, 0, 0, 0, 0, 0]],
    ['behind a routing header of 16 bytes', 43, [58, 1, ...new Array<number>(14).fill(0)]],
    ['behind two headers', 0, [60, 0, 0, 0, 0, 0, 0, 0, 58, 0, 0, 0, 0, 0, 0, 0]],
    ['behind the header of a first fragment', 44, [58, 0, 0, 1, 0, 0, 0, 9]],
  ])('is not given to an ICMPv6 error %s, but to an echo request', (_where, next, headers) => {
    expect(createUnreachable(withHeaders(next, [...headers, 1]))).toBeUndefined();
    expect(createUnreachable(withHeaders(next, [...headers, 127]))).toBeUndefined();
    expect(createUnreachable(withHeaders(next, [...headers, 128]))).toBeDefined();
  });

  it('is not given to later fragments', () => {
    expect(createUnreachable(withHeaders(44, [17, 0, 0, 8]))).toBeUndefined();
    expect(createUnreachable(withHeaders(44, [17, 0, 1, 0]))).toBeUndefined();
  });

  it('is not given where the headers run out of the packet', () => {
    expect(createUnreachable(withHeaders(0, [0, 255]))).toBeUndefined();
    const packet = ipv6Packet(A6, B6, 44);
    packet[6] = 0;
    expect(createUnreachable(packet)).toBeUndefined();
  });

  it('is not given to multicast, nor to a source that is none', () => {
    const multicast = B6.slice();
    multicast[0] = 0xff;
    expect(createUnreachable(ipv6Packet(A6, multicast, 60))).toBeUndefined();
    expect(createUnreachable(ipv6Packet(multicast, B6, 60))).toBeUndefined();
    expect(createUnreachable(ipv6Packet(new Uint8Array(16), B6, 60))).toBeUndefined();
  });
});

describe('the rate of answers', () => {
  it('is twenty a second for both families together', () => {
    const answers = new UnreachableAnswers();
    const given = (now: number, count: number): number =>
      Array.from({ length: count }, (_, i) =>
        answers.create(i % 2 === 0 ? ipv4Packet(A4, B4, 60) : ipv6Packet(A6, B6, 60), now),
      ).filter((answer) => answer !== undefined).length;
    expect(given(0, 50)).toBe(20);
    expect(given(500, 50)).toBe(10);
    expect(given(10_000, 50)).toBe(20);
  });

  it('does not count packets that get no answer anyhow', () => {
    const answers = new UnreachableAnswers();
    for (let i = 0; i < 50; i++) answers.create(ipv4Packet(A4, [224, 0, 0, 1], 60), 0);
    expect(answers.create(ipv4Packet(A4, B4, 60), 0)).toBeDefined();
  });
});
