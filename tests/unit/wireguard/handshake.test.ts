/**
 * The handshake by its pieces: what both sides derive, and that a refusal leaves no trace. Each case
 * of a refusal ends with the genuine message, which must still be taken.
 */
import { describe, expect, it } from 'vitest';
import { x25519 } from '../../../src/linux/x25519.ts';
import type { DropReason } from '../../../src/wireguard/drop-reason.ts';
import { Handshake, openInitiation } from '../../../src/wireguard/handshake.ts';
import { INITIATION, RESPONSE } from '../../../src/wireguard/messages.ts';
import type { WallClock } from '../../../src/wireguard/ports.ts';
import { CountingEntropy, sequence, staticKeys } from './stand-ins.ts';

const A = staticKeys(1);
const B = staticKeys(2);
const LOW_ORDER_POINT = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));

/** A clock that goes on by a second with each reading. */
function tickingClock(): WallClock {
  let seconds = 1_700_000_000;
  return () => ({ seconds: seconds++, nanoseconds: 0 });
}

interface Sides {
  readonly a: Handshake;
  readonly b: Handshake;
}

function makeSides(presharedKey?: Uint8Array): Sides {
  const entropy = new CountingEntropy();
  const ports = { entropy, wallClock: tickingClock(), x25519 };
  const a = new Handshake(B.staticPublic, ports);
  const b = new Handshake(A.staticPublic, ports);
  a.setLocal(A);
  b.setLocal(B);
  if (presharedKey) for (const side of [a, b]) side.setPresharedKey(presharedKey);
  return { a, b };
}

function initiate(a: Handshake, index = 11): Uint8Array {
  const message = a.createInitiation(index);
  if (!message) throw new Error('no initiation');
  return message;
}

/** Both halves of consuming an initiation at B. */
function consume(b: Handshake, message: Uint8Array, now: number): DropReason | undefined {
  const opened = openInitiation(message, B, x25519);
  return typeof opened === 'string' ? opened : b.consumeInitiation(message, opened, now);
}

function respond(b: Handshake, index = 22): Uint8Array {
  const message = b.createResponse(index);
  if (!message) throw new Error('no response');
  return message;
}

/** A copy with one bit flipped. */
function flipped(message: Uint8Array, offset: number): Uint8Array {
  const copy = message.slice();
  copy[offset] ^= 1;
  return copy;
}

