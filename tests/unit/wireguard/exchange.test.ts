/** Receiver indices: who holds them, and that none is left behind. */
import { describe, expect, it } from 'vitest';
import { x25519 } from '../../../src/linux/x25519.ts';
import type { ExchangeContext } from '../../../src/wireguard/exchange.ts';
import { Exchange } from '../../../src/wireguard/exchange.ts';
import { openInitiation } from '../../../src/wireguard/handshake.ts';
import { IndexTable } from '../../../src/wireguard/index-table.ts';
import { receiverIndex, senderIndex } from '../../../src/wireguard/messages.ts';
import type { Entropy } from '../../../src/wireguard/ports.ts';
import { CountingEntropy, staticKeys, stoppedClock } from './stand-ins.ts';

const A = staticKeys(1);
const B = staticKeys(2);

interface Party {
  readonly exchange: Exchange<string>;
  readonly indices: IndexTable<string>;
}

function makeParty(name: string, local: typeof A, remote: typeof B): Party {
  const entropy = new CountingEntropy();
  const indices = new IndexTable<string>(entropy);
  const context: ExchangeContext<string> = {
    entropy,
    wallClock: stoppedClock,
    x25519,
    indices,
    lastTimestamp: undefined,
    unopenedResponse: undefined,
  };
  const exchange = new Exchange(name, remote.staticPublic, context);
  exchange.setLocal(local);
  return { exchange, indices };
}

/** Both halves of consuming an initiation at B. */
function consume(b: Party, message: Uint8Array, now: number): string | undefined {
  const opened = openInitiation(message, B, x25519);
  return typeof opened === 'string' ? opened : b.exchange.consumeInitiation(message, opened, now);
}

function initiate(party: Party, now: number): Uint8Array {
  return party.exchange.createInitiation(now) ?? new Uint8Array(0);
}

describe('the index table', () => {
  it('gives each handshake an index of its own, though randomness repeats itself', () => {
    const values = [7, 7, 7, 9];
    const entropy: Entropy = { fill: (bytes) => bytes.fill(values.shift() ?? 0) };
    const table = new IndexTable<string>(entropy);
    expect([table.insert('a'), table.insert('b')]).toEqual([0x07070707, 0x09090909]);
    expect(table.lookup(0x07070707)?.owner).toBe('a');
  });

  it('forgets what is removed, and nothing else', () => {
    const table = new IndexTable<string>(new CountingEntropy());
    const [first, second] = [table.insert('a'), table.insert('b')];
    table.remove(undefined);
    table.remove(first);
    expect(table.lookup(first)).toBeUndefined();
    expect(table.lookup(second)).toEqual({ owner: 'b', keypair: undefined });
    expect(table.size).toBe(1);
  });
});

describe('an exchange', () => {
  it('passes its index on to the keypair', () => {
    const [a, b] = [makeParty('a', A, B), makeParty('b', B, A)];
    const initiation = initiate(a, 0);
    expect(a.indices.lookup(senderIndex(initiation))).toEqual({ owner: 'a', keypair: undefined });
    consume(b, initiation, 0);
    const response = b.exchange.createResponse(0) ?? new Uint8Array(0);
    expect(receiverIndex(response)).toBe(senderIndex(initiation));
    a.exchange.consumeResponse(response);
    const [ofA, ofB] = [a, b].map(({ exchange }) => exchange.deriveKeypair(0));
    expect(a.indices.lookup(senderIndex(initiation))).toEqual({ owner: 'a', keypair: ofA });
    expect(b.indices.lookup(senderIndex(response))).toEqual({ owner: 'b', keypair: ofB });
    expect([a.indices.size, b.indices.size]).toEqual([1, 1]);
  });

  it('frees the index of an initiation that another one replaces', () => {
    const a = makeParty('a', A, B);
    const [first, second] = [initiate(a, 0), initiate(a, 5_000)];
    expect(senderIndex(first)).not.toBe(senderIndex(second));
    expect(a.indices.lookup(senderIndex(first))).toBeUndefined();
    expect(a.indices.size).toBe(1);
  });

  it('frees the index of its own initiation when it consumes the peer’s, but not for a bad one', () => {
    const [a, b] = [makeParty('a', A, B), makeParty('b', B, A)];
    const pending = senderIndex(initiate(b, 0));
    const initiation = initiate(a, 0);
    const forged = initiation.slice();
    forged[100] ^= 1;
    consume(b, forged, 0);
    expect(b.indices.lookup(pending)).toBeDefined();
    expect(consume(b, initiation, 0)).toBeUndefined();
    expect(b.indices.lookup(pending)).toBeUndefined();
    expect(b.indices.size).toBe(0);
  });

  it('frees its index when it is cleared, and when our key changes', () => {
    const a = makeParty('a', A, B);
    initiate(a, 0);
    a.exchange.clear();
    expect(a.indices.size).toBe(0);
    initiate(a, 5_000);
    a.exchange.setLocal(undefined);
    expect(a.indices.size).toBe(0);
    expect(a.exchange.createInitiation(10_000), 'there is no key').toBeUndefined();
    expect(a.indices.size).toBe(0);
  });

  it('takes five seconds between a handshake message and an initiation', () => {
    const a = makeParty('a', A, B);
    expect(a.exchange.isTooSoon(0)).toBe(false);
    initiate(a, 1_000);
    expect([a.exchange.lastSent, a.exchange.isTooSoon(5_999)]).toEqual([1_000, true]);
    expect(a.exchange.isTooSoon(6_000)).toBe(false);
    a.exchange.reset();
    expect(a.exchange.isTooSoon(1_001)).toBe(false);
  });
});
