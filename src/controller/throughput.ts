/** What several looks at a tunnel tell that one doesn't: bytes and drops a second. */
import { dropsByCount } from './status-text.ts';
import type { TunnelStatus } from './tunnel-status.ts';

/** As many as the widest terminal shows. */
const KEPT = 512;

/** A moment of a tunnel: its status, and bytes a second in both directions. */
export interface Moment {
  readonly status: TunnelStatus;
  readonly received: number;
  readonly sent: number;
}

interface Look {
  readonly status: TunnelStatus;
  readonly atMs: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** A tunnel over time. */
export class Throughput {
  readonly #moments: Moment[] = [];
  #last: Look | undefined;
  #before: Look | undefined;

  /** Takes note of a status; `atMs` is on a clock that never goes back. */
  add(status: TunnelStatus, atMs: number): void {
    const total = (read: (peer: NonNullable<TunnelStatus['peers']>[number]) => number | null) =>
      (status.peers ?? []).reduce((sum, peer) => sum + (read(peer) ?? 0), 0);
    const look = {
      status,
      atMs,
      rxBytes: total((peer) => peer.rx_bytes),
      txBytes: total((peer) => peer.tx_bytes),
    };
    this.#before = this.#last;
    this.#last = look;
    this.#moments.push({
      status,
      received: this.#rate((each) => each.rxBytes),
      sent: this.#rate((each) => each.txBytes),
    });
    if (this.#moments.length > KEPT) this.#moments.shift();
  }

  /** The latest moment. */
  get latest(): Moment | undefined {
    return this.#moments.at(-1);
  }

  /** The last `count` moments, the latest last. */
  recent(count: number): readonly Moment[] {
    return this.#moments.slice(-count);
  }

  /** What was dropped, with how many more a second. */
  drops(): readonly { readonly reason: string; readonly count: number; readonly rate: number }[] {
    if (!this.#last) return [];
    return dropsByCount(this.#last.status).map(([reason, count]) => ({
      reason,
      count,
      rate: this.#rate(({ status }) => new Map(dropsByCount(status)).get(reason) ?? 0),
    }));
  }

  /** A second; an engine that was started again counts from 0. */
  #rate(read: (look: Look) => number): number {
    const [last, before] = [this.#last, this.#before];
    if (!last || !before || last.atMs <= before.atMs) return 0;
    return Math.max(0, ((read(last) - read(before)) * 1000) / (last.atMs - before.atMs));
  }
}
