import { describe, expect, it } from 'vitest';
import { StagedPackets } from '../../../src/wireguard/staging.ts';

const packet = (number: number): Uint8Array => Uint8Array.of(number >>> 8, number);

function numbers(staged: StagedPackets): number[] {
  const taken: number[] = [];
  for (let slot = staged.shift(); slot; slot = staged.shift()) {
    taken.push((slot.packet[0] << 8) | slot.packet[1]);
  }
  return taken;
}

describe('staged packets', () => {
  it('are copies, in order', () => {
    const staged = new StagedPackets({ used: 0 });
    const bytes = packet(1);
    staged.push(bytes);
    bytes.fill(0xff);
    staged.push(packet(2));
    expect(staged.length).toBe(2);
    expect(numbers(staged)).toEqual([1, 2]);
  });

  it('are 128 a peer: the oldest makes room', () => {
    const budget = { used: 0 };
    const staged = new StagedPackets(budget);
    const kept = Array.from({ length: 130 }, (_, i) => staged.push(packet(i)));
    expect(kept.filter((isKept) => !isKept)).toHaveLength(2);
    expect(budget.used).toBe(128);
    expect(numbers(staged)).toEqual(Array.from({ length: 128 }, (_, i) => i + 2));
    expect(budget.used).toBe(0);
  });

  it('are 4096 a device: the oldest of the same peer makes room, or there is none', () => {
    const budget = { used: 0 };
    const peers = Array.from({ length: 33 }, () => new StagedPackets(budget));
    for (const peer of peers.slice(0, 32)) {
      for (let i = 0; i < 128; i++) peer.push(packet(i));
    }
    expect(budget.used).toBe(4_096);
    expect(peers[32].push(packet(7))).toBe(false);
    expect(peers[32].length).toBe(0);
    peers[0].shift();
    expect(peers[32].push(packet(7))).toBe(true);
    expect(peers[32].push(packet(8))).toBe(false);
    expect(numbers(peers[32])).toEqual([8]);
  });

  it('give their room back when they are purged, and tell how many were no keepalives', () => {
    const budget = { used: 0 };
    const staged = new StagedPackets(budget);
    staged.push(new Uint8Array(0));
    staged.push(packet(1));
    staged.push(packet(2));
    expect(staged.purge()).toBe(2);
    expect([staged.length, budget.used]).toEqual([0, 0]);
  });
});
