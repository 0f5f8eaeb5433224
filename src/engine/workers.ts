/**
 * How many workers the pump gets, who share the cipher's work of a batch with its threads
 * (pump/workers.c).
 *
 * The TUN of a tunnel has one queue: a second one could be opened by any program inside, which would
 * then read what others send. So there is one thread for each direction, and what is left to be shared
 * is the cipher, more than half of all the work.
 */

/** The two threads that there are anyway. */
const DIRECTIONS = 2;
/** With more of them the rest of a batch's work outweighs what they take off. */
const WORTH = 3;

/** The number for each direction on a machine with so many processors for this process. */
export function workersFor(processors: number): number {
  const spare = Math.floor((processors - DIRECTIONS) / DIRECTIONS);
  return Math.min(Math.max(spare, 0), WORTH);
}
