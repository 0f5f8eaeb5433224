import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, fstatSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeviceSockets } from '../../../src/engine/device-sockets.ts';
import { TunnelSockets } from '../../../src/engine/tunnel-sockets.ts';
import { UAPI_ERRNO } from '../../../src/uapi.ts';

/** Holds the descriptors as the loop would, and closes those before. */
class Holder {
  held: readonly [number, number] | undefined;
  handovers = 0;

  readonly use = (udp4: number, udp6: number): void => {
    this.drop();
    this.held = [udp4, udp6];
    this.handovers++;
  };

  drop(): void {
    for (const fd of this.held ?? []) closeSync(fd);
    this.held = undefined;
  }
}

const holder = new Holder();
let other: Socket | undefined;

afterEach(() => {
  holder.drop();
  holder.handovers = 0;
  other?.close();
  other = undefined;
});

/** Takes a port and tells which. */
async function takenPort(): Promise<number> {
  other = createSocket('udp4').bind(0);
  await once(other, 'listening');
  return other.address().port;
}

describe('the sockets of a device', () => {
  it('are opened when the link comes up, on a free port that stays', () => {
    const sockets = new DeviceSockets(holder.use);
    expect(sockets.listenPort).toBe(0);
    sockets.up();
    const port = sockets.listenPort;
    expect(port).toBeGreaterThan(0);
    expect(fstatSync(holder.held![0]).isSocket()).toBe(true);
    holder.drop();
    sockets.down();
    expect(sockets.listenPort).toBe(port);
    sockets.up();
    expect(sockets.listenPort).toBe(port);
    expect(holder.handovers).toBe(2);
  });

  it('only remember a port while the link is down', async () => {
    const sockets = new DeviceSockets(holder.use);
    const port = await takenPort();
    expect(sockets.update({ listenPort: port, fwmark: 7 })).toBe(UAPI_ERRNO.ok);
    expect(sockets).toMatchObject({ listenPort: port, fwmark: 7 });
    expect(holder.handovers).toBe(0);
  });

  it('stay as they are when the port is the same', () => {
    const sockets = new DeviceSockets(holder.use);
    sockets.up();
    expect(sockets.update({ listenPort: sockets.listenPort })).toBe(UAPI_ERRNO.ok);
    expect(sockets.update({})).toBe(UAPI_ERRNO.ok);
    expect(holder.handovers).toBe(1);
  });

  it('are others on another port, and on port 0', () => {
    const sockets = new DeviceSockets(holder.use);
    sockets.up();
    const first = sockets.listenPort;
    expect(sockets.update({ listenPort: 0 })).toBe(UAPI_ERRNO.ok);
    expect(sockets.listenPort).toBeGreaterThan(0);
    expect(sockets.listenPort).not.toBe(first);
    expect(holder.handovers).toBe(2);
  });

  it('stay when the new port is taken, and so does the mark', async () => {
    const sockets = new DeviceSockets(holder.use);
    sockets.up();
    const before = sockets.listenPort;
    const port = await takenPort();
    expect(sockets.update({ listenPort: port, fwmark: 7 })).toBe(UAPI_ERRNO.addressInUse);
    expect(sockets).toMatchObject({ listenPort: before, fwmark: 0 });
    expect(holder.handovers).toBe(1);
  });

  it('that could not be opened with the link are opened by a later request', async () => {
    const sockets = new DeviceSockets(holder.use);
    sockets.update({ listenPort: await takenPort() });
    expect(() => {
      sockets.up();
    }).toThrow('EADDRINUSE');
    expect(sockets.update({ listenPort: 0 })).toBe(UAPI_ERRNO.ok);
    expect(holder.handovers).toBe(1);
  });
});

