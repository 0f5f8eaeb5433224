/**
 * The engine's log: one past-tense line a fact, on standard output, which is the log file. Nothing
 * that a stranger can cause is written here, and no secret: peers appear as abbreviated public keys.
 */
import { writeSync } from 'node:fs';

const STDOUT = 1;

/** Writes one line with the time in front. */
export function log(message: string): void {
  try {
    writeSync(STDOUT, `${new Date().toISOString()} ${message}\n`);
  } catch {
    // A full disk must not stop the tunnel.
  }
}