/** A copy with other bytes at an offset. */
function patched(message: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array {
  const copy = message.slice();
  copy.set(bytes, offset);
  return copy;
}

describe('a handshake', () => {
  it.each([
    ['without a preshared key', undefined],
    ['with one', sequence(50, 32)],
  ])('gives both sides the same keys, %s', (_how, presharedKey) => {
    const { a, b } = makeSides(presharedKey);
    const initiation = initiate(a);
    expect(consume(b, initiation, 0)).toBeUndefined();
    expect(a.consumeResponse(respond(b))).toBeUndefined();
    const [keysOfA, keysOfB] = [a.deriveKeys(), b.deriveKeys()];
    expect(keysOfA).toMatchObject({ isInitiator: true, localIndex: 11, remoteIndex: 22 });
    expect(keysOfB).toMatchObject({ isInitiator: false, localIndex: 22, remoteIndex: 11 });
    expect(keysOfA?.sendKey).toEqual(keysOfB?.receiveKey);
    expect(keysOfA?.receiveKey).toEqual(keysOfB?.sendKey);
    expect(keysOfA?.sendKey).not.toEqual(keysOfA?.receiveKey);
  });

  it('tells the responder who the initiator is', () => {
    const opened = openInitiation(initiate(makeSides().a), B, x25519);
    expect(opened).toMatchObject({ remoteStatic: A.staticPublic });
  });

  it('leaves the messages as they came', () => {
    const { a, b } = makeSides();
    const initiation = initiate(a);
    const before = initiation.slice();
    consume(b, initiation, 0);
    expect(initiation).toEqual(before);
    const response = respond(b);
    const responseBefore = response.slice();
    a.consumeResponse(response);
    expect(response).toEqual(responseBefore);
  });

  it('begins with another ephemeral and a later timestamp each time', () => {
    const { a } = makeSides();
    const [first, second] = [initiate(a), initiate(a)];
    const ephemeral = (message: Uint8Array): Uint8Array =>
      message.subarray(INITIATION.ephemeral, INITIATION.static);
    expect(ephemeral(first)).not.toEqual(ephemeral(second));
    const { b } = makeSides();
    expect(consume(b, first, 0)).toBeUndefined();
    expect(consume(b, second, 1_000)).toBeUndefined();
  });

  it('yields keys once', () => {
    const { a, b } = makeSides();
    consume(b, initiate(a), 0);
    a.consumeResponse(respond(b));
    expect(a.deriveKeys()).toBeDefined();
    expect(a.deriveKeys()).toBeUndefined();
    expect(a.localIndex).toBeUndefined();
  });

  it('is not possible without our own key, nor with a low-order point', () => {
    const { a } = makeSides();
    a.setLocal(undefined);
    expect(a.isEnabled).toBe(false);
    expect(a.createInitiation(1)).toBeUndefined();
    const ports = { entropy: new CountingEntropy(), wallClock: tickingClock(), x25519 };
    const low = new Handshake(LOW_ORDER_POINT, ports);
    low.setLocal(A);
    expect(low.isEnabled).toBe(false);
    expect(low.createInitiation(1)).toBeUndefined();
  });

  it('starts afresh when our key changes, and when it is cleared', () => {
    for (const forget of [
      (side: Handshake): void => side.setLocal(A),
      (side: Handshake): void => side.clear(),
    ]) {
      const { a, b } = makeSides();
      consume(b, initiate(a), 0);
      const response = respond(b);
      forget(a);
      expect(a.localIndex).toBeUndefined();
      expect(a.consumeResponse(response)).toBe('unexpectedResponse');
    }
  });
});

describe('a refused initiation changes nothing', () => {
  const CASES: readonly (readonly [string, (message: Uint8Array) => Uint8Array, DropReason])[] = [
    [
      'a low-order ephemeral',
      (message) => patched(message, INITIATION.ephemeral, LOW_ORDER_POINT),
      'lowOrderPoint',
    ],
    [
      'another ephemeral',
      (message) => flipped(message, INITIATION.ephemeral + 3),
      'unopenedInitiation',
    ],
    ['another static key', (message) => flipped(message, INITIATION.static), 'unopenedInitiation'],
    [
      'another tag of the static key',
      (message) => flipped(message, INITIATION.timestamp - 1),
      'unopenedInitiation',
    ],
    [
      'another timestamp',
      (message) => flipped(message, INITIATION.timestamp),
      'unopenedInitiation',
    ],
    [
      'another tag of the timestamp',
      (message) => flipped(message, INITIATION.mac1 - 1),
      'unopenedInitiation',
    ],
  ];

  it.each(CASES)('with %s', (_what, change, reason) => {
    const { a, b } = makeSides();
    const pending = initiate(b, 99);
    const genuine = initiate(a);
    expect(consume(b, change(genuine), 0)).toBe(reason);
    expect(b.createResponse(1)).toBeUndefined();
    expect(b.localIndex, 'its own initiation still waits').toBe(99);
    expect(pending).toHaveLength(INITIATION.bytes);
    expect(consume(b, genuine, 0)).toBeUndefined();
    expect(b.localIndex, 'now it has been replaced').toBeUndefined();
  });

  it('if it is a replay, however late', () => {
    const { a, b } = makeSides();
    const [first, second] = [initiate(a), initiate(a)];
    expect(consume(b, second, 0)).toBeUndefined();
    for (const now of [0, 1_000, 1_000_000]) {
      expect(consume(b, second, now)).toBe('replayedInitiation');
      expect(consume(b, first, now)).toBe('replayedInitiation');
    }
    expect(b.createResponse(1), 'the accepted one is still answered').toBeDefined();
  });

  it('if it follows the last one within 20 ms', () => {
    const { a, b } = makeSides();
    const [first, second] = [initiate(a), initiate(a)];
    expect(consume(b, first, 100)).toBeUndefined();
    expect(consume(b, second, 119)).toBe('initiationFlood');
    expect(consume(b, second, 120)).toBeUndefined();
  });

  it('if the peer’s handshakes are disabled', () => {
    const { a, b } = makeSides();
    b.setLocal(undefined);
    const genuine = initiate(a);
    expect(consume(b, genuine, 0)).toBe('handshakeDisabled');
    b.setLocal(B);
    expect(consume(b, genuine, 0)).toBeUndefined();
  });
});

describe('a refused response changes nothing', () => {
  const CASES: readonly (readonly [string, (message: Uint8Array) => Uint8Array, DropReason])[] = [
    ['another receiver', (message) => flipped(message, RESPONSE.receiver), 'unexpectedResponse'],
    [
      'a low-order ephemeral',
      (message) => patched(message, RESPONSE.ephemeral, LOW_ORDER_POINT),
      'lowOrderPoint',
    ],
    [
      'another ephemeral',
      (message) => flipped(message, RESPONSE.ephemeral + 3),
      'unopenedResponse',
    ],
    ['another tag', (message) => flipped(message, RESPONSE.empty), 'unopenedResponse'],
  ];

  it.each(CASES)('with %s', (_what, change, reason) => {
    const { a, b } = makeSides();
    consume(b, initiate(a), 0);
    const genuine = respond(b);
    expect(a.consumeResponse(change(genuine))).toBe(reason);
    expect(a.localIndex).toBe(11);
    expect(a.deriveKeys()).toBeUndefined();
    expect(a.consumeResponse(genuine)).toBeUndefined();
    expect(a.deriveKeys()?.sendKey).toEqual(b.deriveKeys()?.receiveKey);
  });

  it('with another preshared key, until that is right', () => {
    const { a, b } = makeSides(sequence(50, 32));
    a.setPresharedKey(new Uint8Array(32));
    consume(b, initiate(a), 0);
    const response = respond(b);
    expect(a.consumeResponse(response)).toBe('unopenedResponse');
    a.setPresharedKey(sequence(50, 32));
    expect(a.consumeResponse(response)).toBeUndefined();
  });

  it('to an older initiation', () => {
    const { a, b } = makeSides();
    consume(b, initiate(a, 11), 0);
    const late = respond(b);
    const second = initiate(a, 12);
    expect(a.consumeResponse(late)).toBe('unexpectedResponse');
    consume(b, second, 1_000);
    expect(a.consumeResponse(respond(b))).toBeUndefined();
  });

  it('that comes twice, or to nothing', () => {
    const { a, b } = makeSides();
    consume(b, initiate(a), 0);
    const response = respond(b);
    expect(b.consumeResponse(response)).toBe('unexpectedResponse');
    expect(a.consumeResponse(response)).toBeUndefined();
    expect(a.consumeResponse(response)).toBe('unexpectedResponse');
    a.deriveKeys();
    expect(a.consumeResponse(response)).toBe('unexpectedResponse');
  });
});