describe('the sockets of a tunnel', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** Sockets with a pin that is played by hand. */
  function make(): {
    readonly sockets: TunnelSockets;
    readonly asked: string[];
    readonly used: (readonly (number | undefined)[])[];
    readonly dropped: number[];
    readonly events: string[];
  } {
    const asked: string[] = [];
    const used: (readonly (number | undefined)[])[] = [];
    const dropped: number[] = [];
    const events: string[] = [];
    const sockets = new TunnelSockets(4000, {
      ask: (question) => asked.push(question),
      use: (...fds) => used.push(fds),
      close: () => events.push('closed'),
      drop: (fd) => dropped.push(fd),
      onRenewed: () => events.push('renewed'),
      onMissing: (code) => events.push(`missing ${code ?? 'without a word'}`),
    });
    return { sockets, asked, used, dropped, events };
  }

  it('keep their port, which any port and their own mean', async () => {
    const { sockets, asked } = make();
    expect(await sockets.update({ listenPort: 0 })).toBe(UAPI_ERRNO.ok);
    expect(await sockets.update({ listenPort: 4000, fwmark: 3 })).toBe(UAPI_ERRNO.ok);
    expect(sockets).toMatchObject({ listenPort: 4000, fwmark: 3 });
    expect(asked).toEqual([]);
  });

  it('move to another port once the pin has handed over others', async () => {
    const { sockets, asked, used, events } = make();
    const update = sockets.update({ listenPort: 4001, fwmark: 4 });
    expect(asked).toEqual(['sockets 1 4001']);
    sockets.handed(1, 4, 40);
    sockets.handed(1, 6, 60);
    expect(used).toEqual([]);
    sockets.opened(1, 4001);
    expect(await update).toBe(UAPI_ERRNO.ok);
    expect(used).toEqual([[40, 60]]);
    expect(sockets).toMatchObject({ listenPort: 4001, fwmark: 4 });
    expect(events, 'the old ones were in use until then').toEqual([]);
  });

  it('stay where they are if the port is taken, and so does the mark', async () => {
    const { sockets, used, events } = make();
    const update = sockets.update({ listenPort: 4001, fwmark: 4 });
    sockets.failed(1, 'EADDRINUSE');
    expect(await update).toBe(UAPI_ERRNO.addressInUse);
    expect(sockets).toMatchObject({ listenPort: 4000, fwmark: 0, isMissing: false });
    expect([...used, ...events]).toEqual([]);
  });

  it('refuse what the pin refuses for another reason', async () => {
    const { sockets } = make();
    const update = sockets.update({ listenPort: 80 });
    sockets.failed(1, 'EACCES');
    expect(await update).toBe(UAPI_ERRNO.inputOutput);
  });

  it('are closed before they are renewed, and renewed once at a time', () => {
    const { sockets, asked, used, events } = make();
    sockets.renew();
    sockets.renew();
    expect(asked).toEqual(['sockets 1']);
    expect(events).toEqual(['closed']);
    sockets.handed(1, 4, 40);
    sockets.opened(1, 4000);
    expect(used, 'of one family').toEqual([[40, undefined]]);
    expect(events).toEqual(['closed', 'renewed']);
    sockets.renew();
    sockets.handed(2, 6, 61);
    sockets.opened(2, 4000);
    expect(used[1], 'nothing of the last time').toEqual([undefined, 61]);
    vi.advanceTimersByTime(600_000);
    expect(asked, 'nothing is left to be asked').toEqual(['sockets 1', 'sockets 2']);
  });

  it('that are missing are asked for until they are here, ever more rarely', () => {
    const { sockets, asked, used, events } = make();
    sockets.renew();
    sockets.failed(1, 'ENOBUFS');
    expect(sockets.isMissing).toBe(true);
    const pauses = [1, 2, 4, 8, 16, 30, 30].map((seconds) => {
      vi.advanceTimersByTime(seconds * 1000 - 1);
      const before = asked.length;
      vi.advanceTimersByTime(1);
      const pause = asked.length === before + 1 ? seconds : undefined;
      sockets.failed(1, 'ENOBUFS');
      return pause;
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30]);
    expect(new Set(asked), 'one question, which the pin need not answer anew').toEqual(
      new Set(['sockets 1']),
    );
    vi.advanceTimersByTime(30_000);
    sockets.handed(1, 4, 40);
    sockets.opened(1, 4000);
    expect(used).toEqual([[40, undefined]]);
    expect(sockets.isMissing).toBe(false);
    expect(events).toEqual(['closed', ...Array<string>(8).fill('missing ENOBUFS'), 'renewed']);
  });

  it('are asked for again if the pin says nothing for five seconds', () => {
    const { sockets, asked, events } = make();
    sockets.renew();
    vi.advanceTimersByTime(4_999);
    expect(sockets.isMissing).toBe(false);
    vi.advanceTimersByTime(1);
    expect(sockets.isMissing).toBe(true);
    expect(events).toEqual(['closed', 'missing without a word']);
    vi.advanceTimersByTime(1_000);
    expect(asked).toEqual(['sockets 1', 'sockets 1']);
    vi.advanceTimersByTime(600_000);
    expect(asked.length, 'of which each takes its five seconds').toBeLessThan(25);
  });

  it('are taken from an answer that comes late, and once', () => {
    const { sockets, used, dropped } = make();
    sockets.renew();
    sockets.handed(1, 4, 40);
    vi.advanceTimersByTime(6_000);
    sockets.handed(1, 4, 41);
    expect(dropped, 'of the answer that did not get through').toEqual([40]);
    sockets.failed(1, 'ENOBUFS');
    expect(sockets.opened(1, 4000)).toBe(true);
    expect(used).toEqual([[41, undefined]]);
    expect(sockets.isMissing).toBe(false);
    sockets.handed(1, 4, 42);
    expect(sockets.opened(1, 4000), 'the answer to the second time').toBe(false);
    expect(used).toHaveLength(1);
    expect(dropped).toEqual([40, 42]);
  });

  it('are asked for at once when the network has changed again', () => {
    const { sockets, asked, used, dropped } = make();
    sockets.renew();
    sockets.failed(1, 'EAFNOSUPPORT');
    sockets.renew();
    expect(asked).toEqual(['sockets 1', 'sockets 2']);
    sockets.handed(1, 4, 40);
    expect(dropped, 'those are of the network before').toEqual([40]);
    sockets.handed(2, 4, 41);
    sockets.opened(2, 4000);
    expect(used).toEqual([[41, undefined]]);
    vi.advanceTimersByTime(600_000);
    expect(asked).toHaveLength(2);
  });

  it('that are missing are no longer so after a move', async () => {
    const { sockets, asked, events } = make();
    sockets.renew();
    sockets.failed(1, 'EMFILE');
    const update = sockets.update({ listenPort: 4001 });
    sockets.handed(2, 4, 40);
    sockets.opened(2, 4001);
    expect(sockets.isMissing).toBe(false);
    expect(await update).toBe(UAPI_ERRNO.ok);
    vi.advanceTimersByTime(600_000);
    expect(asked).toEqual(['sockets 1', 'sockets 2 4001']);
    expect(events).toEqual(['closed', 'missing EMFILE', 'renewed']);
  });

  it('do not take a late answer for that to a later question', async () => {
    const { sockets, used, dropped } = make();
    const first = sockets.update({ listenPort: 4001 });
    sockets.handed(1, 4, 40);
    vi.advanceTimersByTime(5_000);
    expect(await first).toBe(UAPI_ERRNO.inputOutput);
    expect(dropped).toEqual([40]);
    const second = sockets.update({ listenPort: 4002 });
    sockets.handed(1, 6, 60);
    expect(sockets.opened(1, 4001)).toBe(false);
    sockets.failed(1, 'EADDRINUSE');
    expect(dropped).toEqual([40, 60]);
    expect(sockets.listenPort).toBe(4000);
    sockets.handed(2, 4, 41);
    sockets.opened(2, 4002);
    expect(await second).toBe(UAPI_ERRNO.ok);
    expect(used).toEqual([[41, undefined]]);
  });

  it('take each answer of the pin for its own question', async () => {
    const { sockets } = make();
    const first = sockets.update({ listenPort: 4001 });
    const second = sockets.update({ listenPort: 4002 });
    sockets.failed(1, 'EADDRINUSE');
    sockets.opened(2, 4002);
    expect(await Promise.all([first, second])).toEqual([UAPI_ERRNO.addressInUse, UAPI_ERRNO.ok]);
    expect(sockets).toMatchObject({ listenPort: 4002, isMissing: false });
  });

  it('are not renewed during a move, whose port they would hold', async () => {
    const { sockets, asked, events } = make();
    const update = sockets.update({ listenPort: 4001 });
    sockets.renew();
    expect(asked).toEqual(['sockets 1 4001']);
    sockets.handed(1, 4, 40);
    sockets.opened(1, 4001);
    expect(await update).toBe(UAPI_ERRNO.ok);
    vi.advanceTimersByTime(600_000);
    expect(asked, 'new ones are there already').toEqual(['sockets 1 4001']);
    expect(events).toEqual([]);
  });

  it('are renewed after a move that came to nothing', async () => {
    const { sockets, asked, events } = make();
    const update = sockets.update({ listenPort: 4001 });
    sockets.renew();
    sockets.failed(1, 'EADDRINUSE');
    expect(await update).toBe(UAPI_ERRNO.addressInUse);
    expect(asked).toEqual(['sockets 1 4001', 'sockets 2']);
    expect(events).toEqual(['closed']);
  });

  it('that are missing are not asked for during a move', async () => {
    const { sockets, asked } = make();
    sockets.renew();
    sockets.failed(1, 'EMFILE');
    const update = sockets.update({ listenPort: 4001 });
    vi.advanceTimersByTime(2_000);
    expect(asked).toEqual(['sockets 1', 'sockets 2 4001']);
    sockets.failed(2, 'EMFILE');
    await update;
    expect(asked).toEqual(['sockets 1', 'sockets 2 4001', 'sockets 3']);
  });
});
