/**
 * The engine's two clocks. CLOCK_BOOTTIME counts suspend, so that a keypair is expired after a night;
 * Node's own clock stops in suspend and may only wake the engine, never decide.
 */
import { clockMilliseconds } from './ffi.ts';

const CLOCK_BOOTTIME = 7;

/** Milliseconds since boot, suspend included (clock_gettime(2)). */
export function bootTime(): number {
  return clockMilliseconds(CLOCK_BOOTTIME);
}

/** Time since the Unix epoch, to the millisecond. */
export function wallClock(): { readonly seconds: number; readonly nanoseconds: number } {
  const milliseconds = Date.now();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanoseconds: (milliseconds - seconds * 1000) * 1e6 };
}
