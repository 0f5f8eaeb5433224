/**
 * Tells the pin when the tunnel becomes stale or recovers, and the log what is not as it should be.
 *
 * It looks when the loop has done something, for nothing gets worse while nothing happens: what waits
 * for a handshake has retries going on. At most once a second, but at once after a handshake.
 */
import type { EngineState } from '../engine-status.ts';
import type { Millis } from '../wireguard/ports.ts';
import { healthWarnings, tunnelState, type PeerHealth } from './health.ts';

const INTERVAL_MS = 1000;

/** What comes of it. */
export interface HealthListener {
  /** `stale`, and `connected` after it; the first handshake isn't told here. */
  onChange(state: 'stale' | 'connected'): void;
  /** A line that was not true before. */
  onWarning(warning: string): void;
}

/** Looks at the peers from time to time. */
export class HealthWatch {
  readonly #listener: HealthListener;
  readonly #peers: () => readonly PeerHealth[];
  readonly #before: EngineState;
  #lookedAt: Millis = -Infinity;
  #handshakes = 0;
  #state: EngineState;
  #warnings: ReadonlySet<string> = new Set();

  /** `before` is how an engine that died has left the tunnel. */
  constructor(
    peers: () => readonly PeerHealth[],
    listener: HealthListener,
    before: EngineState = 'starting',
  ) {
    this.#peers = peers;
    this.#listener = listener;
    this.#before = this.#state = before;
  }

  /** Looks, if it is time. `handshakes` is how many were completed, ever. */
  look(now: Millis, handshakes: number): void {
    if (now - this.#lookedAt < INTERVAL_MS && handshakes === this.#handshakes) return;
    this.#lookedAt = now;
    this.#handshakes = handshakes;
    const peers = this.#peers();
    this.#take(tunnelState(peers, now, this.#before));
    this.#takeWarnings(healthWarnings(peers, now));
  }

  #take(state: EngineState): void {
    const before = this.#state;
    this.#state = state;
    if (state === 'stale' && before !== 'stale') this.#listener.onChange('stale');
    if (state === 'connected' && before === 'stale') this.#listener.onChange('connected');
  }

  #takeWarnings(warnings: readonly string[]): void {
    // Seconds run on; a line is the same one for all that.
    const lines = new Map(warnings.map((line) => [line.replace(/\d+ s\b/g, ''), line]));
    for (const [kind, line] of lines) {
      if (!this.#warnings.has(kind)) this.#listener.onWarning(line);
    }
    this.#warnings = new Set(lines.keys());
  }
}
