import { expect, it } from 'vitest';
import { Observation } from '../../../src/engine/observation.ts';

const message = (type: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  if (length > 0) bytes[0] = type;
  return bytes;
};

it('counts what went out and what came in by the type of message', () => {
  const seen = new Observation();
  for (const type of [1, 1, 4]) seen.sent(message(type, 148));
  for (const type of [2, 3, 3, 4, 1]) seen.received(message(type, 64));
  expect(seen).toMatchObject({
    initiationsSent: 2,
    responsesReceived: 1,
    cookieRepliesReceived: 2,
    foreignReceived: 0,
  });
});

it('takes what is no message of WireGuard for foreign', () => {
  const seen = new Observation();
  for (const [type, length] of [
    [0, 0],
    [2, 3],
    [0, 100],
    [5, 100],
    [255, 12],
  ]) {
    seen.received(message(type, length));
  }
  expect(seen.foreignReceived).toBe(5);
  expect(seen.responsesReceived).toBe(0);
});
