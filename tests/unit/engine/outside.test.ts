import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { Endpoints } from '../../../src/engine/endpoints.ts';
import { Outside, type OutsideParts, type OutsideWord } from '../../../src/engine/outside.ts';
import { UdpEndpoint } from '../../../src/ip.ts';
import type { DeviceUpdate } from '../../../src/wireguard/device.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** An outside whose device, loop and pin are played by hand. */
function make(): {
  readonly outside: Outside;
  readonly words: OutsideWord[];
  readonly updates: DeviceUpdate[];
  readonly silences: { named: number; numeric: number };
  readonly state: { handshakesCompleted: number; isBroken: boolean; wakes: number };
} {
  const words: OutsideWord[] = [];
  const updates: DeviceUpdate[] = [];
  const silences = { named: 0, numeric: 0 };
  const state = { handshakesCompleted: 0, isBroken: false, wakes: 0 };
  const device = {
    get handshakesCompleted() {
      return state.handshakesCompleted;
    },
    status: () => ({
      peers: [
        { publicKey: key(1), silences: silences.named },
        { publicKey: key(2), silences: silences.numeric },
      ],
    }),
    configure: (update: DeviceUpdate) => updates.push(update),
  };
  const loop = {
    apply: (verb: (now: number, out: unknown) => void) => verb(0, undefined),
    useSockets: () => undefined,
    closeSockets: () => undefined,
    hasBrokenSocket: () => state.isBroken,
    wake: () => state.wakes++,
  };
  const endpoints = new Endpoints([
    { publicKey: formatHex(key(1)), name: 'vpn.test', port: 5, addresses: ['192.0.2.1'] },
    { publicKey: formatHex(key(2)), port: 5, addresses: ['192.0.2.2'] },
  ]);
  const tell = (word: OutsideWord): number => words.push(word);
  const parts = { device, loop, endpoints, listenPort: 4000, tell };
  const outside = new Outside(parts as unknown as OutsideParts);
  return { outside, words, updates, silences, state };
}

describe('an engine asks the host', () => {
  it('for names when a named peer is silent, and not when another one is', () => {
    const { outside, words, silences } = make();
    silences.numeric = 1;
    outside.silent();
    expect(words).toEqual([]);
    silences.named = 1;
    outside.silent();
    expect(words).toEqual(['resolve']);
    silences.named = 2;
    outside.silent();
    expect(words, 'not again at once').toEqual(['resolve']);
  });

  it('for sockets when those that it has are no good', () => {
    const { outside, words, state } = make();
    outside.silent();
    expect(words).toEqual([]);
    state.isBroken = true;
    outside.silent();
    expect(words).toEqual(['sockets 1']);
  });

  it('for sockets again if there were none, and wakes its peers when they are here', () => {
    const { outside, words, state } = make();
    state.isBroken = true;
    outside.silent();
    outside.hear('sockets 1 failed ENOBUFS', undefined);
    expect(outside.sockets.isMissing).toBe(true);
    outside.silent();
    expect(words, 'not for every silence').toEqual(['sockets 1']);
    vi.advanceTimersByTime(1_000);
    expect(words).toEqual(['sockets 1', 'sockets 1']);
    expect(state.wakes).toBe(0);
    outside.hear('sockets 1 4000', undefined);
    expect(state.wakes).toBe(1);
  });

  it('to watch each address that an initiation goes to, once', () => {
    const { outside, words } = make();
    const to = (last: number): UdpEndpoint => new UdpEndpoint(Uint8Array.of(192, 0, 2, last), 5);
    outside.initiationSent(to(1));
    outside.initiationSent(to(1));
    outside.initiationSent(new UdpEndpoint(Uint8Array.of(192, 0, 2, 1), 6));
    outside.initiationSent(to(2));
    expect(words).toEqual(['towards 192.0.2.1', 'towards 192.0.2.2']);
    for (let i = 3; i < 40; i++) outside.initiationSent(to(i));
    outside.initiationSent(to(1));
    expect(words.at(-1), 'the pin has forgotten it').toBe('towards 192.0.2.1');
  });
});

describe('an engine that hears from the host', () => {
  it('wakes its peers when the new sockets are here, and once', () => {
    const { outside, words, state } = make();
    outside.hear('wake', undefined);
    expect(words).toEqual(['resolve', 'sockets 1']);
    expect(state.wakes).toBe(0);
    outside.hear('sockets 1 4000', undefined);
    expect(state.wakes).toBe(1);
    outside.hear('sockets 1 4000', undefined);
    expect(state.wakes).toBe(1);
  });

  it('gives a peer the addresses of its name', () => {
    const { outside, updates } = make();
    outside.hear('resolved vpn.test 192.0.2.9,nonsense,2001:db8::9', undefined);
    expect(updates).toHaveLength(1);
    expect(updates[0]?.peers?.map(({ candidates }) => candidates?.map(String))).toEqual([
      ['192.0.2.9:5', '[2001:db8::9]:5'],
    ]);
  });

  it.each([
    'resolved other.test 192.0.2.9',
    'resolved vpn.test',
    'resolved vpn.test nonsense',
    'x',
    7,
  ])('changes nothing for %j', (word) => {
    const { outside, updates, words } = make();
    outside.hear(word, undefined);
    expect([...updates, ...words]).toEqual([]);
  });

  it('refuses a socket that has not come', () => {
    expect(() => {
      make().outside.hear('udp 1 4', undefined);
    }).toThrow(TypeError);
  });
});
