import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, fstatSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
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
  /** Sockets with a pin that is played by hand. */
  function make(): {
    readonly sockets: TunnelSockets;
    readonly asked: string[];
    readonly used: (readonly (number | undefined)[])[];
    readonly events: string[];
  } {
    const asked: string[] = [];
    const used: (readonly (number | undefined)[])[] = [];
    const events: string[] = [];
    const sockets = new TunnelSockets(4000, {
      ask: (request) => asked.push(request),
      use: (...fds) => used.push(fds),
      close: () => events.push('closed'),
      onAnswer: () => events.push('answered'),
    });
    return { sockets, asked, used, events };
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
    expect(asked).toEqual(['sockets 4001']);
    sockets.handed(4, 40);
    sockets.handed(6, 60);
    expect(used).toEqual([]);
    sockets.opened(4001);
    expect(await update).toBe(UAPI_ERRNO.ok);
    expect(used).toEqual([[40, 60]]);
    expect(sockets).toMatchObject({ listenPort: 4001, fwmark: 4 });
    expect(events, 'the old ones were in use until then').toEqual(['answered']);
  });

  it('stay where they are if the port is taken, and so does the mark', async () => {
    const { sockets, used, events } = make();
    const update = sockets.update({ listenPort: 4001, fwmark: 4 });
    sockets.failed('EADDRINUSE');
    expect(await update).toBe(UAPI_ERRNO.addressInUse);
    expect(sockets).toMatchObject({ listenPort: 4000, fwmark: 0, isMissing: false });
    expect(used).toEqual([]);
    expect(events).not.toContain('closed');
  });

  it('refuse what the pin refuses for another reason', async () => {
    const { sockets } = make();
    const update = sockets.update({ listenPort: 80 });
    sockets.failed('EACCES');
    expect(await update).toBe(UAPI_ERRNO.inputOutput);
  });

  it('are closed before they are renewed, and renewed once at a time', () => {
    const { sockets, asked, used, events } = make();
    sockets.renew();
    sockets.renew();
    expect(asked).toEqual(['sockets']);
    expect(events).toEqual(['closed']);
    sockets.handed(4, 40);
    sockets.opened(4000);
    expect(used, 'of one family').toEqual([[40, undefined]]);
    sockets.renew();
    sockets.handed(6, 61);
    sockets.opened(4000);
    expect(used[1], 'nothing of the last time').toEqual([undefined, 61]);
  });

  it('are missing after a failure until they are renewed', () => {
    const { sockets } = make();
    sockets.renew();
    sockets.failed('EAFNOSUPPORT');
    expect(sockets.isMissing).toBe(true);
    sockets.renew();
    sockets.opened(4000);
    expect(sockets.isMissing).toBe(false);
  });

  it('take the answers of the pin in the order in which it was asked', async () => {
    const { sockets } = make();
    const first = sockets.update({ listenPort: 4001 });
    sockets.renew();
    const second = sockets.update({ listenPort: 4002 });
    sockets.failed('EADDRINUSE');
    sockets.opened(4000);
    sockets.opened(4002);
    expect(await Promise.all([first, second])).toEqual([UAPI_ERRNO.addressInUse, UAPI_ERRNO.ok]);
    expect(sockets).toMatchObject({ listenPort: 4002, isMissing: false });
  });
});
