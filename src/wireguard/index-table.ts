/**
 * The receiver indices of one device (WP 5.4.2): each names a handshake that waits for its response,
 * or a keypair. An entry passes from the handshake to the keypair, and goes when the keypair goes; so
 * a peer has four at most.
 *
 * Indices are random and unique, so that they tell an observer neither how many there are nor which
 * belong together.
 */
import { readUint32LE } from '../bytes.ts';
import type { Keypair } from './keypair.ts';
import type { Entropy } from './ports.ts';

/** What an index stands for; a handshake while there is no keypair. */
export interface IndexEntry<Owner> {
  readonly owner: Owner;
  readonly keypair: Keypair | undefined;
}

/** Receiver index → handshake or keypair. */
export class IndexTable<Owner> {
  readonly #entries = new Map<number, IndexEntry<Owner>>();
  readonly #entropy: Entropy;
  readonly #random = new Uint8Array(4);

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** How many indices are in use. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes an unused index for a handshake of `owner`. */
  insert(owner: Owner): number {
    // At most 2^18 of 2^32 indices are in use, so that a second round is rare.
    let index: number;
    do {
      this.#entropy.fill(this.#random);
      index = readUint32LE(this.#random, 0);
    } while (this.#entries.has(index));
    this.#entries.set(index, { owner, keypair: undefined });
    return index;
  }

  /** Finds what an index stands for. */
  lookup(index: number): IndexEntry<Owner> | undefined {
    return this.#entries.get(index);
  }

  /** Passes the index of a completed handshake to its keypair. */
  promote(owner: Owner, keypair: Keypair): void {
    this.#entries.set(keypair.localIndex, { owner, keypair });
  }

  /** Forgets an index; undefined is no index. */
  remove(index: number | undefined): void {
    if (index !== undefined) this.#entries.delete(index);
  }
}
