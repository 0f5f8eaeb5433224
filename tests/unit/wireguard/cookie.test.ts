import { describe, expect, it } from 'vitest';
import { CookieHolder, CookieMaker, LoadMeter } from '../../../src/wireguard/cookie.ts';
import { encodeInitiation, encodeResponse } from '../../../src/wireguard/messages.ts';
import { ascii, CountingEntropy, sequence, staticKeys } from './stand-ins.ts';

const SOURCE = ascii('192.0.2.1:5');
const SECOND_MS = 1_000;
const PUBLIC_KEY = staticKeys(7).staticPublic;

function makePair(): { readonly holder: CookieHolder; readonly maker: CookieMaker } {
  return {
    holder: new CookieHolder(PUBLIC_KEY),
    maker: new CookieMaker(PUBLIC_KEY, new CountingEntropy()),
  };
}

/** An initiation with something in it, and its MACs. */
function stamped(holder: CookieHolder, now: number): Uint8Array {
  const message = encodeInitiation(5);
  message.set(sequence(1, 100), 8);
  holder.stamp(message, now);
  return message;
}

describe('mac1', () => {
  it('proves that a message was made for our public key', () => {
    const { holder, maker } = makePair();
    expect(maker.checkMac1(stamped(holder, 0))).toBe(true);
    const response = encodeResponse(1, 2);
    holder.stamp(response, 0);
    expect(maker.checkMac1(response)).toBe(true);
    const other = new CookieHolder(staticKeys(8).staticPublic);
    expect(maker.checkMac1(stamped(other, 0))).toBe(false);
  });

  it('covers each byte before it, and is covered itself', () => {
    const { holder, maker } = makePair();
    const message = stamped(holder, 0);
    for (let i = 0; i < 132; i++) {
      message[i] ^= 1;
      expect(maker.checkMac1(message), `byte ${i}`).toBe(false);
      message[i] ^= 1;
    }
    message[132] ^= 1;
    expect(maker.checkMac1(message), 'mac2 is no part of it').toBe(true);
  });
});

describe('a cookie', () => {
  it('comes in a reply, and makes the next mac2 right', () => {
    const { holder, maker } = makePair();
    const first = stamped(holder, 0);
    expect(first.subarray(132)).toEqual(new Uint8Array(16));
    expect(maker.checkMac2(first, SOURCE, 0)).toBe(false);
    expect(holder.consumeReply(maker.createReply(first, SOURCE, 0), 0)).toBeUndefined();
    const second = stamped(holder, 5);
    expect(maker.checkMac1(second)).toBe(true);
    expect(maker.checkMac2(second, SOURCE, 5)).toBe(true);
    second[40] ^= 1;
    expect(maker.checkMac2(second, SOURCE, 5), 'mac2 covers the message').toBe(false);
  });

  it('is good for one address and port', () => {
    const { holder, maker } = makePair();
    holder.consumeReply(maker.createReply(stamped(holder, 0), SOURCE, 0), 0);
    const message = stamped(holder, 1);
    expect(maker.checkMac2(message, ascii('192.0.2.1:6'), 1)).toBe(false);
    expect(maker.checkMac2(message, SOURCE, 1)).toBe(true);
  });

  it('is held for 115 s', () => {
    const { holder, maker } = makePair();
    holder.consumeReply(maker.createReply(stamped(holder, 0), SOURCE, 0), 0);
    expect(stamped(holder, 115 * SECOND_MS - 1).subarray(132)).not.toEqual(new Uint8Array(16));
    expect(stamped(holder, 115 * SECOND_MS).subarray(132)).toEqual(new Uint8Array(16));
  });

  it('is honoured for 120 s from the birth of the secret', () => {
    const { holder, maker } = makePair();
    maker.createReply(stamped(holder, 0), SOURCE, 0);
    const late = 119 * SECOND_MS;
    holder.consumeReply(maker.createReply(stamped(holder, late), SOURCE, late), late);
    const message = stamped(holder, 120 * SECOND_MS);
    expect(maker.checkMac2(message, SOURCE, 120 * SECOND_MS - 1)).toBe(true);
    expect(maker.checkMac2(message, SOURCE, 120 * SECOND_MS)).toBe(false);
    maker.createReply(message, SOURCE, 120 * SECOND_MS);
    expect(maker.checkMac2(message, SOURCE, 120 * SECOND_MS), 'another secret').toBe(false);
  });

  it('differs in each reply, for the nonce is random', () => {
    const { holder, maker } = makePair();
    const message = stamped(holder, 0);
    const replies = [0, 0].map(() => maker.createReply(message, SOURCE, 0).subarray(8));
    expect(replies[0]).not.toEqual(replies[1]);
  });

  it('is refused unless a message waits for it', () => {
    const { holder, maker } = makePair();
    const message = stamped(holder, 0);
    const reply = maker.createReply(message, SOURCE, 0);
    expect(new CookieHolder(PUBLIC_KEY).consumeReply(reply, 0)).toBe('unexpectedCookie');
    expect(holder.consumeReply(reply, 0)).toBeUndefined();
    expect(holder.consumeReply(reply, 0), 'once for each mac1').toBe('unexpectedCookie');
  });

  it('is refused if it answers another message, and the genuine one still counts', () => {
    const { holder, maker } = makePair();
    const before = stamped(holder, 0);
    const reply = maker.createReply(before, SOURCE, 0);
    const message = encodeInitiation(6);
    holder.stamp(message, 1);
    expect(holder.consumeReply(reply, 1)).toBe('unopenedCookie');
    const forged = maker.createReply(message, SOURCE, 1);
    forged[40] ^= 1;
    expect(holder.consumeReply(forged, 1)).toBe('unopenedCookie');
    expect(holder.consumeReply(maker.createReply(message, SOURCE, 1), 1)).toBeUndefined();
  });

  it('is not opened by another peer', () => {
    const { holder, maker } = makePair();
    const message = stamped(holder, 0);
    const other = new CookieHolder(staticKeys(8).staticPublic);
    other.stamp(message.slice(), 0);
    expect(other.consumeReply(maker.createReply(message, SOURCE, 0), 0)).toBe('unopenedCookie');
  });
});

describe('load', () => {
  const countAt = (meter: LoadMeter, times: readonly number[]): boolean => {
    for (const time of times) meter.count(time);
    return meter.underLoad(times[times.length - 1]);
  };
  const every = (ms: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => i * ms);

  it('begins with the 128th message within a second', () => {
    expect(countAt(new LoadMeter(), every(1, 127))).toBe(false);
    expect(countAt(new LoadMeter(), every(1, 128))).toBe(true);
  });

  it('does not begin while 128 messages take a second or more', () => {
    expect(countAt(new LoadMeter(), every(8, 1_000))).toBe(false);
    expect(countAt(new LoadMeter(), every(7, 128))).toBe(true);
  });

  it('is seen in any second, not only in those that begin with the clock', () => {
    const meter = new LoadMeter();
    const late = every(2, 64).map((time) => time + 870);
    const early = every(2, 64).map((time) => time + 1_000);
    expect(countAt(meter, late)).toBe(false);
    expect(countAt(meter, early)).toBe(true);
  });

  it('ends a second after it was last reached', () => {
    const meter = new LoadMeter();
    countAt(meter, every(1, 128));
    expect(meter.underLoad(127 + 999)).toBe(true);
    expect(meter.underLoad(127 + 1_000)).toBe(false);
    meter.count(2_000);
    expect(meter.underLoad(2_000), 'one more message is no load').toBe(false);
  });
});
