/**
 * The engine's log: one past-tense line a fact, on standard output, which is the log file. Nothing
 * that a stranger can cause again and again is written here, and no secret: peers appear as
 * abbreviated public keys.
 */
import { writeSync } from 'node:fs';
import { abbreviateKey } from '../key.ts';

const STDOUT = 1;

/** Writes one line with the time in front. */
export function log(message: string): void {
  try {
    writeSync(STDOUT, `${new Date().toISOString()} ${message}\n`);
  } catch {
    // A full disk must not stop the tunnel.
  }
}

/** The line about the first response of a peer that did not open. */
export function unopenedResponse(publicKey: Uint8Array): string {
  const peer = abbreviateKey(publicKey);
  return `could not open the response of peer ${peer}: PresharedKey missing or different; told once`;
}
