import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { Endpoints } from '../../../src/engine/endpoints.ts';
import type { PeerUpdate } from '../../../src/wireguard/device.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const NAME = 'vpn.example.com';

const make = (): Endpoints =>
  new Endpoints([
    {
      publicKey: formatHex(key(1)),
      name: NAME,
      port: 51820,
      addresses: ['203.0.113.4', '2001:db8::4'],
    },
    {
      publicKey: formatHex(key(2)),
      name: NAME,
      port: 51821,
      addresses: ['203.0.113.4', '2001:db8::4'],
    },
    { publicKey: formatHex(key(3)), port: 51820, addresses: ['203.0.113.7'] },
  ]);

/** What an update says, as text. */
const told = (updates: readonly PeerUpdate[] = []): readonly (readonly string[])[] =>
  updates.map(({ publicKey, candidates = [] }) => [
    String(publicKey[0]),
    ...candidates.map(String),
  ]);

const set = { replacePeers: false, peers: [] };

describe('the places of peers', () => {
  it('are all addresses of the configuration, for peers that there are', () => {
    const updates = make().initial();
    expect(told(updates)).toEqual([
      ['1', '203.0.113.4:51820', '[2001:db8::4]:51820'],
      ['2', '203.0.113.4:51821', '[2001:db8::4]:51821'],
      ['3', '203.0.113.7:51820'],
    ]);
    expect(updates.every(({ updateOnly }) => updateOnly)).toBe(true);
  });

  it('change with the name for everybody who has it, and for nobody else', () => {
    const endpoints = make();
    const resolved = endpoints.resolved(NAME, ['203.0.113.9']);
    expect(told(resolved?.updates)).toEqual([
      ['1', '203.0.113.9:51820'],
      ['2', '203.0.113.9:51821'],
    ]);
    expect(resolved?.moved).toBe('endpoint vpn.example.com moved 203.0.113.4 → 203.0.113.9');
    expect(endpoints.resolved(NAME, ['203.0.113.9']), 'no news').toBeUndefined();
    expect(told(endpoints.initial())[0], 'and stay so').toEqual(['1', '203.0.113.9:51820']);
  });

  it('have not moved if one address is the same', () => {
    const resolved = make().resolved(NAME, ['203.0.113.9', '203.0.113.4']);
    expect(resolved?.updates).toHaveLength(2);
    expect(resolved?.moved).toBeUndefined();
  });

  it('do not change with a name that nobody has', () => {
    expect(make().resolved('other.example.com', ['203.0.113.9'])).toBeUndefined();
    expect(make().resolved('', ['203.0.113.9'])).toBeUndefined();
  });

  it('have the name of the configuration', () => {
    expect(make().resolvedFrom(key(1))).toBe(NAME);
    expect(make().resolvedFrom(key(3))).toBeUndefined();
    expect(make().resolvedFrom(key(4))).toBeUndefined();
  });

  it('are where a request said, which has no name', () => {
    const endpoints = make();
    const endpoint = { address: Uint8Array.of(192, 0, 2, 1), port: 1 };
    endpoints.changed({ ...set, peers: [{ publicKey: key(1), endpoint }, { publicKey: key(2) }] });
    expect(endpoints.resolvedFrom(key(1))).toBeUndefined();
    expect(told(endpoints.resolved(NAME, ['203.0.113.9'])?.updates)).toEqual([
      ['2', '203.0.113.9:51821'],
    ]);
  });

  it('go with their peers', () => {
    const endpoints = make();
    endpoints.changed({ ...set, peers: [{ publicKey: key(1), remove: true }] });
    expect(endpoints.resolvedFrom(key(1))).toBeUndefined();
    expect(endpoints.resolvedFrom(key(2))).toBe(NAME);
    endpoints.changed({ ...set, replacePeers: true });
    expect(endpoints.resolvedFrom(key(2))).toBeUndefined();
    expect(endpoints.initial()).toEqual([]);
  });
});
