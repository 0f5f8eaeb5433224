import { describe, expect, it } from 'vitest';
import {
  addPumpCounts,
  addPumpDrops,
  NO_PUMP_COUNTS,
  type PumpCounts,
} from '../../../src/engine/pump-counts.ts';
import { PUMP_DROPS } from '../../../src/linux/pump-activity.ts';
import { createDropCounters, DROP_REASONS } from '../../../src/wireguard/drop-reason.ts';

const some: PumpCounts = {
  drops: { ...NO_PUMP_COUNTS.drops, malformed: 1, badSuperPacket: 2, packetsFull: 3 },
  foreign: 4,
  tunWriteErrors: new Map([['EIO', 5]]),
  udpSendErrors: new Map([['EPERM', 6]]),
  udpReceiveErrors: new Map(),
};

describe('what pumps count', () => {
  it('is added up, whatever it is', () => {
    expect(addPumpCounts(NO_PUMP_COUNTS, some)).toEqual(some);
    const sum = addPumpCounts(some, { ...some, udpSendErrors: new Map([['EIO', 1]]) });
    expect(sum.drops).toEqual({
      ...NO_PUMP_COUNTS.drops,
      malformed: 2,
      badSuperPacket: 4,
      packetsFull: 6,
    });
    expect(sum.foreign).toBe(8);
    expect(sum.tunWriteErrors).toEqual(new Map([['EIO', 10]]));
    expect(sum.udpSendErrors).toEqual(new Map([...some.udpSendErrors, ['EIO', 1]]));
    expect(some.drops.malformed, 'the summands stay as they are').toBe(1);
  });

  it('is counted under one name, also where the core or the TUN counts the same', () => {
    const drops = addPumpDrops({ ...createDropCounters(), malformed: 10, noPeer: 1 }, some);
    expect(drops).toMatchObject({ malformed: 11, noPeer: 1, packetsFull: 3 });
    const names = new Set([...DROP_REASONS, ...PUMP_DROPS]);
    // These are in the counters of TUN and sockets.
    for (const name of ['badSuperPacket', 'queueFull'] as const) names.delete(name);
    expect(Object.keys(drops).sort()).toEqual([...names].sort());
  });
});
