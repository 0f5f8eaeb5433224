/** Random bytes from the kernel, through Node's OpenSSL. */
import { randomFillSync } from 'node:crypto';

/** Satisfies the core's `Entropy` port. */
export const entropy = {
  /** Fills `bytes` with random bytes fit for keys. */
  fill(bytes: Uint8Array): void {
    randomFillSync(bytes);
  },
};
