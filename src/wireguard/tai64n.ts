/**
 * TAI64N timestamps (WP 5.1, 5.4.2): 64 bits of 2^62 + 10 + Unix seconds, then 32 bits of nanoseconds,
 * all big-endian, so that they compare as bytes. They are the protection of initiations against
 * replay: a responder accepts only a greater one than it has accepted before from that peer.
 *
 * The low 24 bits of the nanoseconds are zero: nothing finer than 1/50 s leaks into a datagram. Each
 * timestamp is greater than the last one sent, even if the wall clock was set back in between.
 */
import { readUint32BE, writeUint32BE } from '../bytes.ts';
import { TIMESTAMP_BYTES } from './constants.ts';
import type { WallClock } from './ports.ts';

const TAI_OFFSET_SECONDS = 10;
const EPOCH_HIGH_WORD = 0x40000000;
const STEP_NANOSECONDS = 2 ** 24;
const NANOSECONDS_PER_SECOND = 1_000_000_000;

/** A timestamp for `wall`, or one step after `last` if that is greater. */
export function createTimestamp(
  wall: ReturnType<WallClock>,
  last: Uint8Array | undefined,
): Uint8Array {
  const seconds = Math.max(0, wall.seconds) + TAI_OFFSET_SECONDS;
  const timestamp = encode(seconds, wall.nanoseconds - (wall.nanoseconds % STEP_NANOSECONDS));
  if (!last || compareTimestamps(timestamp, last) > 0) return timestamp;
  return step(last);
}

/** Negative, zero or positive, as `a` is before, at or after `b`. */
export function compareTimestamps(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < TIMESTAMP_BYTES; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return 0;
}

function step(last: Uint8Array): Uint8Array {
  const seconds = (readUint32BE(last, 0) - EPOCH_HIGH_WORD) * 2 ** 32 + readUint32BE(last, 4);
  const nanoseconds = readUint32BE(last, 8) + STEP_NANOSECONDS;
  return nanoseconds < NANOSECONDS_PER_SECOND
    ? encode(seconds, nanoseconds)
    : encode(seconds + 1, 0);
}

function encode(seconds: number, nanoseconds: number): Uint8Array {
  const timestamp = new Uint8Array(TIMESTAMP_BYTES);
  writeUint32BE(timestamp, 0, EPOCH_HIGH_WORD + Math.floor(seconds / 2 ** 32));
  writeUint32BE(timestamp, 4, seconds % 2 ** 32);
  writeUint32BE(timestamp, 8, nanoseconds);
  return timestamp;
}
