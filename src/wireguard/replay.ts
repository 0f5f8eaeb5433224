/**
 * The replay window (RFC 6479): a ring of bits, one for each counter near the greatest one accepted.
 * Moving on clears whole words of the ring, so that nothing is ever shifted.
 *
 * Only the counter of an authentic packet may come here: a forged one near the limit would lock the
 * peer out.
 */
import { REPLAY_RING_BITS, REPLAY_WINDOW_SIZE } from './constants.ts';

const WORD_BITS = 32;
const RING_WORDS = REPLAY_RING_BITS / WORD_BITS;

/** Which counters of one keypair have been accepted. */
export class ReplayWindow {
  readonly #ring = new Uint32Array(RING_WORDS);
  #greatest = 0;

  /** Accepts `counter` if it is neither behind the window nor accepted already. */
  accept(counter: number): boolean {
    if (counter + REPLAY_WINDOW_SIZE < this.#greatest) return false;
    const word = Math.floor(counter / WORD_BITS);
    if (counter > this.#greatest) this.#moveTo(word, counter);
    const mask = 1 << (counter % WORD_BITS);
    const slot = word % RING_WORDS;
    if ((this.#ring[slot] & mask) !== 0) return false;
    this.#ring[slot] |= mask;
    return true;
  }

  #moveTo(word: number, counter: number): void {
    const current = Math.floor(this.#greatest / WORD_BITS);
    const last = Math.min(word, current + RING_WORDS);
    for (let cleared = current + 1; cleared <= last; cleared++)
      this.#ring[cleared % RING_WORDS] = 0;
    this.#greatest = counter;
  }
}
