/**
 * What pumps count, all that there were: one that has failed takes nothing with it, since a counter that
 * goes back looks like a new start to whoever reads it.
 */
import { PUMP_DROPS, type PumpActivity, type PumpDrop } from '../linux/pump-activity.ts';
import type { DropCounters } from '../wireguard/drop-reason.ts';

/** The counters of pumps, without those of peers, which the core keeps. */
export type PumpCounts = Pick<
  PumpActivity,
  'drops' | 'foreign' | 'tunWriteErrors' | 'udpSendErrors' | 'udpReceiveErrors'
>;

/** What no pump has counted. */
export const NO_PUMP_COUNTS: PumpCounts = {
  drops: Object.fromEntries(PUMP_DROPS.map((reason) => [reason, 0])) as Record<PumpDrop, number>,
  foreign: 0,
  tunWriteErrors: new Map(),
  udpSendErrors: new Map(),
  udpReceiveErrors: new Map(),
};

/** The sum of the counters of two. */
export function addPumpCounts(one: PumpCounts, other: PumpCounts): PumpCounts {
  const drops = { ...one.drops };
  for (const reason of PUMP_DROPS) drops[reason] += other.drops[reason];
  return {
    drops,
    foreign: one.foreign + other.foreign,
    tunWriteErrors: addErrors(one.tunWriteErrors, other.tunWriteErrors),
    udpSendErrors: addErrors(one.udpSendErrors, other.udpSendErrors),
    udpReceiveErrors: addErrors(one.udpReceiveErrors, other.udpReceiveErrors),
  };
}

/** The sum of two counts by the name of errno. */
export function addErrors(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): Map<string, number> {
  const sum = new Map(one);
  for (const [name, count] of other) sum.set(name, (sum.get(name) ?? 0) + count);
  return sum;
}

/** These are in the counters of TUN and sockets, with what was lost so where no pump was. */
const COUNTED_ELSEWHERE: ReadonlySet<PumpDrop> = new Set(['badSuperPacket', 'queueFull']);

/** The core's drops with the pumps'. Reasons that both have are counted together. */
export function addPumpDrops(
  drops: Readonly<DropCounters>,
  { drops: pumped }: PumpCounts,
): Readonly<DropCounters> {
  const sum: Record<string, number> = { ...drops };
  for (const reason of PUMP_DROPS) {
    if (!COUNTED_ELSEWHERE.has(reason)) sum[reason] = (sum[reason] ?? 0) + pumped[reason];
  }
  // Every reason of the core's is still there, and those of the pump's own besides.
  return sum as DropCounters;
}
